"""The outputs of a network: its clause `output`, or what replaces it from outside."""

from __future__ import annotations

from typing import NamedTuple

from resspec.diagnostics import Reporter
from resspec.ir.network import Network
from resspec.ir.outputs import points, select
from resspec.lowering import clause_errors
from resspec.suggest import alike
from resspec.syntax import ast

MOST = 1000  # names that are compared with an unknown one


class Given(NamedTuple):
    """Clauses from outside in place of a network's own."""

    input: ast.Input | None = None
    output: ast.OutputClause | None = None


def with_outputs(network: Network, clause: ast.OutputClause, report: Reporter) -> Network | None:
    """Return the network with the outputs of a clause, and nothing after the last of them. None
    where something was reported.
    """
    known = points(network)
    first = dict[str, ast.Identifier]()
    is_sound = True
    for name in clause.names:
        if name.text in first:
            report(clause_errors.output_twice(name.span, first[name.text].span))
            is_sound = False
        elif name.text not in known:
            near = alike(name.text, known[:MOST])
            stages = [section.label for section in network.sections if section.kind == "stage"]
            inside = _module_around(name.text, known)
            report(clause_errors.unknown_output(name.span, near, stages, inside))
            is_sound = False
        first.setdefault(name.text, name)
    return select(network, first) if is_sound else None


def _module_around(name: str, known: list[str]) -> str | None:
    """Return the module on the main chain in which something of this name would be."""
    parts = name.split(".")
    around = (".".join(parts[:i]) for i in range(len(parts) - 1, 0, -1))
    return next((each for each in around if each in known), None)
