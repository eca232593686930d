"""Names of files and folders as text, and the sentences that list them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from resspec.diagnostics import UsageError
from resspec.render import visible
from resspec.training.names import DATA

MAX_LISTED = 5  # names in a sentence
MAX_PROBLEMS = 20  # lines in an error


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    every = [visible(name) for name in names]
    more = f", and {len(every) - MAX_LISTED:,} more" if len(every) > MAX_LISTED else ""
    return ", ".join(every[:MAX_LISTED]) + more


def printable(path: Path) -> str:
    """Return a path on one line, with control characters made visible."""
    return visible(str(path))


def as_text(name: str) -> str:
    """Return a file's name as valid Unicode; bytes that are not UTF-8 become `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def canonical(name: str) -> str:
    """Return a form that two names share if they look the same.

    Unicode has two forms of `é`, and neither trailing spaces nor zero-width characters can be seen.
    """
    composed = unicodedata.normalize("NFC", as_text(name))
    seen = (char for char in composed if unicodedata.category(char) != "Cf")
    return "".join(seen).strip()


def dataset_name(folder: Path) -> str:
    """Return a name for the data set in a folder that differs from those of the known data sets."""
    path = Path(os.path.realpath(folder))
    if path.name == "raw":  # torchvision's name for the folder of the downloaded files
        path = path.parent
    name = path.name or str(path)
    return visible(as_text(f"{path.parent.name}/{name}" if name in DATA else name))


def raise_all(problems: list[str], code: str) -> None:
    """Raise one UsageError with all problems, if there are any."""
    if not problems:
        return
    if len(problems) == 1:
        raise UsageError(problems[0], code)

    lines = [f"{len(problems):,} problems:"]
    lines += [f"  {problem}" for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        lines.append(f"  … and {len(problems) - MAX_PROBLEMS:,} more")
    raise UsageError("\n".join(lines), code)
