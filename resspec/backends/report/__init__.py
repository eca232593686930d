"""The report: what a network and each part of it holds, leaves and costs, as values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from resspec.backends.report.views import Row, View, rows
from resspec.collector import paused
from resspec.diagnostics import UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.nodes import Network
from resspec.ir.quantities import Conditions
from resspec.ir.tools import TOOLS
from resspec.passes.like import Like
from resspec.passes.like import like as like_tool
from resspec.passes.quantities import Facts, Figures, Known
from resspec.suggest import nearest

DEFAULT = Conditions()


class MaxBatch(NamedTuple):
    """The largest batch whose training bound fits so many bytes of memory; None where any does."""

    memory: int
    batch: int | None


class Tensors(NamedTuple):
    """Elements of parameters and buffers by the type they have."""

    params: dict[str, int]
    buffers: dict[str, int]


class Report(NamedTuple):
    """`hash` is that of what the network means. Figures that depend on a batch are for the one of the conditions, all
    others for one sample."""

    network: str
    hash: str
    input: str
    at: Conditions
    by: View
    rows: tuple[Row, ...]
    totals: Figures
    tensors: Tensors
    max_batch: MaxBatch | None = None
    like: Like | None = None


@paused()
def report(
    network: Network, known: Known | None = None, at: Conditions = DEFAULT, by: View = "stage", memory: int | None = None,
    like: str | None = None,
) -> Report:
    """The report of a network, a row for each stage, block or layer; `known`: what was found of
    other networks that share nodes with it; `memory` in bytes;
    `like`: a tool of TOOLS, whose total for one sample is given, too. Raises UsageError where a frozen section, or
    such a tool, is none."""
    _check(network, at)
    if like is not None and like not in TOOLS:
        raise UsageError(f"there is no tool {like!r} to be like; {_meant(like, TOOLS)}")
    facts = Facts(network, at, known)
    totals = facts.totals
    counters = facts.counters
    tensors = Tensors({at.dtype: totals["params"]}, {at.dtype: totals["buffers"] - counters, "int64": counters})
    fits = None if memory is None else MaxBatch(memory, facts.training_bound.max_batch(memory))
    found = tuple(rows(facts, by))
    digest = fingerprint(network, facts.known.digests)
    return Report(network.name, digest, str(network.input), at, by, found, totals, tensors, fits,
                  None if like is None else like_tool(network, like))


def _check(network: Network, at: Conditions) -> None:
    labels = [section.label for section in network.sections]
    for label in at.frozen.difference(labels):
        raise UsageError(f"{network.name} has no section {label!r} to freeze; {_meant(label, labels)}")


def _meant(word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
