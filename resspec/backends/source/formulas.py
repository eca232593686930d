"""Formulas that a constructor writes often get a name."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from resspec.backends.source.parameters import Solver
from resspec.backends.source.syntax import FORMULAS, assign, is_same, name

_OFTEN = 3


def with_locals(solver: Solver, body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements with `out_channels = 4 * width` before them, where they say `4 * width` often enough."""
    found = list(_formulas(body, {parameter.name for parameter in solver.parameters}))
    formulas = {ast.dump(node): node for node in found}
    often = [formulas[key] for key, n in Counter(map(ast.dump, found)).items() if n >= _OFTEN]
    _, leaving = solver.channels()
    assigned = []
    for formula in often:
        leaves = leaving is not None and is_same(formula, leaving)
        local = solver.names.new(FORMULAS[0] if leaves else FORMULAS[1])
        assigned.append(assign(name(local), formula))
        body = [_Replaced(formula, local).visit(statement) for statement in body]
    return [*assigned, *body]


def _formulas(body: list[ast.stmt], parameters: set[str]) -> Iterator[ast.BinOp]:
    """Products, parts and sums of parameters."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.BinOp) and parameters.issuperset(
                n.id for n in ast.walk(node) if isinstance(n, ast.Name)
            ):
                yield node


class _Replaced(ast.NodeTransformer):
    """Every occurrence of a formula by a name."""

    def __init__(self, formula: ast.expr, local: str) -> None:
        self.formula = formula
        self.local = local

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return name(self.local) if is_same(node, self.formula) else self.generic_visit(node)
