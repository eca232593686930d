"""The values of a difference."""

from __future__ import annotations

from typing import NamedTuple

from resspec.backends.diff.structure import Structure
from resspec.backends.diff.weights import Weights
from resspec.backends.report.values import ReportValues
from resspec.backends.report.views import ReportRow
from resspec.passes.quantities import Figures


class Pair(NamedTuple):
    """A section on both sides; None where a side has none of this label at this place."""

    a: ReportRow | None
    b: ReportRow | None

    @property
    def label(self) -> str:
        """The section's label, that of `b` where both have one."""
        row = self.b or self.a
        assert row is not None
        return row.label

    @property
    def figures(self) -> tuple[Figures, Figures]:
        """The figures of both sides, all 0 of one that has none."""
        row = self.b or self.a
        assert row is not None
        zero = dict.fromkeys(row.figures, 0)
        return self.a.figures if self.a else zero, self.b.figures if self.b else zero

    @property
    def same(self) -> bool:
        """Equality of outputs and figures, whatever the blocks are called.

        A section before them may have changed how much of the input they see.
        """
        if self.a is None or self.b is None:
            return False
        return (self.a.output, self.a.figures) == (self.b.output, self.b.figures)


class DiffValues(NamedTuple):
    """The values of a difference.

    Attributes:
        a: The report of one side.
        b: The report of the other side.
        pairs: The sections of both, matched.
        structure: What was added, removed and changed; None where a side is a report alone.
        weights: Which weights of one fit the other; None where a side is a report alone.
    """

    a: ReportValues
    b: ReportValues
    pairs: tuple[Pair, ...]
    structure: Structure | None
    weights: Weights | None

    @property
    def same(self) -> bool:
        """Equality of both networks, regardless of their names and sections."""
        return self.a.hash == self.b.hash
