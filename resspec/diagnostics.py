"""Mistakes in a user's text, as data: a code, a message, labeled places, one help.

ResspecError
├── SpecError        a mistake in a spec, with its diagnostics: exit code 1
├── UsageError       a command or call that makes no sense: exit code 2
└── InternalError    a broken assumption of ours: a bug to report
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

from resspec.source import Label, Span

CIRCULAR, UNMET, TOO_DEEP = "E0241", "E0311", "E0313"


class Fix(NamedTuple):
    """A change that a machine may make: the text that belongs in place of a span."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One mistake, or one warning. Printed, it shows the lines of the text with their marks.

    Attributes:
        code: The code of its page: `resspec explain E0301`.
        message: The mistake in one line.
        labels: Places in the text; the first is the primary one.
        help: One change that works.
        notes: More about it, a sentence each.
        fix: The help as an edit, where a machine can make it.
        needs: Parameters without a value, where that is the mistake.
        remedy: A way out that a command may have a flag for: see `commands/remedies.py`.
        calls: The calls that led to the place, outermost first.
    """

    code: str
    message: str
    labels: tuple[Label, ...]
    help: str | None = None
    notes: tuple[str, ...] = ()
    fix: Fix | None = None
    needs: tuple[str, ...] = ()
    remedy: str | None = None
    calls: tuple[Span, ...] = ()

    @property
    def severity(self) -> str:
        """`error` or `warning`."""
        return "warning" if self.code.startswith("W") else "error"

    @property
    def identity(self) -> Hashable:
        """The same for every report of one mistake: its code and place.

        Of a circle it is all places on it, and of an unmet `expect` the network too. What nests too
        deeply does so again below the place where that is reported.
        """
        if self.code == TOO_DEEP:
            return self.code, self.message
        places = {CIRCULAR: self.labels[1:], UNMET: self.labels}.get(self.code) or self.labels[:1]
        spans = [each.span for each in places]
        # The text too: several budgets have one name and no file.
        return self.code, frozenset((x.source.name, x.start, x.end, x.text) for x in spans)

    @property
    def brief(self) -> str:
        """The mistake and its place in one line."""
        where = self.labels[0].span
        line, column = where.source.place(where.start)
        return f"{where.source.name}:{line}:{column}: {self.severity}[{self.code}]: {self.message}"

    def __str__(self) -> str:
        from resspec.render import render

        return render(self).removesuffix("\n")


Reporter = Callable[[Diagnostic], None]  # takes what was found wrong


class Collected:
    """Diagnostics in the order in which they were found, each mistake once: as it was first
    reported.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, Diagnostic] = {}

    def add(self, *diagnostics: Diagnostic) -> None:
        """Add those that are not here yet."""
        for diagnostic in diagnostics:
            self._found.setdefault(diagnostic.identity, diagnostic)

    def __contains__(self, diagnostic: Diagnostic) -> bool:
        return diagnostic.identity in self._found

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)


def at(
    code: str,
    message: str,
    span: Span,
    help: str | None = None,
    text: str = "",
    instead: str | None = None,
) -> Diagnostic:
    """Return a mistake at one place; `instead` is the text that fixes it there."""
    return Diagnostic(
        code,
        message,
        (Label(span, text),),
        help,
        fix=None if instead is None else Fix(span, instead),
    )


class ResspecError(Exception):
    """The base class of everything that resspec raises on purpose.

    Attributes:
        code: The code of its page, if it has one: `resspec explain E0601`.
        remedy: A way out that a command may have a flag for: see `commands/remedies.py`.
    """

    def __init__(
        self, message: str = "", code: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


class SpecError(ResspecError):
    """A spec, or a recipe, with mistakes. Printed, it shows each at its place, with its help.

    Attributes:
        diagnostics: All that were found, in the order of the text.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        super().__init__()
        self.diagnostics = tuple(diagnostics)
        self.args = (self.diagnostics,)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.diagnostics))

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a traceback."""
        return str(self).splitlines()


class UsageError(ResspecError):
    """A request that cannot be carried out; the message is one line."""


class InternalError(ResspecError):
    """A bug of resspec: an assumption of the compiler that does not hold."""
