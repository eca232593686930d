"""Syntax trees to text, laid out as ruff and black do, with comments."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from resspec.backends.source.inline import OPERATORS, target, text

WIDTH = 100
INDENT = "    "

Entry = tuple[ast.expr, ast.expr]  # of a dict
Part = ast.AST | Entry


@dataclass
class Marks:
    """What a syntax tree does not say of the text."""

    comments: dict[ast.AST, str] = field(
        default_factory=dict
    )  # at the end of a statement's line, or of an argument's
    broken: set[ast.AST] = field(
        default_factory=set
    )  # calls whose arguments stand on lines of their own in any case
    spaced: set[ast.AST] = field(default_factory=set)  # statements after an empty line


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
                return [
                    f"{INDENT * depth}class {name}({', '.join(map(text, bases))}):",
                    *self.block(body, depth + 1),
                ]
            case ast.FunctionDef(body=body):
                return [*_signature(node, depth), *self.block(body, depth + 1)]
            case ast.If():
                return self._if(node, depth, "if ")
            case ast.For(target=variables, iter=over, body=body):
                return [
                    *self._layout(over, depth, f"for {target(variables)} in ", ":", node),
                    *self.block(body, depth + 1),
                ]
            case ast.Expr(value=ast.Constant(value=str(words))):
                assert (
                    '"' not in words
                    and "\\" not in words
                    and words.isascii()
                    and words.isprintable()
                ), words
                return [f'{INDENT * depth}"""{words}"""']
            case ast.Expr(value=value):
                return self._layout(value, depth, "", "", node)
            case ast.Assign(targets=[variable], value=value):
                return self._layout(value, depth, f"{text(variable)} = ", "", node)
            case ast.AugAssign(target=variable, op=operator, value=value):
                return self._layout(
                    value, depth, f"{text(variable)} {OPERATORS[type(operator)][0]}= ", "", node
                )
            case ast.Return(value=ast.expr() as value):
                return self._layout(value, depth, "return ", "", node)
            case ast.Pass():
                return [INDENT * depth + "pass"]
            case _:
                raise AssertionError(ast.dump(node))

    def _if(self, node: ast.If, depth: int, word: str) -> list[str]:
        lines = [
            *self._layout(node.test, depth, word, ":", node),
            *self.block(node.body, depth + 1),
        ]
        match node.orelse:
            case []:
                return lines
            case [ast.If() as other]:
                return [*lines, *self._if(other, depth, "elif ")]
            case other:
                return [*lines, f"{INDENT * depth}else:", *self.block(other, depth + 1)]

    # --- expressions that may need several lines ---

    def _layout(
        self, node: ast.AST, depth: int, head: str, tail: str, marked: ast.AST
    ) -> list[str]:
        """An expression between head and tail, with the comment of what is marked; broken at its brackets where it must be."""
        comment = f"  # {self.marks.comments[marked]}" if marked in self.marks.comments else ""
        assert comment.isascii() and (comment.isprintable() or not comment), comment
        line = INDENT * depth + head + text(node) + tail
        opening, closing, parts = _brackets(node)
        if len(line) <= WIDTH and node not in self.marks.broken and not self._must_break(parts):
            return [line + comment if len(line + comment) <= WIDTH else line]
        if parts:
            return [
                INDENT * depth + head + opening,
                *self._inside(node, parts, depth + 1),
                INDENT * depth + closing + tail + comment,
            ]
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=method), args=[], keywords=[]):
                return self._layout(value, depth, head, f".{method}(){tail}", marked)
            case ast.IfExp():
                return self._conditional(node, depth, head, tail + comment)
            case ast.BoolOp(op=operator, values=[*first, last]):
                word, level = OPERATORS[type(operator)]
                before = "".join(f"{text(value, level + 1)} {word} " for value in first)
                return self._layout(last, depth, head + before, tail, marked)
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if _brackets(right)[2]:
                return self._layout(
                    right,
                    depth,
                    f"{head}{text(left, 6)} {OPERATORS[type(operator)][0]} ",
                    tail,
                    marked,
                )
            case _:
                return [line + comment]

    def _inside(self, node: ast.AST, parts: list[Part], depth: int) -> list[str]:
        """What stands between brackets: on one line if it fits there, but for the items of a list; else on a line each."""
        if (
            isinstance(node, ast.Call | ast.GeneratorExp | ast.DictComp)
            and node not in self.marks.broken
        ):
            line = INDENT * depth + text(node).removeprefix(_brackets(node)[0])[:-1]
            if len(line) <= WIDTH and not self._must_break(parts):
                return [line]
        separator = "" if isinstance(parts[-1], ast.comprehension) else ","
        return [line for part in parts for line in self._part(part, depth, separator)]

    def _part(self, node: Part, depth: int, tail: str) -> list[str]:
        match node:
            case ast.comprehension(target=variables, iter=over):
                return self._layout(over, depth, f"for {target(variables)} in ", "", node)
            case ast.keyword(arg=name, value=value):
                return self._layout(value, depth, f"{name}=" if name else "**", tail, node)
            case ast.Starred(value=value):
                return self._layout(value, depth, "*", tail, node)
            case ast.AST():
                return self._layout(node, depth, "", tail, node)
            case (key, value):
                return self._layout(value, depth, f"{text(key)}: ", tail, value)

    def _conditional(self, node: ast.IfExp, depth: int, head: str, tail: str) -> list[str]:
        """A choice on three lines, in parentheses where it is not an argument."""
        indent, words = (
            INDENT * depth,
            [text(node.body, 2), f"if {text(node.test, 2)}", f"else {text(node.orelse, 1)}"],
        )
        if tail.startswith(","):
            return [indent + head + words[0], indent + words[1], indent + words[2] + tail]
        return [f"{indent}{head}(", *(indent + INDENT + word for word in words), f"{indent}){tail}"]

    def _must_break(self, parts: Sequence[Part]) -> bool:
        """Whether one of these does not fit on a line with others."""
        trees = [tree for part in parts for tree in (part if isinstance(part, tuple) else (part,))]
        return any(
            node in self.marks.broken or node in self.marks.comments
            for tree in trees
            for node in ast.walk(tree)
        )


def _brackets(node: ast.AST) -> tuple[str, str, list[Part]]:
    """Where an expression can be broken: what opens and closes it, and what stands between."""
    match node:
        case ast.Call(func=function, args=positional, keywords=keywords):
            return f"{text(function, 10)}(", ")", [*positional, *keywords]
        case ast.Tuple(elts=items):
            return "(", ")", [*items]
        case ast.List(elts=items):
            return "[", "]", [*items]
        case ast.Dict(keys=keys, values=values):
            return "{", "}", [(key, value) for key, value in zip(keys, values, strict=True) if key]
        case ast.GeneratorExp(elt=element, generators=generators):
            return "(", ")", [element, *generators]
        case ast.DictComp(key=key, value=value, generators=generators):
            return "{", "}", [(key, value), *generators]
        case _:
            return "", "", []


def _signature(node: ast.FunctionDef, depth: int) -> list[str]:
    """`def name(parameters) -> result:`, in as many lines as it takes."""
    assert node.returns is not None
    given = node.args
    parts = [f"{a.arg}: {text(a.annotation)}" if a.annotation else a.arg for a in given.args]
    for i, default in enumerate(given.defaults, len(parts) - len(given.defaults)):
        parts[i] += f" = {text(default)}"
    head, tail = f"{INDENT * depth}def {node.name}(", f") -> {text(node.returns)}:"
    inner = INDENT * (depth + 1)
    if len(line := head + ", ".join(parts) + tail) <= WIDTH:
        return [line]
    if len(line := inner + ", ".join(parts)) <= WIDTH:
        return [head, line, INDENT * depth + tail]
    return [head, *(f"{inner}{part}," for part in parts), INDENT * depth + tail]
