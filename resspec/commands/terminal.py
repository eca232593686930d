"""Output for a person: diagnostics and messages on stderr, in color only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from resspec.diagnostics import Diagnostic


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics on stderr; a help or note that several share is printed once."""
    from resspec.render import render

    printed = set[tuple[str, str | None]]()
    for each in diagnostics:
        help = None if (each.code, each.help) in printed else each.help
        notes = tuple(note for note in each.notes if (each.code, note) not in printed)
        printed.update((each.code, text) for text in (help, *notes))
        print(
            render(each._replace(help=help, notes=notes), color=color(sys.stderr)), file=sys.stderr
        )


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on a terminal what a command waits for, in a line that is erased at the end."""
    if not color(sys.stderr):
        yield
        return
    print(f"{what} …", end="\r", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\x1b[K", end="", file=sys.stderr, flush=True)


def complain(message: str, code: str | None = None, help: str | None = None) -> None:
    """Print a mistake without a place on stderr."""
    from resspec.render import visible

    print(f"error[{code}]: " if code else "error: ", end="", file=sys.stderr)
    print("\n".join(map(visible, message.split("\n"))), file=sys.stderr)
    if help:
        print(f"help: {help}", file=sys.stderr)


def say(message: str) -> None:
    """Print a plain sentence on stderr, about what a person requested."""
    from resspec.render import visible

    print(visible(message), file=sys.stderr)


def note(message: str) -> None:
    from resspec.render import visible

    print(f"note: {visible(message)}", file=sys.stderr)


def wrote(paths: Iterable[Path], also: str = "") -> None:
    """Print on stderr which files were written."""
    from resspec.render import visible
    from resspec.suggest import joined

    names = joined(visible(str(path)) for path in paths)
    print(f"wrote {names}{also}", file=sys.stderr)


def color(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that colors may be sent to."""
    return (
        bool(stream)
        and stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def width() -> int:
    """Return the columns of the terminal."""
    from shutil import get_terminal_size

    return get_terminal_size().columns
