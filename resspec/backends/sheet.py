"""Tables as CSV, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def to_sheet(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV below their headings."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([headings, *rows])
    return text.getvalue()
