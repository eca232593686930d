"""E072x: files that cannot be imported. The docstring of each function is the title of its page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from resspec.diagnostics import UsageError


class Malformed(Exception):
    """An error for a file that violates its format; the message is part of a sentence."""


def unreadable(path: Path, why: str) -> UsageError:
    """E0721: a network file that cannot be read."""
    return UsageError(f"cannot read a network from {path}: {why}", "E0721")


def pickled(path: Path, entries: Sequence[str]) -> UsageError:
    """E0722: a file whose tensors are pickled, so that loading them would run code."""
    named = ", ".join(f"`{entry}`" for entry in entries[:3])
    more = f" and {len(entries) - 3} more" if len(entries) > 3 else ""
    are = "are pickled Python objects" if len(entries) > 1 else "is a pickled Python object"
    advice = "save plain tensors with torch 2.9 or later"
    return UsageError(
        f"cannot import {path}: {named}{more} {are}, which would run code; {advice}", "E0722"
    )
