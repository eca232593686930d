"""The parts that a row of a page expands to: blocks of a section, layers and merges of a block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from resspec.backends.html.places import own_lines
from resspec.backends.report.views import block, holds, turns
from resspec.ir.nodes import Parallel
from resspec.passes.ledger import Trail, path
from resspec.passes.quantities import Facts, Figures, add


class PagePart(NamedTuple):
    """A part of a network, `times` in a row.

    Attributes:
        name: Of the module.
        label: Within the block around it.
        entries: Their numbers among those of the network.
        own: Its lines of the spec as `file:line`.
        around: The lines around it.
    """

    name: str
    label: str
    holds: str
    times: int
    output: str
    elements: int
    figures: Figures
    entries: tuple[int, ...]
    own: Sequence[str]
    around: Sequence[str]
    inside: tuple[PagePart, ...] = ()


def held(*parts: PagePart) -> str:
    """Return the content of a part, or of two in one place: `basic, × 2 → 3`."""
    holds = " → ".join(dict.fromkeys(part.holds for part in parts))
    times = " → ".join(dict.fromkeys(f"{part.times:,}" for part in parts))
    return holds if times == "1" else f"{holds}, × {times}"


def parts(facts: Facts) -> list[list[PagePart]]:
    """Return the parts of each section."""
    entries: dict[str, list[int]] = {}
    for i, (entry, figures) in enumerate(facts.entries):
        if any(figures.values()):
            entries.setdefault(entry.section, []).append(i)
    return [
        list(_blocks(facts, entries.pop(section.label, []), own_lines(section.span)[:1]))
        for section in facts.network.sections
    ]


def _blocks(facts: Facts, entries: Sequence[int], above: list[str]) -> Iterator[PagePart]:
    blocks: dict[Trail, list[int]] = {}
    for i in entries:
        blocks.setdefault(block(facts.entries[i][0].trail), []).append(i)
    for outer, numbers in blocks.items():
        name = path(outer)
        if len(outer) == len(facts.entries[numbers[0]][0].trail):
            yield from (_part(facts, (i,), facts.entries[i][0].trail, "", above) for i in numbers)
        else:
            inside = tuple(
                _part(facts, (i,), facts.entries[i][0].trail, name, above) for i in numbers
            )
            yield _part(facts, tuple(numbers), outer, "", above)._replace(inside=inside)


def _part(
    facts: Facts, entries: tuple[int, ...], trail: Trail, around: str, above: list[str]
) -> PagePart:
    """Return a part in the block `around`, in a section that starts at the line `above`."""
    node, name, own = trail[-1].node, path(trail), own_lines(trail[-1].span)
    lines = dict.fromkeys(
        [line for outer in reversed(trail[:-1]) for line in own_lines(outer.span)[:1]] + above
    )
    label = name.removeprefix(f"{around}.") if around else name
    if isinstance(node, Parallel):
        label = node.merge if name in ("", around) else f"{label}, {node.merge}"
    return PagePart(
        name,
        label,
        holds(trail[-1]),
        turns(trail),
        str(node.output),
        node.output.elements,
        add(facts.entries[i][1] for i in entries),
        entries,
        own,
        [line for line in lines if line not in own],
    )
