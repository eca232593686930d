"""Every quantity of `ir/quantities.py` as a whole number, of a network, its sections, and each of
its layers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from heapq import nlargest
from typing import NamedTuple

from resspec.ir.fingerprint import Digests
from resspec.ir.network import Network
from resspec.ir.outputs import marked
from resspec.ir.quantities import DTYPES, QUANTITIES, Conditions
from resspec.passes.autograd import Backward, Cost, Traces, backward
from resspec.passes.inference import Lifetimes, Peak, inference_lower_bound
from resspec.passes.ledger import Entry, ledger, path
from resspec.passes.measure import Measured, Totals, combine, measure
from resspec.passes.peak import Frames, inference_peak
from resspec.passes.receptive import Reached
from resspec.passes.training import TrainingBound, training_bound

Figures = dict[str, int]  # quantities by their names
SUMS = tuple(
    name for name, quantity in QUANTITIES.items() if quantity.parts or name == "layers"
)  # along a row of parts


class Part(NamedTuple):
    """A part of the network, and how much it has of a quantity, its repeats counted. `path`:
    `layer3.1..35.conv2` is the `conv2` of 35 blocks. `span`: `file:line:column-line:column`.
    """

    path: str
    value: int
    span: str


class Known:
    """The results of the passes for nodes, all of which must still be there: networks that share
    some are followed once.
    """

    def __init__(self) -> None:
        self.digests = Digests()
        self.totals: Measured = {}
        self.traces = Traces()
        self.lifetimes = Lifetimes()
        self.frames = Frames()
        self.reached: Reached = {}


class Facts:
    """The figures of a network under conditions; each question is answered once, and only if it
    is asked.
    """

    def __init__(
        self,
        network: Network,
        at: Conditions = Conditions(),  # noqa: B008 (a tuple)
        known: Known | None = None,
    ) -> None:
        self.network = network
        self.at = at
        self.known = known or Known()

    def total(self, quantity: str) -> int:
        """Raises KeyError for a name that is none of QUANTITIES."""
        match quantity:
            case (
                "params"
                | "buffers"
                | "macs"
                | "flops"
                | "elementwise"
                | "acts"
                | "outputs"
                | "layers"
            ):
                return int(getattr(self.measured, quantity))
            case "inference_bound_bytes":
                return self._bytes(inference_lower_bound(self.network, self.known.lifetimes))
            case "inference_peak_bytes":
                return self._bytes(inference_peak(self.network, self.known.frames))
            case "training_bound_bytes":
                return self.training_bound.bytes(self.at.batch)
            case _:
                return sum(figures[quantity] for figures in self.sections)

    def largest(self, quantity: str, most: int = 5) -> list[Part]:
        """Return the layers and merges that have most of a quantity, largest first; the sections
        that have most `layers`.
        """
        if quantity == "layers":
            sections = zip(self.network.sections, self.sections, strict=True)
            parts = [Part(section.label, has[quantity], section.span) for section, has in sections]
        else:
            parts = [
                Part(path(entry.trail), has[quantity], entry.trail[-1].span)
                for entry, has in self.entries
            ]
        return nlargest(most, (part for part in parts if part.value), key=lambda part: part.value)

    @property
    def totals(self) -> Figures:
        return {
            name: self._sums[name] if name in self._sums else self.total(name)
            for name in QUANTITIES
        }

    @cached_property
    def measured(self) -> Totals:
        return combine(self._measured)

    @cached_property
    def sections(self) -> tuple[Figures, ...]:
        """The figures of each section that add up."""
        return tuple(
            figures(totals, cost.total, self.at, section.label in self.at.frozen)
            for section, totals, cost in zip(
                self.network.sections, self._measured, self.backward.parts, strict=True
            )
        )

    @cached_property
    def entries(self) -> list[tuple[Entry, Figures]]:
        """Each layer and merge with its figures."""
        return [
            (entry, figures(entry.totals, entry.backward, self.at, entry.section in self.at.frozen))
            for entry in ledger(self.network, self.backward)
        ]

    @cached_property
    def marked(self) -> Network:
        """The network with a mark at each of its outputs, whose nodes the entries have."""
        return marked(self.network)

    @property
    def counters(self) -> int:
        """Elements of buffers that are whole numbers, in int64 whatever the type of all else."""
        return self.measured.counters

    @cached_property
    def backward(self) -> Cost:
        return backward(self.marked, self.at.frozen, self.known.traces)

    @cached_property
    def training_bound(self) -> TrainingBound:
        sections = zip(self.network.sections, self._measured, strict=True)
        trainable = sum(
            totals.params for section, totals in sections if section.label not in self.at.frozen
        )
        return training_bound(
            self.measured.params, trainable, self.backward.total, self.at.dtype, self.at.optimizer
        )

    @cached_property
    def _measured(self) -> list[Totals]:
        return [measure(section.body, self.known.totals) for section in self.network.sections]

    def _bytes(self, peak: Peak) -> int:
        return self.at.batch * DTYPES[self.at.dtype] * peak.elements

    @cached_property
    def _sums(self) -> Figures:
        return add(self.sections)


def figures(totals: Totals, cost: Backward, at: Conditions, frozen: bool) -> Figures:
    """Return how much a part has of each quantity that adds up along a row, in the order of
    QUANTITIES.
    """
    return {
        "params": totals.params,
        "trainable": 0 if frozen else totals.params,
        "buffers": totals.buffers,
        "macs": totals.macs,
        "flops": totals.flops,
        "elementwise": totals.elementwise,
        "acts": totals.acts,
        "outputs": totals.outputs,
        "layers": totals.layers,
        "backward_macs": cost.macs,
        "moved_bytes": totals.moved_bytes(at.batch, DTYPES[at.dtype]),
        "saved_bytes": cost.saved_bytes(at.batch, at.dtype),
    }


def add(parts: Iterable[Figures]) -> Figures:
    """Return the figures of parts in a row."""
    total: Figures = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total
