"""Output for a person: diagnostics and messages on stderr, in color only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from resspec.diagnostics import Diagnostic


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Diagnostics on stderr."""
    from resspec.render import render

    for diagnostic in diagnostics:
        print(render(diagnostic, color=color(sys.stderr)), file=sys.stderr)


def complain(message: str, code: str | None = None, help: str | None = None) -> None:
    """Print a mistake without a place on stderr."""
    from resspec.render import visible

    print(f"error[{code}]: " if code else "error: ", end="", file=sys.stderr)
    print("\n".join(map(visible, message.split("\n"))), file=sys.stderr)
    if help:
        print(f"help: {help}", file=sys.stderr)


def say(message: str) -> None:
    """Print a plain sentence on stderr: of what happened as it was asked for."""
    from resspec.render import visible

    print(visible(message), file=sys.stderr)


def note(message: str) -> None:
    from resspec.render import visible

    print(f"note: {visible(message)}", file=sys.stderr)


def wrote(paths: Iterable[Path], also: str = "") -> None:
    """Print on stderr which files were written."""
    from resspec.render import visible

    *others, last = (visible(str(path)) for path in paths)
    names = f"{', '.join(others)} and {last}" if others else last
    print(f"wrote {names}{also}", file=sys.stderr)


def color(stream: TextIO) -> bool:
    """Return whether a stream is a terminal that colours may be sent to."""
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
