"""The values of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resspec.backends.report.views import OutputRow, ReportRow, View
from resspec.ir.quantities import Conditions
from resspec.passes.quantities import Figures

if TYPE_CHECKING:
    from resspec.passes.like import Like


class MaxBatch(NamedTuple):
    """The largest batch whose training bound fits so many bytes of memory; None where any does."""

    memory: int
    batch: int | None


class Tensors(NamedTuple):
    """Elements of parameters and buffers by the type they have."""

    params: dict[str, int]
    buffers: dict[str, int]


class ReportValues(NamedTuple):
    """The values of a report.

    Attributes:
        network: The network's name.
        hash: The hash of what the network means, whatever it is called.
        input: Its input, such as `3x224x224`.
        at: The conditions under which memory is counted.
        by: The kind of a row: a `stage`, a `block` or an `op`.
        rows: The parts, in their order, each with its figures.
        totals: The figures of the whole network by name, such as `totals["macs"]`. Bytes are
            for the batch of the conditions, all others for one sample.
        tensors: The elements of parameters and buffers by type.
        max_batch: The largest batch that fits the given memory.
        like: The totals as other tools count them.
        outputs: The outputs, where the network names them.
        placeholders: The number of placeholders, which have no figures.
    """

    network: str
    hash: str
    input: str
    at: Conditions
    by: View
    rows: tuple[ReportRow, ...]
    totals: Figures
    tensors: Tensors
    max_batch: MaxBatch | None = None
    like: tuple[Like, ...] = ()
    outputs: tuple[OutputRow, ...] = ()
    placeholders: int = 0
