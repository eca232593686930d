"""Every quantity of each layer and each merge of a network: the same figures as the folds
give, by their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel, Repeat
from resspec.ir.ops.layer import Kept
from resspec.ir.outputs import output_of
from resspec.ir.shape import Name
from resspec.passes.autograd import Backward, Cost
from resspec.passes.measure import Totals, own_totals

# The scopes and repeats around a layer or merge, from the network down, and itself.
Trail = tuple[Located, ...]


class Entry(NamedTuple):
    """A layer or merge, run so many `times` in all; `backward` is that of all its runs."""

    section: str
    trail: Trail
    times: int
    backward: Backward

    @property
    def node(self) -> Op | Parallel:
        node = self.trail[-1].node
        assert isinstance(node, Op | Parallel)
        return node

    @property
    def totals(self) -> Totals:
        """The totals of all its runs; a layer counts among `layers` wherever it is."""
        return own_totals(self.node).times(self.times)


def ledger(network: Network, cost: Cost) -> list[Entry]:
    """Return the entries in the order of the network. A value that is kept since it is an output
    counts for the layer or merge that it leaves.

    Args:
        network: The network.
        cost: Of its backward pass (`autograd.backward`), a part for each section.
    """
    return [
        Entry(section.label, trail, times, backward)
        for section, part in zip(network.sections, cost.parts, strict=True)
        for trail, times, backward in _without_marks(_merged(_entries(part, (), 1)))
    ]


def path(trail: Trail) -> str:
    """Return the path of a module: `layer3.1..35.conv2` is the `conv2` of 35 blocks. A merge has
    that of the module around it.
    """
    words: list[str] = []
    counts: list[int] = []  # of the repeats around, in the scope of the name
    for located in trail:
        if isinstance(located.node, Repeat):
            counts.append(located.node.count)
        elif located.name is not None:
            words.append(_numbered(located.name, counts))
            counts = []
    return ".".join(words)


_Found = tuple[Trail, int, Backward]


def _entries(cost: Cost, around: Trail, times: int) -> Iterator[_Found]:
    """Yield the entries of a part; a repeat whose first turns differ has one for each of them."""
    if not cost.parts:
        if cost.node is not None and isinstance(cost.node.node, Op | Parallel):
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
    places: dict[Trail, _Found] = {}
    for trail, times, backward in found:
        if before := places.get(trail):
            _, more, others = before
            places[trail] = trail, times + more, _sum(others, backward)
        else:
            places[trail] = trail, times, backward
    return iter(places.values())


def _without_marks(found: Iterator[_Found]) -> list[_Found]:
    """Add what an output keeps to the entry before it."""
    entries: list[_Found] = []
    for trail, times, backward in found:
        if entries and output_of(trail[-1]) is not None:
            place, runs, others = entries[-1]
            entries[-1] = place, runs, _sum(others, backward)
        else:
            entries.append((trail, times, backward))
    return entries


def _sum(a: Backward, b: Backward) -> Backward:
    kept = Kept(*(one + other for one, other in zip(a.kept, b.kept, strict=True)))
    return Backward(a.macs + b.macs, kept)


def _numbered(name: Name, counts: list[int]) -> str:
    """Return a name with the range of its numbers: `conv2`, or `1..35` inside a repeat."""
    first, last = name.at(), name.at(*(count - 1 for count in counts))
    return first if first == last else f"{first}..{last.removeprefix(name.prefix)}"
