"""What each layer and each merge of a network has of every quantity: the same figures as the folds give, by their places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope
from resspec.ir.ops.layer import Kept
from resspec.ir.shape import Name
from resspec.passes.autograd import Backward, Cost
from resspec.passes.measure import Totals, own_totals

Trail = tuple[
    Node, ...
]  # the scopes and repeats around a layer or merge, from the network down, and itself


class Entry(NamedTuple):
    """A layer or merge, run so many `times` in all; `backward` is that of all its runs."""

    section: str
    trail: Trail
    times: int
    backward: Backward

    @property
    def node(self) -> Op | Parallel:
        node = self.trail[-1]
        assert isinstance(node, Op | Parallel)
        return node

    @property
    def totals(self) -> Totals:
        """Of all its runs; a layer counts among `layers` wherever it stands."""
        return own_totals(self.node).times(self.times)


def ledger(network: Network, cost: Cost) -> list[Entry]:
    """In the order of the network. `cost`: that of its backward pass (`autograd.backward`), a part for each section."""
    return [
        Entry(section.label, trail, times, backward)
        for section, part in zip(network.sections, cost.parts, strict=True)
        for trail, times, backward in _merged(_entries(part, (), 1))
    ]


def path(trail: Trail) -> str:
    """Of its module: `layer3.1..35.conv2` is the `conv2` of 35 blocks. Of a merge, that of the module it stands in."""
    words: list[str] = []
    counts: list[int] = []  # of the repeats around, in the scope of the name
    for node in trail:
        match node:
            case Repeat(count=count):
                counts.append(count)
            case Scope(name=name) | Op(name=Name() as name):
                words.append(_numbered(name, counts))
                counts = []
    return ".".join(words)


_Found = tuple[Trail, int, Backward]


def _entries(cost: Cost, around: Trail, times: int) -> Iterator[_Found]:
    """Of a repeat whose first turns differ, one for each of these."""
    if not cost.parts:
        if isinstance(cost.node, Op | Parallel):
            macs, kept = cost.total
            yield (
                (*around, cost.node),
                times,
                Backward(times * macs, Kept(*(times * value for value in kept))),
            )
        return
    inside = around if cost.node is None else (*around, cost.node)
    for part in cost.parts:
        yield from _entries(part, inside, times * cost.times)


def _merged(found: Iterator[_Found]) -> Iterator[_Found]:
    """One for each place."""
    places: dict[tuple[int, ...], _Found] = {}
    for trail, times, backward in found:
        key = tuple(map(id, trail))
        if before := places.get(key):
            _, more, (macs, kept) = before
            total = Backward(
                macs + backward.macs,
                Kept(*(a + b for a, b in zip(kept, backward.kept, strict=True))),
            )
            places[key] = trail, times + more, total
        else:
            places[key] = trail, times, backward
    return iter(places.values())


def _numbered(name: Name, counts: list[int]) -> str:
    """A name with the range of its numbers: `conv2`, or `1..35` inside a repeat."""
    first, last = name.at(), name.at(*(count - 1 for count in counts))
    return first if first == last else f"{first}..{last.removeprefix(name.prefix)}"
