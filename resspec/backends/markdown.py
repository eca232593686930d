"""GitHub's Markdown, in which no name is taken for HTML or markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from resspec.render import visible


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, figures: int) -> Iterator[str]:
    """Return a table whose last columns are `figures`, aligned right; cells are `escaped`."""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'|'.join(['---'] * (len(headings) - figures) + ['---:'] * figures)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def folded(title: str, inside: list[str]) -> Iterator[str]:
    """Return lines that open on a click; nothing where there are none."""
    if inside:
        yield from ("", f"<details><summary>{title}</summary>", "", *inside, "", "</details>")


def escaped(words: str) -> str:
    """Return text without markup."""
    return re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", html.escape(visible(words), quote=False))


def code(words: str) -> str:
    """Return text for a code span, which has no escapes."""
    return visible(words).replace("`", "'")
