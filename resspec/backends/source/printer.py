"""Syntax trees to text, laid out as ruff and black do, with comments."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WIDTH = 100
INDENT = "    "



@dataclass
class Marks:
    """What a syntax tree does not say of the text."""

    comments: dict[ast.AST, str] = field(default_factory=dict)  # at the end of a statement's line, or of an argument's
    broken: set[ast.AST] = field(default_factory=set)  # calls whose arguments stand on lines of their own in any case
    spaced: set[ast.AST] = field(default_factory=set)  # statements after an empty line


_OPERATORS: dict[type[ast.AST], tuple[str, int]] = {
    ast.Or: ("or", 2), ast.And: ("and", 3),
    ast.Eq: ("==", 5), ast.NotEq: ("!=", 5), ast.Is: ("is", 5), ast.IsNot: ("is not", 5), ast.In: ("in", 5),
    ast.BitOr: ("|", 6), ast.Add: ("+", 7), ast.Sub: ("-", 7), ast.Mult: ("*", 8), ast.Div: ("/", 8), ast.FloorDiv: ("//", 8),
}  # fmt: skip


def text(node: ast.AST, around: int = 0) -> str:
    """An expression on one line, in parentheses where it binds weaker than what is around it."""
    written, level = _text(node)
    return f"({written})" if level < around else written


def _text(node: ast.AST) -> tuple[str, int]:
    match node:
        case ast.Constant(value=value):
            return _constant(value), 10
        case ast.Name(id=name):
            return name, 10
        case ast.Attribute(value=value, attr=name):
            return f"{text(value, 10)}.{name}", 10
        case ast.Call(func=function):
            return f"{text(function, 10)}({', '.join(map(text, _arguments(node)))})", 10
        case ast.Subscript(value=value, slice=index):
            inner = ", ".join(map(text, index.elts)) if isinstance(index, ast.Tuple) else text(index)
            return f"{text(value, 10)}[{inner}]", 10
        case ast.keyword(arg=name, value=value):
            return f"{name}={text(value, 1)}" if name else f"**{text(value, 6)}", 0
        case ast.Starred(value=value):
            return f"*{text(value, 6)}", 0
        case ast.Tuple(elts=items):
            return f"({', '.join(map(text, items))}{',' if len(items) == 1 else ''})", 10
        case ast.List(elts=items):
            return f"[{', '.join(map(text, items))}]", 10
        case ast.Dict(keys=keys, values=values):
            return "{" + ", ".join(map(_entry, keys, values)) + "}", 10
        case ast.GeneratorExp(elt=element, generators=generators):
            return f"({text(element, 1)} {_loops(generators)})", 10
        case ast.DictComp(key=key, value=value, generators=generators):
            return "{" + f"{_entry(key, value)} {_loops(generators)}" + "}", 10
        case ast.JoinedStr(values=values):
            return _format_string(values), 10
        case ast.IfExp(test=test, body=body, orelse=other):
            return f"{text(body, 2)} if {text(test, 2)} else {text(other, 1)}", 1
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            word, level = _OPERATORS[type(operator)]
            return f"{text(left, level + 1)} {word} {text(right, level + 1)}", level
        case ast.BoolOp(op=operator, values=values):
            word, level = _OPERATORS[type(operator)]
            return f" {word} ".join(text(value, level + 1) for value in values), level
        case ast.BinOp(left=left, op=operator, right=right):
            word, level = _OPERATORS[type(operator)]
            return f"{text(left, level)} {word} {text(right, level + 1)}", level
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{text(operand, 9)}", 9
        case _:
            raise AssertionError(ast.dump(node))


def _constant(value: object) -> str:
    written = ascii(value)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in written else written


def _arguments(node: ast.Call) -> list[ast.AST]:
    return [*node.args, *node.keywords]


def _entry(key: ast.expr | None, value: ast.expr) -> str:
    return f"{text(key, 1)}: {text(value, 1)}" if key else f"**{text(value, 6)}"


def _loops(generators: Iterable[ast.comprehension]) -> str:
    return " ".join(f"for {_target(loop.target)} in {text(loop.iter, 2)}" for loop in generators)


def _target(node: ast.expr) -> str:
    return ", ".join(map(text, node.elts)) if isinstance(node, ast.Tuple) else text(node)


def _format_string(values: Iterable[ast.expr]) -> str:
    parts = []
    for value in values:
        if isinstance(value, ast.FormattedValue):
            parts.append("{" + text(value.value) + "}")
        else:
            assert isinstance(value, ast.Constant) and isinstance(value.value, str)
            assert value.value.replace("-", "").replace("_", "").replace(".", "").isalnum(), value.value
            parts.append(value.value)
    return f'f"{"".join(parts)}"'


# --- statements ---


class Printer:
    """Statements as lines."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks

    def block(self, statements: Sequence[ast.stmt], depth: int) -> list[str]:
        lines: list[str] = []
        for i, statement in enumerate(statements):
            if i and (isinstance(statement, ast.FunctionDef) or statement in self.marks.spaced):
                lines.append("")
            lines += self._statement(statement, depth)
        return lines

    def _statement(self, node: ast.stmt, depth: int) -> list[str]:
        match node:
            case ast.ClassDef(name=name, bases=bases, body=body):
                return [*self._line(f"class {name}({', '.join(map(text, bases))}):", depth), *self._body(body, depth)]
            case ast.FunctionDef(body=body):
                return [*self._signature(node, depth), *self._body(body, depth)]
            case ast.If(test=test, body=body, orelse=other):
                lines = [*self._layout(test, depth, "if ", ":", node), *self._body(body, depth)]
                if len(other) == 1 and isinstance(other[0], ast.If):
                    first, *rest = self._statement(other[0], depth)
                    return [*lines, first.replace("if ", "elif ", 1), *rest]
                return [*lines, *(self._line("else:", depth) + self._body(other, depth) if other else [])]
            case ast.For(target=target, iter=over, body=body):
                return [*self._layout(over, depth, f"for {_target(target)} in ", ":", node), *self._body(body, depth)]
            case ast.Expr(value=ast.Constant(value=str(words))):
                assert '"' not in words and "\\" not in words and words.isascii(), words
                return self._line(f'"""{words}"""', depth)
            case ast.Expr(value=value):
                return self._layout(value, depth, "", "", node)
            case ast.Assign(targets=[target], value=value):
                return self._layout(value, depth, f"{text(target)} = ", "", node)
            case ast.AugAssign(target=target, op=operator, value=value):
                return self._layout(value, depth, f"{text(target)} {_OPERATORS[type(operator)][0]}= ", "", node)
            case ast.Pass():
                return self._line("pass", depth)
            case ast.Return(value=ast.expr() as value):
                return self._layout(value, depth, "return ", "", node)
            case _:
                raise AssertionError(ast.dump(node))

    def _body(self, body: Sequence[ast.stmt], depth: int) -> list[str]:
        return self.block(body, depth + 1)

    def _line(self, words: str, depth: int) -> list[str]:
        return [INDENT * depth + words]

    def _signature(self, node: ast.FunctionDef, depth: int) -> list[str]:
        """`def name(parameters) -> result:`, in as many lines as it takes."""
        given = node.args
        plain = [f"{a.arg}: {text(a.annotation)}" if a.annotation else a.arg for a in given.args]
        first = len(plain) - len(given.defaults)
        for i, default in enumerate(given.defaults):
            plain[first + i] += f" = {text(default)}"
        if given.vararg and given.vararg.annotation:
            plain.append(f"*{given.vararg.arg}: {text(given.vararg.annotation)}")
        for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            assert argument.annotation and default
            plain.append(f"{argument.arg}: {text(argument.annotation)} = {text(default)}")
        if given.kwarg and given.kwarg.annotation:
            plain.append(f"**{given.kwarg.arg}: {text(given.kwarg.annotation)}")
        head, tail = f"def {node.name}(", f") -> {text(node.returns)}:" if node.returns else "):"
        return self._pick(head, plain, tail, depth)

    def _pick(self, head: str, parts: list[str], tail: str, depth: int) -> list[str]:
        """On one line, or the parts on one line of their own, or each on its own."""
        one = INDENT * depth + head + ", ".join(parts) + tail
        inner = INDENT * (depth + 1) + ", ".join(parts)
        if len(one) <= WIDTH:
            return [one]
        if len(inner) <= WIDTH:
            return [INDENT * depth + head, inner, INDENT * depth + tail]
        return [INDENT * depth + head, *(f"{INDENT * (depth + 1)}{part}," for part in parts), INDENT * depth + tail]

    def _layout(self, node: ast.AST, depth: int, head: str, tail: str, commented: ast.AST) -> list[str]:
        """An expression between head and tail, broken at its brackets where it is too long for a line."""
        comment = f"  # {self.marks.comments[commented]}" if commented in self.marks.comments else ""
        line = INDENT * depth + head + text(node) + tail
        if len(line) <= WIDTH and not (node in self.marks.broken or self._must_break(*_brackets(node)[2])):
            return [line + comment if len(line + comment) <= WIDTH else line]
        if isinstance(node, ast.IfExp):
            return self._conditional(node, depth, head, tail + comment)
        opening, closing, parts = _brackets(node)
        if not parts:
            return [line + comment]
        inner = ", ".join(map(_part, parts))
        first = f"{INDENT * depth}{head}{opening}"
        last = f"{INDENT * depth}{closing}{tail}{comment}"
        loops = isinstance(parts[-1], ast.comprehension)
        if not self._must_break(*parts) and node not in self.marks.broken and not loops and len(INDENT * (depth + 1) + inner) <= WIDTH:
            return [first, INDENT * (depth + 1) + inner, last]
        lines = [first]
        for part in parts:
            separator = "" if loops else ","
            lines += self._part(part, depth + 1, separator)
        return [*lines, last]

    def _conditional(self, node: ast.IfExp, depth: int, head: str, tail: str) -> list[str]:
        """A choice on three lines, in parentheses where it is not an argument."""
        indent, words = INDENT * depth, [text(node.body, 2), f"if {text(node.test, 2)}", f"else {text(node.orelse, 1)}"]
        if tail.startswith(","):
            return [indent + head + words[0], indent + words[1], indent + words[2] + tail]
        return [f"{indent}{head}(", *(indent + INDENT + word for word in words), f"{indent}){tail}"]

    def _part(self, node: ast.AST | tuple[ast.expr, ast.expr], depth: int, tail: str) -> list[str]:
        match node:
            case (key, value):
                return self._layout(value, depth, f"{text(key)}: ", tail, value)
            case ast.comprehension():
                return self._line(_loops([node]), depth)
            case ast.keyword(arg=name, value=value):
                return self._layout(value, depth, f"{name}=" if name else "**", tail, node)
            case ast.Starred(value=value):
                return self._layout(value, depth, "*", tail, node)
            case _:
                return self._layout(node, depth, "", tail, node)  # type: ignore[arg-type]

    def _must_break(self, *nodes: Part) -> bool:
        """Whether one of these does not fit on a line with others."""
        trees = [part for node in nodes for part in (node if isinstance(node, tuple) else (node,))]
        return any(child in self.marks.broken or child in self.marks.comments for tree in trees for child in ast.walk(tree))


Part = ast.AST | tuple[ast.expr, ast.expr]


def _brackets(node: ast.AST) -> tuple[str, str, list[Part]]:
    """Where an expression can be broken: what opens and closes it, and what stands between."""
    match node:
        case ast.Call(func=function):
            return f"{text(function, 10)}(", ")", list(_arguments(node))
        case ast.Tuple(elts=items):
            return "(", ")", list(items)
        case ast.List(elts=items):
            return "[", "]", list(items)
        case ast.Dict(keys=keys, values=values):
            return "{", "}", [(key, value) for key, value in zip(keys, values, strict=True) if key]
        case ast.GeneratorExp(elt=element, generators=generators):
            return "(", ")", [element, *generators]
        case ast.DictComp(key=key, value=value, generators=generators):
            return "{", "}", [(key, value), *generators]
        case _:
            return "", "", []


def _part(node: Part) -> str:
    if isinstance(node, ast.comprehension):
        return _loops([node])
    return _entry(*node) if isinstance(node, tuple) else text(node)
