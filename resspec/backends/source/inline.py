"""Expressions on one line: what `ast.unparse` does, in double quotes, for the syntax that we emit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

OPERATORS: dict[type[ast.AST], tuple[str, int]] = {  # and how strongly they bind
    ast.Or: ("or", 2), ast.And: ("and", 3),
    ast.Eq: ("==", 5), ast.NotEq: ("!=", 5), ast.Is: ("is", 5), ast.IsNot: ("is not", 5), ast.In: ("in", 5),
    ast.BitOr: ("|", 6), ast.Add: ("+", 7), ast.Sub: ("-", 7), ast.Mult: ("*", 8), ast.Div: ("/", 8), ast.FloorDiv: ("//", 8),
}  # fmt: skip
_ATOM = 10


def text(node: ast.AST, around: int = 0) -> str:
    """An expression, in parentheses where it binds weaker than what is around it."""
    written, level = _text(node)
    return f"({written})" if level < around else written


def _text(node: ast.AST) -> tuple[str, int]:
    match node:
        case ast.Constant(value=value):
            return _constant(value), _ATOM
        case ast.Name(id=name):
            return name, _ATOM
        case ast.Attribute(value=value, attr=name):
            return f"{text(value, _ATOM)}.{name}", _ATOM
        case ast.Call(func=function, args=positional, keywords=keywords):
            return (
                f"{text(function, _ATOM)}({', '.join(map(text, [*positional, *keywords]))})",
                _ATOM,
            )
        case ast.Subscript(value=value, slice=index):
            inner = (
                ", ".join(map(text, index.elts)) if isinstance(index, ast.Tuple) else text(index)
            )
            return f"{text(value, _ATOM)}[{inner}]", _ATOM
        case ast.keyword(arg=name, value=value):
            return f"{name}={text(value, 1)}" if name else f"**{text(value, 6)}", 0
        case ast.Starred(value=value):
            return f"*{text(value, 6)}", 0
        case ast.Tuple(elts=items):
            return f"({', '.join(map(text, items))}{',' if len(items) == 1 else ''})", _ATOM
        case ast.List(elts=items):
            return f"[{', '.join(map(text, items))}]", _ATOM
        case ast.Dict(keys=keys, values=values):
            entries = (
                f"{text(key)}: {text(value, 1)}"
                for key, value in zip(keys, values, strict=True)
                if key
            )
            return "{" + ", ".join(entries) + "}", _ATOM
        case ast.GeneratorExp(elt=element, generators=generators):
            return f"({text(element, 1)} {loops(generators)})", _ATOM
        case ast.DictComp(key=key, value=value, generators=generators):
            return "{" + f"{text(key, 1)}: {text(value, 1)} {loops(generators)}" + "}", _ATOM
        case ast.JoinedStr(values=values):
            return _format_string(values), _ATOM
        case _:
            return _operation(node)


def _operation(node: ast.AST) -> tuple[str, int]:
    match node:
        case ast.IfExp(test=test, body=body, orelse=other):
            return f"{text(body, 2)} if {text(test, 2)} else {text(other, 1)}", 1
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            word, level = OPERATORS[type(operator)]
            return f"{text(left, level + 1)} {word} {text(right, level + 1)}", level
        case ast.BoolOp(op=operator, values=values):
            word, level = OPERATORS[type(operator)]
            return f" {word} ".join(text(value, level + 1) for value in values), level
        case ast.BinOp(left=left, op=operator, right=right):
            word, level = OPERATORS[type(operator)]
            return f"{text(left, level)} {word} {text(right, level + 1)}", level
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{text(operand, 9)}", 9
        case _:
            raise AssertionError(ast.dump(node))


def loops(generators: Iterable[ast.comprehension]) -> str:
    """`for i in range(3) for …`"""
    return " ".join(f"for {target(loop.target)} in {text(loop.iter, 2)}" for loop in generators)


def target(node: ast.expr) -> str:
    """The variables of a loop."""
    return ", ".join(map(text, node.elts)) if isinstance(node, ast.Tuple) else text(node)


def is_plain(words: str) -> bool:
    """Whether words can stand in a format string as they are."""
    return re.fullmatch(r"[A-Za-z0-9_-]*", words) is not None


def _constant(value: object) -> str:
    written = ascii(value)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def _format_string(values: Iterable[ast.expr]) -> str:
    parts = []
    for value in values:
        if isinstance(value, ast.FormattedValue):
            parts.append("{" + text(value.value) + "}")
        else:
            assert (
                isinstance(value, ast.Constant)
                and isinstance(value.value, str)
                and is_plain(value.value)
            ), value
            parts.append(value.value)
    return f'f"{"".join(parts)}"'
