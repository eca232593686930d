"""The report: what a network and each part of it holds, leaves and costs, as values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from resspec.backends.report.values import MaxBatch, ReportValues, Tensors
from resspec.backends.report.views import VIEWS, View, outputs, rows
from resspec.collector import paused
from resspec.diagnostics import UsageError
from resspec.displayed import Displayed
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.quantities import DTYPES, OPTIMIZERS, Conditions
from resspec.ir.tools import TOOLS, tools_of
from resspec.passes.placeholders import placeholders
from resspec.passes.quantities import Facts, Known
from resspec.suggest import nearest

if TYPE_CHECKING:
    from resspec.passes.like import Like

DEFAULT = Conditions()


class Report(Displayed, ReportValues):
    """The exact cost of a network and of each of its parts; printed, it is a table."""

    __slots__ = ()

    def __str__(self) -> str:
        from resspec.backends.report.table import to_table

        return to_table(self).removesuffix("\n")

    def to_frame(self) -> Any:
        """Return the rows as a pandas DataFrame. Needs pandas.

        Returns:
            A `DataFrame` with a row for each part, indexed by its label, and a column for each
            quantity, beside `holds`, `output` and `repeats`.

        Raises:
            UsageError: pandas is not installed.

        Examples:
            >>> report = resspec.report(resspec.load("resnet18"), by="block")
            >>> int(report.to_frame()["params"].sum())
            11515688
        """
        from resspec.backends.report.frame import to_frame

        return to_frame(self)


@paused()
def report(
    network: Network,
    /,
    *,
    at: Conditions = DEFAULT,
    by: View = "stage",
    memory: int | None = None,
    like: str | None = None,
    known: Known | None = None,
) -> Report:
    """Return the report of a network.

    Args:
        network: As `resspec.load` returns it.
        at: The conditions of training and memory: `Conditions(batch=256, dtype="bfloat16")`.
        by: The kind of a row: a `stage`, a `block` or an `op`.
        memory: In bytes; the largest batch that trains in it is found.
        like: Tools whose totals for one sample are given too: `fvcore`, `fvcore,thop` or `all`.
        known: Quantities of other networks that share nodes with this one.

    Raises:
        UsageError: An argument is wrong, or there is no such tool or frozen section.
    """
    _check_kinds(network, at, by, memory)
    at = at._replace(frozen=frozenset(at.frozen))
    _check(network, at)
    tools = () if like is None else _tools(like)
    facts = Facts(network, at, known)
    totals = facts.totals
    counters = facts.counters
    tensors = Tensors(
        {at.dtype: totals["params"]}, {at.dtype: totals["buffers"] - counters, "int64": counters}
    )
    fits = None if memory is None else MaxBatch(memory, facts.training_bound.max_batch(memory))
    found = tuple(rows(facts, by))
    digest = fingerprint(network, facts.known.digests)
    return Report(
        network.name,
        digest,
        str(network.input),
        at,
        by,
        found,
        totals,
        tensors,
        fits,
        _like(network, tools),
        tuple(outputs(facts)),
        placeholders(network),
    )


def _like(network: Network, tools: tuple[str, ...]) -> tuple[Like, ...]:
    if not tools:
        return ()
    from resspec.passes.like import like

    return tuple(like(network, tool) for tool in tools)


def _tools(like: str) -> tuple[str, ...]:
    try:
        return tools_of(like)
    except KeyError as error:
        (name,) = error.args
        raise UsageError(f"no tool is called {name!r}; {_meant(name, TOOLS)}") from None


def _check_kinds(network: object, at: object, by: object, memory: object) -> None:
    """Check the arguments of a call from Python; commands check theirs. Raises UsageError."""
    if not isinstance(network, Network):
        raise UsageError(
            f"a report needs a network, as returned by resspec.load, not {network!r:.80}"
        )
    if not isinstance(at, Conditions):
        raise UsageError(
            f"`at` is Conditions(batch=…, dtype=…, optimizer=…, frozen=…), not {at!r:.80}"
        )
    if type(at.batch) is not int or at.batch < 1:
        raise UsageError(f"a batch is a whole number, 1 or more, not {at.batch!r:.80}")
    for word, value, known in (
        ("dtype", at.dtype, DTYPES),
        ("optimizer", at.optimizer, OPTIMIZERS),
        ("by", by, VIEWS),
    ):
        if not isinstance(value, str) or value not in known:
            raise UsageError(f"`{word}` is one of {', '.join(known)}, not {value!r:.80}")
    frozen: Any = at.frozen
    if isinstance(frozen, str) or not all(isinstance(label, str) for label in frozen):
        raise UsageError(f"`frozen` is a set of the labels of sections, not {frozen!r:.80}")
    if memory is not None and (type(memory) is not int or memory < 0):
        raise UsageError(f"`memory` is a number of bytes, not {memory!r:.80}")


def _check(network: Network, at: Conditions) -> None:
    labels = [section.label for section in network.sections]
    for label in at.frozen.difference(labels):
        raise UsageError(
            f"{network.name} has no section {label!r} to freeze; {_meant(label, labels)}"
        )


def _meant(word: str, known: Iterable[str]) -> str:
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else f"choose from {', '.join(known)}"
