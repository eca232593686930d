"""A network by its name: through its derivations to the template, with values for the template's
parameters, to an IR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from resspec.diagnostics import Diagnostic
from resspec.ir.network import Network
from resspec.ir.nodes import Node
from resspec.lowering import argument_errors, name_errors
from resspec.lowering.binding import bind, kept
from resspec.lowering.chain import Lowerer
from resspec.lowering.clauses import Clauses
from resspec.lowering.context import Exhausted
from resspec.lowering.derivation import Level, levels, missing, parameters, undecided
from resspec.lowering.expectations import Expectation
from resspec.lowering.memory import Memory
from resspec.lowering.outputs import Given
from resspec.lowering.scope import Library
from resspec.source import Span
from resspec.syntax import ast


class Declared(NamedTuple):
    """The origin of a network: its file, its name there, and the values that its parameters were
    given.
    """

    library: Library
    name: str
    overrides: Sequence[ast.Let]


class Lowered(NamedTuple):
    """The result of a lowering: the IR is None where a diagnostic is an error."""

    declared: Declared
    network: Network | None
    expectations: tuple[Expectation, ...]
    diagnostics: tuple[Diagnostic, ...]
    reached: frozenset[Span]  # the names of the blocks and constants that it is made of
    parts: Mapping[Span, Sequence[Node]]  # of each step of the texts, once for each input


def lower(
    library: Library,
    name: str,
    overrides: Sequence[ast.Let] = (),
    given: Given | None = None,
    memory: Memory | None = None,
) -> Lowered:
    """Return the network of this name in a file, with these values for its parameters; `given`:
    clauses in place of its own; `memory`: of networks without mistakes.
    """
    count, place = None, None
    for _ in range(4):  # one pass counts; but a wrong `count` may stop it before the last block
        attempt = Attempt(library, name, overrides, count, given=given, memory=memory)
        place, count = attempt.numbering.place, attempt.numbering.index
        if place is None or attempt.numbering.count == count:
            return attempt.lowered
    assert place is not None
    return attempt.lowered._replace(
        network=None, diagnostics=(name_errors.circular(place, "count", ()),)
    )


def lower_template(library: Library, name: str) -> Lowered:
    """Return what is wrong in a network whatever the values of its parameters are."""
    return Attempt(library, name, (), count=None, is_template=True).lowered._replace(network=None)


def network_names(library: Library) -> list[str]:
    """The networks that a file declares itself, in its order."""
    return [
        name
        for name, declared in library.own.items()
        if isinstance(declared, ast.NetworkDecl | ast.Derived)
    ]


def template_parameters(library: Library, name: str) -> list[str]:
    """The parameters of a network that have no value yet."""
    return missing(_silent_levels(library, name))


def network_parameters(library: Library, name: str) -> list[str]:
    """Return the parameters of a network, its own and those of the networks it is derived from."""
    return parameters(_silent_levels(library, name))


def undecided_parameters(library: Library, name: str) -> list[str]:
    """Return the parameters of a network that have their defaults, or no value yet."""
    return undecided(_silent_levels(library, name))


def _silent_levels(library: Library, name: str) -> list[Level]:
    return levels(library, name, lambda _: None)


class Attempt:
    """One pass; a second one knows how many residual blocks there are."""

    def __init__(
        self,
        library: Library,
        name: str,
        overrides: Sequence[ast.Let],
        count: int | None,
        is_template: bool = False,
        given: Given | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.is_template = is_template
        self.given = given
        self.lowerer = Lowerer(library, memory)
        self.numbering = self.lowerer.numbering
        self.numbering.count = count
        self.numbering.is_known = not is_template
        self.expectations: list[Expectation] = []
        try:
            network = self._resolve(library, name, overrides)
        except Exhausted:
            network = None
        diagnostics = sorted(self.lowerer.diagnostics, key=_position)
        sound = not any(d.severity == "error" for d in diagnostics)
        reached = frozenset(self.lowerer.reached | self.lowerer.constants.keys())
        self.lowered = Lowered(
            Declared(library, name, overrides),
            network if sound else None,
            () if given else tuple(self.expectations),
            tuple(diagnostics),
            reached,
            self.lowerer.parts,
        )

    def _resolve(self, library: Library, name: str, overrides: Sequence[ast.Let]) -> Network | None:
        """Resolve the parameters, from the derived network to its template, then the clauses."""
        place = library.own[name].name.span
        self.lowerer.settings.place = place
        found = levels(library, name, self.lowerer.report)
        if not found:
            return None
        lacks = missing(found, {let.name.text for let in overrides})
        if lacks and not self.is_template:
            self.lowerer.report(argument_errors.needs_values(place, name, lacks))
            return None
        bound = bind(self.lowerer, found, overrides)
        clauses = Clauses(self.lowerer, bound, self.given)
        self.expectations += kept(bound, clauses.expectations)
        return clauses.network(name, place)


def _position(diagnostic: Diagnostic) -> tuple[str, int, str]:
    span = diagnostic.labels[0].span
    return span.source.name, span.start, diagnostic.code
