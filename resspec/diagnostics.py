"""What can be wrong with a user's text, as data: a code, a message, labelled places, one help.

ResspecError
├── SpecError        a mistake in a spec, with its diagnostics: exit code 1
├── UsageError       a command or call that makes no sense: exit code 2
└── InternalError    a broken assumption of ours: a bug to report
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from resspec.source import Span


class Label(NamedTuple):
    """A place and what stands there; the text may be empty."""

    span: Span
    text: str = ""


class Fix(NamedTuple):
    """A change that a machine may make: the text that belongs in place of a span."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One mistake. `labels[0]` is the primary place; `help` is one change that works, `fix` the same as an edit; `needs` are
    the parameters without a value, where that is the mistake, `remedy` a way out that a command may have a flag for."""

    code: str
    message: str
    labels: tuple[Label, ...]
    help: str | None = None
    notes: tuple[str, ...] = ()
    fix: Fix | None = None
    needs: tuple[str, ...] = ()
    remedy: str | None = None

    @property
    def severity(self) -> str:
        return "warning" if self.code.startswith("W") else "error"


def at(
    code: str,
    message: str,
    span: Span,
    help: str | None = None,
    text: str = "",
    instead: str | None = None,
) -> Diagnostic:
    """A mistake at one place, where a machine may write another text `instead`."""
    return Diagnostic(
        code,
        message,
        (Label(span, text),),
        help,
        fix=None if instead is None else Fix(span, instead),
    )


class ResspecError(Exception):
    """The root of everything this package raises on purpose.

    Attributes:
        code: Of the page that `resspec explain` has on it.
        remedy: A way out that a command may have a flag for: see `commands/remedies.py`.
    """

    def __init__(
        self, message: str = "", code: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


class SpecError(ResspecError):
    """A spec with mistakes; `diagnostics` holds all that were found, in the order of the text."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(_one_line(d) for d in self.diagnostics))


class UsageError(ResspecError):
    """A request that cannot be carried out, told in one line."""


class InternalError(ResspecError):
    """An assumption of the compiler that does not hold."""


def _one_line(diagnostic: Diagnostic) -> str:
    where = diagnostic.labels[0].span
    line, column = where.source.place(where.start)
    return f"{where.source.name}:{line}:{column}: {diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"
