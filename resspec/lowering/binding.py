"""The parameters of a network and of those that it is derived from, each with its value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from resspec.lowering import argument_errors, arguments
from resspec.lowering.chain import Lowerer
from resspec.lowering.derivation import Level, parameters
from resspec.lowering.expectations import Expectation, verified
from resspec.lowering.frame import Frame, Trail
from resspec.lowering.values import UNKNOWN, Value
from resspec.source import Span
from resspec.suggest import alike
from resspec.syntax import ast


class BoundLevel(NamedTuple):
    """A network of a derivation with the names of its clauses.

    Attributes:
        level: The network.
        frame: The names that its clauses may use, with their values.
        are_set: Whether parameters have values from a derived network or from outside.
        is_replaced: Whether a network derived from it replaces clauses.
    """

    level: Level
    frame: Frame
    are_set: bool
    is_replaced: bool


class _Given(NamedTuple):
    value: Value
    name: Span


def bind(lowerer: Lowerer, levels: list[Level], overrides: Sequence[ast.Let]) -> list[BoundLevel]:
    """Return the networks of a derivation with their values, the template first.

    A value from outside goes to the first network that has a parameter of its name; so does each
    argument that a network gives to the one that it is derived from. What nobody gives is UNKNOWN.
    """
    outer = lowerer.frame(levels[0].library, {})
    given = {let.name.text: _Given(outer.value(let.value), let.name.span) for let in overrides}
    bound, trail, is_replaced = list[BoundLevel](), Trail(), False
    for i, level in enumerate(levels):
        frame = lowerer.frame(level.library, {}, trail)
        bound.append(BoundLevel(level, frame, bool(given), is_replaced))
        given = _take(level, given, frame)
        if isinstance(level.declared, ast.Derived):
            frame.announce(level.declared.clauses)
            own = _arguments(level.declared, parameters(levels[i + 1 :]), frame)
            given = own | given
            trail = (*trail, _call(level.declared))
        is_replaced = is_replaced or level.replaces

    for word, argument in given.items():
        known = parameters(levels)
        base = levels[-1].declared.name.text
        near = alike(word, known)
        lowerer.report(argument_errors.unknown_argument(argument.name, base, near, known))

    inherited = dict[str, Value]()
    for each in reversed(bound):
        each.frame.inherited = dict(inherited)
        inherited |= {name: each.frame.names[name] for name in each.level.parameters}
    return bound[::-1]


def kept(bound: Iterable[BoundLevel], found: Iterable[Expectation]) -> list[Expectation]:
    """Return the expectations that hold for the values and clauses of a derived network."""
    spans = set[Span]()
    for each in bound:
        if not each.is_replaced:
            declared = each.level.declared
            spans |= verified(declared.clauses, declared.parameters, each.are_set)
    return [each for each in found if each.span in spans]


def _take(level: Level, given: dict[str, _Given], frame: Frame) -> dict[str, _Given]:
    """Give a network's parameters their values; return what is given to the next network."""
    own = level.parameters
    for word, parameter in own.items():
        if word in given:
            frame.names[word] = given[word].value
        elif parameter.default is not None:
            frame.names[word] = frame.value(parameter.default)
        else:
            frame.names[word] = UNKNOWN
    return {word: argument for word, argument in given.items() if word not in own}


def _arguments(derived: ast.Derived, known: list[str], frame: Frame) -> dict[str, _Given]:
    given = arguments.sort(derived.arguments, frame.report)
    found = dict[str, _Given]()
    for i, node in enumerate(given.bare):
        parameter = known[i] if i < len(known) else None
        frame.report(argument_errors.by_name_only(node.span, derived.base.text, parameter))
        if parameter:
            found[parameter] = _Given(frame.value(node), node.span)
    if given.stride is not None:
        frame.report(argument_errors.unused_stride(given.stride.span, derived.base.text))
    for word, keyword in given.keywords.items():
        found[word] = _Given(frame.value(keyword.value), keyword.name.span)
    return found


def _call(derived: ast.Derived) -> tuple[str, Span, None]:
    last = (derived.arguments or [derived.base])[-1]
    return derived.base.span.to(last.span).text, derived.base.span, None
