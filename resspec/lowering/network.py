"""A network by its name: through its derivations to the template, with values for the template's
parameters, to an IR.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from resspec.diagnostics import Diagnostic
from resspec.ir.network import Network
from resspec.lowering import argument_errors, arguments, clause_errors, name_errors
from resspec.lowering.chain import Lowerer
from resspec.lowering.clauses import Clauses
from resspec.lowering.context import Exhausted
from resspec.lowering.expectations import Expectation, expectation, verified
from resspec.lowering.frame import Frame
from resspec.lowering.memory import Memory
from resspec.lowering.scope import Library, find_one, report_unknown, suggestion
from resspec.lowering.values import UNKNOWN, Value
from resspec.source import Span
from resspec.suggest import alike
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


def lower(
    library: Library,
    name: str,
    overrides: Sequence[ast.Let] = (),
    given: ast.Input | None = None,
    memory: Memory | None = None,
) -> Lowered:
    """The network of this name in a file, with these values for its parameters; `given`: in place
    of its own input; `memory`: of networks without mistakes.
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
    declared = library.own[name]
    if not isinstance(declared, ast.NetworkDecl):
        return []
    return [each.name.text for each in declared.parameters if each.default is None]


def network_parameters(library: Library, name: str) -> list[str]:
    """The parameters of a network, or of the template that it is derived from."""
    declared, home, seen = library.own[name], library, set[Span]()
    while isinstance(declared, ast.Derived) and declared.name.span not in seen:
        seen.add(declared.name.span)
        found = find_one(home, declared.base, lambda _: None, ast.NetworkDecl, ast.Derived)
        if found is None:
            return []
        declared, home = found
    return _parameter_names(declared)


def _parameter_names(declared: object) -> list[str]:
    if isinstance(declared, ast.NetworkDecl):
        return [parameter.name.text for parameter in declared.parameters]
    return []


class Attempt:
    """One pass; a second one knows how many residual blocks there are."""

    def __init__(
        self,
        library: Library,
        name: str,
        overrides: Sequence[ast.Let],
        count: int | None,
        is_template: bool = False,
        given: ast.Input | None = None,
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
        )

    def _resolve(self, library: Library, name: str, overrides: Sequence[ast.Let]) -> Network | None:
        """The template at the end of the derivations, with all arguments on the way."""
        declared = library.own[name]
        assert isinstance(declared, ast.NetworkDecl | ast.Derived)
        self.lowerer.settings.place = declared.name.span
        values: dict[str, Value] = {}
        seen: list[ast.Derived] = []
        home, place = library, declared.name.span
        are_set = bool(overrides)
        while isinstance(declared, ast.Derived):
            if declared in seen:
                self.lowerer.report(
                    name_errors.circular(
                        seen[-1].base.span, declared.name.text, [d.name.span for d in seen]
                    )
                )
                return None
            seen.append(declared)
            frame = self.lowerer.frame(home, {})
            self._derived_clauses(declared, frame, are_set)
            are_set = are_set or bool(declared.arguments)
            found = find_one(home, declared.base, frame.report, ast.NetworkDecl, ast.Derived)
            if found is None:
                near = suggestion(home, declared.base.text, set(), ast.NetworkDecl, ast.Derived)
                unknown = name_errors.unknown_network(
                    declared.base.span, near, home.elsewhere(declared.base.text)
                )
                report_unknown(home, unknown, frame.report)
                return None
            parameters = _parameter_names(found[0])
            values = {**self._arguments(declared, parameters, frame), **values}
            declared, home = found
            if isinstance(declared, ast.Broken):
                return None
        assert isinstance(declared, ast.NetworkDecl)
        outer = self.lowerer.frame(library, {})
        values.update({let.name.text: outer.value(let.value) for let in overrides})
        return self._build(declared, home, values, name, place, seen, overrides, are_set)

    def _arguments(
        self, derived: ast.Derived, parameters: list[str], frame: Frame
    ) -> dict[str, Value]:
        given = arguments.sort(derived.arguments, frame.report)
        values: dict[str, Value] = {}
        for i, node in enumerate(given.bare):
            parameter = parameters[i] if i < len(parameters) else None
            frame.report(argument_errors.by_name_only(node.span, derived.base.text, parameter))
            values |= {parameter: frame.value(node)} if parameter else {}
        if given.stride is not None:
            frame.report(argument_errors.unused_stride(given.stride.span, derived.base.text))
        return values | {
            word: frame.value(keyword.value) for word, keyword in given.keywords.items()
        }

    def _derived_clauses(self, derived: ast.Derived, frame: Frame, are_set: bool) -> None:
        for clause in derived.clauses:
            if isinstance(clause, ast.Expect):
                expected = expectation(clause, frame)
                self.expectations += [expected] if expected and not are_set else []
            elif not isinstance(clause, ast.Broken):
                word = clause.span.text.split()[0]
                help = "it may only contain `expect`s"
                frame.report(clause_errors.misplaced(clause.span, word, "a derived network", help))

    def _build(
        self,
        declared: ast.NetworkDecl,
        home: Library,
        values: dict[str, Value],
        name: str,
        place: Span,
        derivations: list[ast.Derived],
        overrides: Sequence[ast.Let],
        are_set: bool,
    ) -> Network | None:
        """Parameters first, then clauses."""
        trail = tuple(
            (each.base.span.to((each.arguments or [each.base])[-1].span).text, each.base.span, None)
            for each in derivations
        )
        frame = self.lowerer.frame(home, {}, trail)
        parameters = {p.name.text: p for p in declared.parameters}
        for word in values:
            if word not in parameters:
                span = _argument_span(word, derivations, overrides)
                near = alike(word, parameters)
                self.lowerer.report(
                    argument_errors.unknown_argument(
                        span, declared.name.text, near, list(parameters)
                    )
                )
        missing = [
            word for word, p in parameters.items() if word not in values and p.default is None
        ]
        if self.is_template:
            frame.names.update(dict.fromkeys(missing, UNKNOWN))
        elif missing:
            where = derivations[-1].base.span if derivations else place
            self.lowerer.report(
                argument_errors.needs_values(
                    where, declared.name.text, missing, derived=bool(derivations)
                )
            )
            return None
        for word, parameter in parameters.items():
            given = values.get(word)
            if given is not None:
                frame.names[word] = given
            elif parameter.default is not None:
                frame.names[word] = frame.value(parameter.default)
        clauses = Clauses(self.lowerer, declared, frame, self.given)
        kept = verified(declared.clauses, declared.parameters, are_set)
        self.expectations += [each for each in clauses.expectations if each.span in kept]
        return clauses.network(name, place)


def _argument_span(word: str, derivations: list[ast.Derived], overrides: Sequence[ast.Let]) -> Span:
    keywords = [a.name for d in derivations for a in d.arguments if isinstance(a, ast.Keyword)]
    return next(
        name.span for name in (*(let.name for let in overrides), *keywords) if name.text == word
    )


def _position(diagnostic: Diagnostic) -> tuple[str, int, str]:
    span = diagnostic.labels[0].span
    return span.source.name, span.start, diagnostic.code
