"""The networks from a derived one to its template, and their parameters."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from resspec.diagnostics import Reporter
from resspec.lowering import name_errors
from resspec.lowering.scope import Library, find_one, report_unknown, suggestion
from resspec.syntax import ast

MEANING = (ast.Expect, ast.Let, ast.Broken)  # clauses of a derived network that replace nothing


class Level(NamedTuple):
    """A network of a derivation, and the file that declares it."""

    declared: ast.NetworkDecl | ast.Derived
    library: Library

    @property
    def parameters(self) -> dict[str, ast.ParameterDecl]:
        return {parameter.name.text: parameter for parameter in self.declared.parameters}

    @property
    def arguments(self) -> dict[str, ast.Keyword]:
        """The arguments that it gives to the network that it is derived from."""
        if isinstance(self.declared, ast.NetworkDecl):
            return {}
        given = self.declared.arguments
        return {each.name.text: each for each in given if isinstance(each, ast.Keyword)}

    @property
    def replaces(self) -> bool:
        """True if it replaces clauses of the network that it is derived from."""
        is_derived = isinstance(self.declared, ast.Derived)
        return is_derived and any(not isinstance(each, MEANING) for each in self.declared.clauses)


def levels(library: Library, name: str, report: Reporter) -> list[Level]:
    """Return a network and those that it is derived from, the template last.

    Empty if a base is unknown, or derived from itself.
    """
    declared, found = library.own[name], list[Level]()
    while isinstance(declared, ast.Derived):
        if any(declared is level.declared for level in found):
            last = found[-1].declared
            assert isinstance(last, ast.Derived)
            places = [level.declared.name.span for level in found]
            report(name_errors.circular(last.base.span, declared.name.text, places))
            return []
        found.append(Level(declared, library))
        base = find_base(library, declared.base, report)
        if base is None:
            return []
        declared, library = base.declared, base.library
    assert isinstance(declared, ast.NetworkDecl)
    return [*found, Level(declared, library)]


def find_base(library: Library, name: ast.Identifier, report: Reporter) -> Level | None:
    """Return the network that a name in a file means; None once it was reported, or is broken."""
    if name.text in library.bases:
        base = library.bases[name.text]
        found = (base.library.own[base.name], base.library) if base else None
    else:
        found = find_one(library, name, report, ast.NetworkDecl, ast.Derived)
        if found is None:
            near = suggestion(library, name.text, set(), ast.NetworkDecl, ast.Derived)
            elsewhere = library.elsewhere(name.text)
            unknown = name_errors.unknown_network(name.span, near, elsewhere)
            report_unknown(library, unknown, report)
    match found:
        case (ast.NetworkDecl() | ast.Derived() as declared, home):
            return Level(declared, home)
        case _:
            return None


def parameters(levels: list[Level]) -> list[str]:
    """Return the names of all parameters that can be set from outside, its own first."""
    return list(dict.fromkeys(name for level in levels for name in level.parameters))


def missing(levels: list[Level], outside: Collection[str] = ()) -> list[str]:
    """Return the parameters that have no value yet, which make a template of a network.

    Args:
        levels: The network and those that it is derived from.
        outside: The names of the parameters that are given from outside.
    """
    found, given = list[str](), set(outside)
    for level in levels:
        own = level.parameters
        found += [name for name, each in own.items() if each.default is None and name not in given]
        given = (given - own.keys()) | level.arguments.keys()
    return found


def undecided(levels: list[Level]) -> list[str]:
    """Return the parameters that can be set from outside, and that no derived network gives."""
    found, given, hidden = list[str](), set[str](), set[str]()
    for level in levels:
        own = level.parameters
        found += [name for name in own if name not in given | hidden]
        hidden |= own.keys()
        given = (given - own.keys()) | level.arguments.keys()
    return found
