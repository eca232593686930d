"""Python text laid out as ruff and black do: lines of 100 columns, broken at brackets.

Arguments that begin on a new line stay on lines of their own, and comments at the ends of lines
stay where they are.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Sequence

from resspec.diagnostics import InternalError

WIDTH = 100
INDENT = "    "


def lay_out(text: str) -> str:
    """Return the same code in another layout."""
    tree = _Quoted().visit(ast.parse(text))
    lines = "\n".join(_Printer(_comments(text)).block(tree.body, 0))
    if ast.dump(ast.parse(lines)) != ast.dump(ast.parse(text)):
        raise InternalError(f"the layout of this text changes its meaning: {text[:200]}")
    return lines


def _comments(text: str) -> dict[int, str]:
    """Comments by the number of their line."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {each.start[0]: f"  {each.string}" for each in tokens if each.type == tokenize.COMMENT}


class _Printer:
    def __init__(self, comments: dict[int, str]) -> None:
        self.comments = comments

    def block(self, statements: Sequence[ast.stmt], depth: int) -> list[str]:
        lines: list[str] = []
        for i, node in enumerate(statements):
            starts = isinstance(node, ast.For) and "modules()" in ast.unparse(node.iter)
            if i and (starts or isinstance(node, ast.FunctionDef)):
                lines.append("")
            lines += self._statement(node, depth)
        return lines

    def _statement(self, node: ast.stmt, depth: int) -> list[str]:
        match node:
            case ast.ClassDef(name=name, bases=[base]):
                head = f"{INDENT * depth}class {name}({ast.unparse(base)}):"
                return [head, *self.block(node.body, depth + 1)]
            case ast.FunctionDef():
                return [*_signature(node, INDENT * depth), *self.block(node.body, depth + 1)]
            case ast.If(test=test):
                return self._if(node, test, depth, "if ")
            case ast.For(target=target, iter=over):
                lines = self._expression(over, depth, f"for {_variables(target)} in ", ":")
                return [*lines, *self.block(node.body, depth + 1)]
            case ast.Expr(value=ast.Name(id=words)):
                return [f'{INDENT * depth}""{words}""']
            case ast.Expr(value=value):
                head = ""
            case ast.Assign(targets=[target], value=value):
                head = f"{ast.unparse(target)} = "
            case ast.AugAssign(target=target, value=value):
                head = f"{ast.unparse(target)} += "
            case ast.Return(value=ast.expr() as value):
                head = "return "
            case _:
                return [INDENT * depth + ast.unparse(node)]
        return self._expression(value, depth, head, "", self._comment(node))

    def _if(self, node: ast.If, test: ast.expr, depth: int, word: str) -> list[str]:
        lines = [*self._expression(test, depth, word, ":"), *self.block(node.body, depth + 1)]
        match node.orelse:
            case []:
                return lines
            case [ast.If(test=other) as inner]:
                return [*lines, *self._if(inner, other, depth, "elif ")]
            case other:
                return [*lines, f"{INDENT * depth}else:", *self.block(other, depth + 1)]

    def _comment(self, node: ast.AST) -> str:
        return self.comments.pop(getattr(node, "end_lineno", 0), "")

    def _expression(
        self, node: ast.AST, depth: int, head: str, tail: str, comment: str = ""
    ) -> list[str]:
        """Return an expression between head and tail, broken at its brackets where it must be."""
        indent = INDENT * depth
        line = indent + head + ast.unparse(node) + tail
        parts = _parts(node)
        if len(line) <= WIDTH and not self._is_broken(node):
            return [line + comment if len(line + comment) <= WIDTH else line]
        match node:
            case ast.IfExp():
                words = [
                    ast.unparse(node.body),
                    f"if {ast.unparse(node.test)}",
                    f"else {ast.unparse(node.orelse)}",
                ]
                return [
                    f"{indent}{head}(",
                    *(indent + INDENT + word for word in words),
                    f"{indent}){tail}",
                ]
            case ast.BoolOp(op=operator, values=[*first, last]):
                word = " and " if isinstance(operator, ast.And) else " or "
                return self._expression(
                    last, depth, head + "".join(ast.unparse(each) + word for each in first), tail
                )
            case ast.Compare(left=left, comparators=[right]) if _parts(right):
                return self._expression(right, depth, f"{head}{ast.unparse(left)} in ", tail)
        if not parts:
            return [line + comment]
        opening = (
            ast.unparse(node.func) + "(" if isinstance(node, ast.Call) else ast.unparse(node)[0]
        )
        closing = indent + ast.unparse(node)[-1] + tail + comment
        inside = indent + INDENT + ast.unparse(node).removeprefix(opening)[:-1]
        if (
            isinstance(node, ast.Tuple | ast.List | ast.Dict)
            or len(inside) > WIDTH
            or self._is_broken(node)
        ):
            return [indent + head + opening, *self._each(parts, depth + 1), closing]
        return [indent + head + opening, inside, closing]

    def _each(self, parts: Sequence[tuple[str, ast.AST]], depth: int) -> list[str]:
        """Return what stands between brackets, on a line each."""
        lines: list[str] = []
        comma = "" if isinstance(parts[-1][1], ast.comprehension) else ","
        for head, node in parts:
            value = node.iter if isinstance(node, ast.comprehension) else node
            lines += self._expression(value, depth, head, comma, self._comment(value))
        return lines

    def _is_broken(self, node: ast.AST) -> bool:
        """Return whether arguments begin on a line of their own, here or inside."""
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                for first in [*call.args, *call.keywords][:1]:
                    if getattr(first, "lineno", 0) > (call.func.end_lineno or 0):
                        return True
        return False


def _parts(node: ast.AST) -> list[tuple[str, ast.AST]]:
    """Return where an expression can be broken: what stands between its brackets, each with what is
    before it.
    """
    match node:
        case ast.Call(args=positional, keywords=keywords):
            given = [(f"{each.arg}=" if each.arg else "**", each.value) for each in keywords]
            return [*(_part(each) for each in positional), *given]
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return [_part(each) for each in elements]
        case ast.Dict(keys=[*keys], values=values):
            return [
                (f"{ast.unparse(key)}: ", value)
                for key, value in zip(keys, values, strict=True)
                if key
            ]
        case ast.GeneratorExp(elt=element, generators=generators):
            return [("", element), *_loops(generators)]
        case ast.DictComp(key=key, value=value, generators=generators):
            return [(f"{ast.unparse(key)}: ", value), *_loops(generators)]
        case _:
            return []


def _part(node: ast.expr) -> tuple[str, ast.AST]:
    return ("*", node.value) if isinstance(node, ast.Starred) else ("", node)


def _loops(generators: Sequence[ast.comprehension]) -> list[tuple[str, ast.AST]]:
    return [(f"for {_variables(loop.target)} in ", loop) for loop in generators]


def _variables(target: ast.expr) -> str:
    return ast.unparse(target).strip("()")


class _Quoted(ast.NodeTransformer):
    """Strings in double quotes: names, as far as `ast.unparse` knows."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        is_text = isinstance(node.value, str)
        return ast.copy_location(ast.Name(json.dumps(node.value)), node) if is_text else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        parts = [
            f"{{{ast.unparse(each.value)}}}"
            if isinstance(each, ast.FormattedValue)
            else str(each.value)
            for each in node.values
            if isinstance(each, ast.Constant | ast.FormattedValue)
        ]
        return ast.copy_location(ast.Name(f'f"{"".join(parts)}"'), node)


def _signature(node: ast.FunctionDef, indent: str) -> list[str]:
    """`def name(parameters) -> result:`, in as many lines as it takes."""
    given, defaults = node.args.args, node.args.defaults
    parts = [
        f"{each.arg}: {ast.unparse(each.annotation)}" if each.annotation else each.arg
        for each in given
    ]
    for i, default in enumerate(defaults, len(parts) - len(defaults)):
        parts[i] += f" = {ast.unparse(default)}"
    assert node.returns is not None
    head, tail = f"{indent}def {node.name}(", f") -> {ast.unparse(node.returns)}:"
    if len(line := head + ", ".join(parts) + tail) <= WIDTH:
        return [line]
    if len(line := indent + INDENT + ", ".join(parts)) <= WIDTH:
        return [head, line, indent + tail]
    return [head, *(f"{indent}{INDENT}{part}," for part in parts), indent + tail]
