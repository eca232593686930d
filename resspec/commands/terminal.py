"""What a command shows: diagnostics and complaints on stderr, in colour only where a person looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from resspec.diagnostics import Diagnostic


def show(diagnostics: Sequence[Diagnostic], shown: set[str] | None = None) -> None:
    """Diagnostics on stderr, but for those that were `shown` already."""
    from resspec.render import render

    for diagnostic in diagnostics:
        text = render(diagnostic, color=color(sys.stderr))
        if shown is None or text not in shown:
            print(text, file=sys.stderr)
            if shown is not None:
                shown.add(text)


def complain(message: str) -> None:
    from resspec.render import visible

    print(f"error: {visible(message)}", file=sys.stderr)


def color(stream: TextIO) -> bool:
    """Whether a stream is a terminal that colours may be sent to."""
    return bool(stream) and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns of the terminal."""
    from shutil import get_terminal_size

    return get_terminal_size().columns
