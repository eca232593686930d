"""Branches that cross, written with one value: a `concat` carries along the values that later steps
read, and `slice` takes them out again. Where their sizes differ, all are carried at the smallest:
`pixel_unshuffle` moves the pixels of a larger one to channels, and `pixel_shuffle` moves them back.
The result is the same, with more copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from resspec.importing.decompose import Decomposed, decompose
from resspec.importing.graph import INPUT, Graph, ModulePath, Step, around
from resspec.importing.modules import common
from resspec.importing.reads import reads
from resspec.importing.regions import Region, Ways
from resspec.ir.ops import Layer
from resspec.ir.ops.arrange import Chunk, SliceOp
from resspec.ir.ops.layer import Size
from resspec.ir.ops.resize import PixelShuffle, PixelUnshuffle
from resspec.ir.shape import Shape

PASSES = 8  # over regions inside each other


def carried(graph: Graph, decomposed: Decomposed) -> Graph:
    """Return a graph in which fewer branches cross.

    Args:
        graph: A graph.
        decomposed: Its tree, with the places where branches cross.
    """
    for _ in range(PASSES):
        if not decomposed.crossings:
            break
        carrying = _Carrying(graph)
        if not carrying.carry(decomposed):
            break
        graph = carrying.graph()
        decomposed = decompose(graph)
    return graph


class _Saved(NamedTuple):
    """Steps and what they read, and how many steps there are."""

    steps: dict[int, tuple[Step, list[int]]]
    size: int


class _Carrying:
    """A graph that is being changed.

    Attributes:
        steps: Its steps, then those that are added.
        inputs: What each of them reads.
        places: Where each belongs in the order of all.
    """

    def __init__(self, graph: Graph) -> None:
        found = reads(graph)
        self.origin = graph
        self.steps = list(graph.steps)
        self.inputs = [list(read) for read in found.inputs]
        self.places: list[tuple[int, int]] = [(i, 0) for i in range(len(self.steps))]
        self.outputs = tuple(
            (name, i if i == INPUT else found.stands_for[i]) for name, i in graph.outputs
        )
        self.ways = Ways(found.inputs, max(i for _, i in self.outputs))

    def carry(self, decomposed: Decomposed) -> bool:
        """Change all innermost regions in which branches cross; return whether any was."""
        regions = self.ways.regions(decomposed.crossings)
        return sum(self._carry(region) for region in regions) > 0

    def _carry(self, region: Region) -> bool:
        return _Region(self, region).carry() or _Region(self, region, of_sizes=True).carry()

    def shape(self, step: int) -> Shape:
        return self.origin.input if step == INPUT else self.steps[step].output

    def add(self, step: Step, place: int) -> int:
        """Return the number of a new step, right after the one at this place."""
        self.steps.append(step)
        self.inputs.append(list(step.inputs))
        self.places.append((place, len(self.steps)))
        return len(self.steps) - 1

    def copy(self, step: int) -> int:
        """Return the number of a step that computes another one again."""
        found = replace(self.steps[step], inputs=tuple(self.inputs[step]))
        return self.add(found, step)

    def saved(self, steps: Iterable[int]) -> _Saved:
        """Return the definitions and inputs of some steps, so that they can be restored."""
        return _Saved({i: (self.steps[i], [*self.inputs[i]]) for i in steps}, len(self.steps))

    def restore(self, saved: _Saved) -> None:
        del self.steps[saved.size :], self.inputs[saved.size :], self.places[saved.size :]
        for i, (step, inputs) in saved.steps.items():
            self.steps[i], self.inputs[i] = step, inputs

    def graph(self) -> Graph:
        """Return the changed graph, its steps in order."""
        order = self._order()
        numbers = {INPUT: INPUT} | {old: new for new, old in enumerate(order)}
        steps = tuple(
            replace(self.steps[i], inputs=tuple(numbers[j] for j in self.inputs[i])) for i in order
        )
        outputs = tuple((name, numbers[i]) for name, i in self.outputs)
        return replace(self.origin, steps=steps, outputs=outputs)

    def _order(self) -> list[int]:
        """Return the steps that are read, each after its inputs."""
        readers: list[list[int]] = [[] for _ in self.steps]
        missing = [0] * len(self.steps)
        ready = []
        for i, read in enumerate(self.inputs):
            for j in read:
                if j != INPUT:
                    readers[j].append(i)
                    missing[i] += 1
            if read and not missing[i]:
                ready.append((self.places[i], i))
        heapify(ready)
        order = []
        while ready:
            _, i = heappop(ready)
            order.append(i)
            for reader in readers[i]:
                missing[reader] -= 1
                if not missing[reader]:
                    heappush(ready, (self.places[reader], reader))
        return order


class _Uncarriable(Exception):
    """An error for a value whose size does not fit that of those that are carried."""


class _Region:
    """A region while it is changed.

    Attributes:
        live: The values that are carried, in the order of their channels.
        state: The step that has all of them; the value itself where there is one.
        done: The steps that are computed.
        size: Height and width of the state.
        of_sizes: Whether values that are larger than the state are carried too.
    """

    def __init__(self, carrying: _Carrying, region: Region, *, of_sizes: bool = False) -> None:
        self.carrying = carrying
        self.region = region
        self.of_sizes = of_sizes
        self.readers = carrying.ways.readers
        self.inside = carrying.ways.inside(region)
        self.members = set(self.inside)
        self.live = [region.start]
        self.state = region.start
        self.done: set[int] = set()
        self.free: set[int] = set()
        homes = [around(carrying.origin, step) for step in self.inside]
        self.path: ModulePath = common(homes) or ()

    def carry(self) -> bool:
        """Change the region; return whether that was possible."""
        before = self.carrying.saved(self.inside)
        try:
            self._carry()
        except _Uncarriable:
            self.carrying.restore(before)
            return False
        return True

    def _carry(self) -> None:
        start, end = self.region
        forks = self.carrying.ways.forks(self.region)
        self.free = {i for i in forks if self._is_free(i, {start, *forks})}
        self.size = self._size([start, *forks, end] if self.of_sizes else [end])
        for value in [*forks, end]:
            if value not in self.free and value not in self.live:
                self._need_fit(value)
                self._compute(value)

    def _is_free(self, step: int, forks: set[int]) -> bool:
        """Return whether each reader of a value may take it for itself: it is a slice."""
        does = self.carrying.origin.steps[step].does
        return isinstance(does, SliceOp | Chunk) and self.carrying.inputs[step][0] in forks

    def _size(self, values: Iterable[int]) -> Size:
        """Return the smallest size of these values."""
        shapes = [self.carrying.shape(value) for value in values]
        if not all(shape.is_image for shape in shapes):
            raise _Uncarriable
        return min((height, width) for height, width in (shape.spatial for shape in shapes))

    def _factor(self, step: int) -> int:
        """Return the pixels of a value, along one axis, for each of the state; 0 if it does not
        fit.
        """
        shape = self.carrying.shape(step)
        if not shape.is_image:
            return 0
        height, width = self.size
        factor = shape.spatial[0] // height
        return factor if shape.spatial == (factor * height, factor * width) else 0

    def _fits(self, step: int) -> bool:
        """Return whether a value can be carried."""
        factor = self._factor(step)
        return factor > 0 if self.of_sizes else factor == 1

    def _need_fit(self, step: int) -> None:
        if not self._fits(step):
            raise _Uncarriable

    def _compute(self, value: int) -> None:
        """Compute the next value from the state, and carry it with what is read later."""
        self._take(value)
        kept: list[int] = []
        added: list[int] = []
        for each in self.live:
            later = list(self._later(each))
            if later and self._fits(each):
                kept.append(each)
            else:
                added += [self._end(reader) for reader in later]
        added = sorted([*added, value])
        old = self._parts(kept, value)
        self.live = [*added, *kept]
        if len(self.live) == 1:
            self.state = value
            return
        # What is read later comes last, so that gradients are added up in the order of the module.
        parts = [*(self._shrunk(each) for each in added), *old]
        self.state = self._concat(parts, value)

    def _later(self, value: int) -> Iterator[int]:
        """Yield the steps that still have to read a value."""
        for reader in dict.fromkeys(self.readers[value]):
            if reader in self.free:
                if reader not in self.live and any(True for _ in self._later(reader)):
                    yield reader
            elif reader not in self.done:
                yield reader

    def _end(self, step: int) -> int:
        """Compute a step that reads a value of another size, and what follows up to a merge."""
        while True:
            following = list(self._later(step))
            is_last = len(following) != 1 or self._merges(following[0])
            if is_last or following[0] == self.region.end:
                break
            (step,) = following
        self._need_fit(step)
        self._take(step)
        return step

    def _merges(self, step: int) -> bool:
        return isinstance(self.carrying.origin.steps[step].does, str)

    def _take(self, value: int) -> None:
        """Make the steps that lead to a value read the state."""
        taken = {value}
        waiting = [value]
        while waiting:
            step = waiting.pop()
            inputs = self.carrying.inputs[step]
            for number, read in enumerate(inputs):
                if read in self.live:
                    self._read(step, number, read)
                    continue
                if read in self.free:
                    inputs[number] = self.carrying.copy(read)
                elif read in self.done or read not in self.members:
                    raise _Uncarriable
                if inputs[number] not in taken:
                    taken.add(inputs[number])
                    waiting.append(inputs[number])
            if self.carrying.steps[step].does == "concat":
                self.carrying.inputs[step] = self._joined(inputs)
        self.done |= taken

    # --- the state ---

    def _read(self, step: int, number: int, value: int) -> None:
        """Let a step read a value in the state; a slice takes its channels from all of them."""
        if len(self.live) == 1:
            return
        start, stop = self._channels(value)
        carrying = self.carrying
        found = carrying.steps[step]
        match found.does:
            case SliceOp(start=first, stop=last) if self._factor(value) == 1:
                layer = SliceOp(start + first, stop if last is None else start + last)
            case Chunk(chunks=chunks, part=part) if self._factor(value) == 1:
                width = (stop - start) // chunks
                layer = SliceOp(start + part * width, start + (part + 1) * width)
            case _:
                part = self._slice(start, stop, step)
                carrying.inputs[step][number] = self._enlarged(part, value, step)
                return
        carrying.steps[step] = replace(found, does=layer)
        carrying.inputs[step][number] = self.state

    def _channels(self, value: int) -> tuple[int, int]:
        """Return the channels of the state that are a value."""
        before = self.live[: self.live.index(value)]
        start = sum(map(self._width, before))
        return start, start + self._width(value)

    def _width(self, value: int) -> int:
        """Return how many channels of the state a value has."""
        return int(self.carrying.shape(value).channels * self._factor(value) ** 2)

    def _shrunk(self, value: int) -> int:
        """Return a value with the size of the state."""
        factor = self._factor(value)
        return value if factor == 1 else self._layer(PixelUnshuffle(factor), value, value)

    def _enlarged(self, part: int, value: int, place: int) -> int:
        """Return a part of the state with the size of its value."""
        factor = self._factor(value)
        return part if factor == 1 else self._layer(PixelShuffle(factor), part, place)

    def _layer(self, layer: Layer, value: int, place: int) -> int:
        output = layer.infer(self.carrying.shape(value))
        return self.carrying.add(Step(layer, (value,), output, self.path, False), place)

    def _slice(self, start: int, stop: int, place: int) -> int:
        shape = self.carrying.shape(self.state)
        if (start, stop) == (0, shape.channels):
            return self.state
        output = shape.with_channels(stop - start)
        step = Step(SliceOp(start, stop), (self.state,), output, self.path, False)
        return self.carrying.add(step, place)

    def _joined(self, operands: list[int]) -> list[int]:
        """Return the operands of a concat, neighbors in the state as one."""
        found: list[int] = []
        for each in operands:
            ranges = [self._range(found[-1]), self._range(each)] if found else []
            match ranges:
                case [(start, middle), (also, stop)] if middle == also:
                    found[-1] = self._slice(start, stop, each)
                case _:
                    found.append(each)
        return found

    def _range(self, step: int) -> tuple[int, int] | None:
        """Return the channels that a slice of the state has."""
        carrying = self.carrying
        if step == INPUT or carrying.inputs[step] != [self.state]:
            return None
        match carrying.steps[step].does:
            case SliceOp(start=start):
                return start, start + carrying.shape(step).channels
            case _:
                return None

    def _parts(self, kept: list[int], place: int) -> list[int]:
        """Return slices of the state with these values."""
        if len(self.live) == 1:
            return [self._shrunk(self.state) for _ in kept]
        return self._joined([self._slice(*self._channels(each), place) for each in kept])

    def _concat(self, parts: list[int], place: int) -> int:
        shape = self.carrying.shape(parts[-1])
        channels = sum(self.carrying.shape(part).channels for part in parts)
        output = shape.with_channels(channels)
        return self.carrying.add(Step("concat", tuple(parts), output, self.path, False), place)
