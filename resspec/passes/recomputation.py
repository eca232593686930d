"""The blocks that are computed again in the backward pass, so that training fits a memory budget.

Such a block keeps its input alone. The least multiply-accumulates are added whose peak fits: the
peak is what all other blocks keep, or, while one is computed again, what is kept up to it and
inside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel, Series
from resspec.ir.ops.activation import Activation
from resspec.ir.ops.layer import Kept, dense
from resspec.passes.autograd import Backward, StoredValue, Traces
from resspec.passes.main_chain import ChainPart, chain_parts

MOST_CHOICES = 512  # more of them are compared by rounded sizes


class Recomputation(NamedTuple):
    """The blocks of a network that are computed again.

    Attributes:
        blocks: Their full names.
        of: The number of blocks that could be.
        macs: The multiply-accumulates that this adds for each sample.
        saved: The bytes that autograd keeps between the passes.
        peak: The most bytes at any time, with all that training keeps besides.
    """

    blocks: tuple[str, ...]
    of: int
    macs: int
    saved: int
    peak: int


class BudgetTooSmall(Exception):
    """A budget that no choice of blocks reaches; `least` is the smallest that one does."""

    def __init__(self, least: int) -> None:
        super().__init__(f"at least {least} bytes")
        self.least = least


class TrainingMemory(NamedTuple):
    """The conditions of a step.

    Attributes:
        batch: The samples that run at a time.
        dtype: The type of the values that are kept.
        fixed: The bytes that do not depend on the batch: parameters, gradients and the like.
    """

    batch: int
    dtype: str
    fixed: int

    def bytes(self, cost: Backward) -> int:
        return cost.saved_bytes(self.batch, self.dtype)


def recomputation(network: Network, budget: int, memory: TrainingMemory) -> Recomputation:
    """Return the blocks to compute again, with the fewest added multiply-accumulates.

    Args:
        network: The network.
        budget: The bytes that the peak may take.
        memory: The conditions of a step.

    Raises:
        BudgetTooSmall: No choice fits.
    """
    search = _Search(network, memory)
    found = search.best(budget)
    if found is None:
        raise BudgetTooSmall(search.least())
    names: list[str] = []
    rest = found.names
    while rest is not None:
        name, rest = rest
        names.insert(0, name)
    saved = found.saved
    peak = memory.fixed + max(saved, found.peak)
    return Recomputation(tuple(names), search.candidates, found.macs, saved, peak)


def fits(network: Network, budget: int, memory: TrainingMemory) -> bool:
    """Return whether a choice of blocks fits a budget."""
    return _Search(network, memory).best(budget, only_fits=True) is not None


# --- blocks that can be computed again ---


def _overwrites(located: Located) -> bool:
    """Return whether a part may write over its input, which is then not there for a second time."""
    match located.node:
        case Op(layer=Activation(inplace=True)):
            return True
        case Op():
            return False
        case Series():
            return _first_overwrites(located.parts)
        case Parallel():
            return any(map(_overwrites, located.parts))
        case _:
            return _overwrites(located.body)


def _first_overwrites(parts: Iterable[Located]) -> bool:
    """Return whether a row writes over its input before a layer makes a new value."""
    for part in parts:
        if _overwrites(part):
            return True
        if not isinstance(part.node, Op) or part.node.layer.output == "new":
            return False
    return False


# --- the search ---

_Names = tuple[str, "_Names"] | None  # the last one first


class _Choice(NamedTuple):
    saved: int
    macs: int
    peak: int = 0
    names: _Names = None


class _Search:
    def __init__(self, network: Network, memory: TrainingMemory) -> None:
        self.memory = memory
        self.parts = chain_parts(network)
        self.start = StoredValue(False, False, network.input.elements, dense(network.input.dims))
        self.trace = Traces().learning
        self.free = [part.is_block and not _overwrites(part.located) for part in self.parts]
        self.candidates = sum(self.free)

    def best(self, budget: int, *, only_fits: bool = False) -> _Choice | None:
        """Return the choice with the least added work that fits.

        `only_fits`: whether any one will do; of the others only those that keep least are followed.
        """
        room = budget - self.memory.fixed
        choices: dict[StoredValue, list[_Choice]] = {self.start: [_Choice(0, 0)]}
        for part, is_free in zip(self.parts, self.free, strict=True):
            found: dict[StoredValue, list[_Choice]] = {}
            for x, before in choices.items():
                self._keep(part, x, before, found)
                if is_free:
                    self._recompute(part, x, before, found, room)
            choices = {y: _pruned(each, room, only_fits) for y, each in found.items()}
        left = [choice for each in choices.values() for choice in each]
        return min(left, key=lambda choice: (choice.macs, choice.peak), default=None)

    def least(self) -> int:
        """Return the smallest budget that a choice fits."""
        full = self.best(1 << 62, only_fits=True)
        assert full is not None
        low, high = self.memory.fixed, self.memory.fixed + max(full.saved, full.peak)
        while low < high:
            middle = (low + high) // 2
            if self.best(middle, only_fits=True) is None:
                low = middle + 1
            else:
                high = middle
        return low

    def _keep(
        self,
        part: ChainPart,
        x: StoredValue,
        before: list[_Choice],
        found: dict[StoredValue, list[_Choice]],
    ) -> None:
        cost, y, _, _ = self.trace.node(part.located, x, part.turn)
        kept = self.memory.bytes(cost.total)
        found.setdefault(y, []).extend(
            choice._replace(saved=choice.saved + kept) for choice in before
        )

    def _recompute(
        self,
        part: ChainPart,
        x: StoredValue,
        before: list[_Choice],
        found: dict[StoredValue, list[_Choice]],
        room: int,
    ) -> None:
        cost, y, is_within, _ = self.trace.node(part.located, x.keeping(True), part.turn)
        if is_within:
            return
        own = 0 if x.kept else self.memory.bytes(Backward(0, Kept(x.storage)))
        inside = self.memory.bytes(cost.total)
        macs = _macs(part)
        for choice in before:
            saved = choice.saved + own
            peak = saved + inside
            if peak <= room:
                names = (part.name, choice.names)
                added = _Choice(saved, choice.macs + macs, max(choice.peak, peak), names)
                found.setdefault(y.keeping(False), []).append(added)


def _macs(part: ChainPart) -> int:
    total = 0
    for _, step in walk.layers(part.located, turn=part.turn):
        assert isinstance(step.node, Op)
        total += step.layer.macs(step.node.input, step.node.output)
    return total


def _pruned(choices: list[_Choice], room: int, only_fits: bool) -> list[_Choice]:
    """Return the choices of which none keeps more and adds more than another."""
    fitting = [choice for choice in choices if choice.saved <= room]
    fitting.sort(key=lambda choice: (choice.saved, choice.macs, choice.peak))
    if only_fits:
        return fitting[:1]
    left: list[_Choice] = []
    for choice in fitting:
        if not left or choice.macs < left[-1].macs:
            left.append(choice)
    if len(left) <= MOST_CHOICES:
        return left
    step = room // MOST_CHOICES + 1
    return list({choice.saved // step: choice for choice in left}.values())
