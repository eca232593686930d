"""The outputs of a network: points of its main chain, named after the steps before them.

`Network.outputs` holds the names. Code that runs a network in order reads it through `marked`,
which puts an `Output` at each of these points; no other code sees them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from resspec.ir import walk
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.turns import at_turn, turns


@dataclass(eq=False, repr=False)
class Output(Layer):
    """A mark in the main chain: the value here is an output of the network."""

    kind: ClassVar = "output"
    module: ClassVar = "Identity"
    output: ClassVar = "same"
    saves_output: ClassVar = True  # a caller reads it
    name: str


def points(network: Network) -> list[str]:
    """Return the names of all points of the main chain, in order; those in repeats at each turn."""
    parts = [section.located for section in network.sections]
    return list(dict.fromkeys(name for part in parts for name in _names(part, "")))


def select(network: Network, names: Collection[str]) -> Network:
    """Return the network with these outputs, all of which are points, without what comes after the
    last.
    """
    sections = [
        replace(section, located=_row(_split(section.located, "", names), section.located))
        for section in network.sections
    ]
    found = [name for section in sections for name in _ends(section.located, "", names)]
    ordered = [name for i, name in enumerate(found) if name not in found[i + 1 :]]
    whole = replace(network, sections=tuple(sections), outputs=tuple(ordered))
    cut = tuple(_until_last(_marked_sections(whole)))
    return unmarked(replace(whole, sections=cut, output=cut[-1].body.output))


def marked(network: Network) -> Network:
    """Return the network with an Output at each point that is an output; as it is where it has
    them.
    """
    has_marks = any(has_output(section.located) for section in network.sections)
    if has_marks or not network.outputs:
        return network
    return replace(network, sections=tuple(_marked_sections(network)))


def unmarked(network: Network) -> Network:
    """Return the network without its Outputs."""
    if not network.outputs:
        return network
    sections = tuple(
        replace(section, located=_unmarked(section.located)) for section in network.sections
    )
    return replace(network, sections=sections)


def whole(network: Network) -> Located:
    """Return all sections in a row, with an Output at each point that is an output."""
    return walk.whole(marked(network))


def output_of(located: Located) -> str | None:
    """Return the name of the output that a step marks."""
    match located.node:
        case Op(layer=Output(name=name)):
            return name
        case _:
            return None


def segments(network: Network) -> list[list[Located]]:
    """Return the steps that lead to each output from the one before; if there are none, to the
    result of the network.
    """
    *found, rest = _segments(whole(network))
    return [*found, rest] if rest else found


def _segments(part: Located) -> list[list[Located]]:
    """Return the steps between the marks of a part."""
    if not has_output(part):
        return [[part]]
    found: list[list[Located]] = [[]]
    for each in part.parts or [part]:
        if output_of(each) is not None:
            found.append([])
            continue
        first, *others = _segments(each)
        found[-1] += first
        found += others
    if isinstance(part.node, Scope):
        return [[_in_scope(part, steps)] if steps else [] for steps in found]
    return found


def _in_scope(scope: Located, steps: list[Located]) -> Located:
    first, last = steps[0].node, steps[-1].node
    body = walk.series(steps, first.input, scope.body.span)
    return replace(scope, node=Scope(first.input, last.output, body.node), parts=(body,))


def has_output(located: Located) -> bool:
    """Return whether there is an Output in a part of the main chain."""
    match located.node:
        case Op(layer=layer):
            return isinstance(layer, Output)
        case Series() | Scope() if located.block is None:
            return any(map(has_output, located.parts))
        case _:
            return False


# --- the main chain ---


def _names(part: Located, path: str, at: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the names of the points in a part, each after those inside it."""
    match part.node:
        case Series():
            for each in part.parts:
                yield from _names(each, path, at)
        case Repeat(count=count):
            for turn in range(count):
                yield from _names(part.body, path, (*at, turn))
        case Parallel():
            pass
        case _ if part.name is not None:
            name = f"{path}{part.name.at(*at)}"
            if isinstance(part.node, Scope) and part.block is None:
                yield from _names(part.body, f"{name}.")
            yield name


def _split(part: Located, path: str, names: Collection[str]) -> Iterator[Located]:
    """Yield the steps of a part; a repeat in which there are such points is written out there."""
    match part.node:
        case Series():
            for each in part.parts:
                yield from _split(each, path, names)
        case Repeat(count=count):
            first = 0
            for turn in range(count):
                if not any(name in names for name in _names(part.body, path, (turn,))):
                    continue
                yield from turns(part, first, turn)
                yield from _split(at_turn(part.body, turn, 0), path, names)
                first = turn + 1
            yield from [part] if first == 0 else turns(part, first, count)
        case Scope() if part.block is None and part.name is not None:
            inside = _split(part.body, f"{path}{part.name.at()}.", names)
            yield walk.with_parts(part, (_row(inside, part.body),))
        case _:
            yield part


def _ends(part: Located, path: str, names: Collection[str]) -> Iterator[str]:
    return (name for name in _names(part, path) if name in names)


def _row(parts: Iterable[Located], like: Located) -> Located:
    return walk.series(parts, like.node.input, like.span)


# --- marks ---


def _marked_sections(network: Network) -> Iterator[Section]:
    visits = _visits(network)
    for section in network.sections:
        parts = _mark(section.located, "", visits)
        yield replace(section, located=_row(parts, section.located))


def _visits(network: Network) -> dict[str, int]:
    """Return how often each output's name ends: a scope may be entered in several places, and the
    result of the last is the output.
    """
    visits = dict.fromkeys(network.outputs, 0)
    for section in network.sections:
        for name in _ends(section.located, "", network.outputs):
            visits[name] += 1
    return visits


def _mark(part: Located, path: str, visits: dict[str, int]) -> Iterator[Located]:
    match part.node:
        case Series():
            for each in part.parts:
                yield from _mark(each, path, visits)
            return
        case Scope() if part.block is None and part.name is not None:
            inside = _mark(part.body, f"{path}{part.name.at()}.", visits)
            yield walk.with_parts(part, (_row(inside, part.body),))
        case _:
            yield part
    name = f"{path}{part.name.at()}" if part.name is not None else ""
    if name in visits:
        visits[name] -= 1
        if visits[name] == 0:
            shape = part.node.output
            yield Located(Op(shape, shape, Output(name=name)), part.span)


def _until_last(sections: Iterable[Section]) -> list[Section]:
    """Return the sections without what comes after the last mark."""
    kept = list(sections)
    while not has_output(kept[-1].located):
        kept.pop()
    last = kept[-1]
    return [*kept[:-1], replace(last, located=_cut(last.located))]


def _cut(located: Located) -> Located:
    """Return a part up to the last mark in it."""
    if isinstance(located.node, Scope):
        body = _cut(located.body)
        node = Scope(located.node.input, body.node.output, body.node)
        return replace(located, node=node, parts=(body,))
    if not isinstance(located.node, Series):
        return located
    parts = list(located.parts)
    while not has_output(parts[-1]):
        parts.pop()
    return _row([*parts[:-1], _cut(parts[-1])], located)


def _unmarked(located: Located) -> Located:
    if not has_output(located):
        return located
    if isinstance(located.node, Scope):
        return walk.with_parts(located, (_unmarked(located.body),))
    return _row([_unmarked(step) for step in located.parts if output_of(step) is None], located)
