"""A difference as Markdown for a pull request: the totals first, all else folded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from resspec.backends.diff import Diff, Pair
from resspec.backends.diff.sentences import verdict, weights_sentences
from resspec.backends.diff.words import lines
from resspec.passes.measure import Totals
from resspec.render import visible

MOST_LINES = 200
_SIGNS = {"~": "", "-": "removed ", "+": "added "}
_FIGURES = ("params", "macs", "acts", "layers")


def to_markdown(diff: Diff) -> str:
    """GitHub's dialect; nothing in it is taken for HTML or markup that a name happens to look like."""
    return "\n".join(_parts(diff)) + "\n"


def _parts(diff: Diff) -> Iterator[str]:
    a, b = diff.a, diff.b
    yield f"**{_text(a.network)} → {_text(b.network)}**: {verdict(diff)}"
    if diff.same:
        return
    changed = [name for name in Totals._fields if getattr(a.totals, name) != getattr(b.totals, name)]
    if changed:
        yield ""
        yield from _table(("total", "before", "after", "change", ""), (
            (name, *_change(getattr(a.totals, name), getattr(b.totals, name))) for name in changed
        ))
    if diff.weights:
        first, *rest = weights_sentences(diff.weights)
        yield ""
        yield _text(f"{first[0].upper()}{first[1:]}.")
        yield from _folded("Tensors", [f"- {_text(sentence.strip())}" for sentence in rest])
    if diff.structure:
        found = lines(diff.structure)
        listed = [f"- {_SIGNS[line.sign]}**{_text(line.where)}**: {_text(line.what)} (`{_code(line.lines)}`)"
                  for line in found[:MOST_LINES]]
        if len(found) > MOST_LINES:
            listed.append(f"- … and {len(found) - MOST_LINES} more")
        yield from _folded(f"Structure: {len(found)} change{'s' * (len(found) != 1)}", listed)
    rows = [row for pair in diff.pairs if not pair.same for row in _rows(pair)]
    if rows:
        yield from _folded("Cost of each stage", list(_table(("stage", "figure", "before", "after", "change", ""), rows)))


def _rows(pair: Pair) -> Iterator[tuple[str, ...]]:
    zero = Totals()
    a, b = pair.a.totals if pair.a else zero, pair.b.totals if pair.b else zero
    for name in _FIGURES:
        if getattr(a, name) != getattr(b, name):
            yield _text(pair.label), name, *_change(getattr(a, name), getattr(b, name))


def _change(a: int, b: int) -> tuple[str, str, str, str]:
    return f"{a:,}", f"{b:,}", f"{b - a:+,}", f"{(b - a) / a:+.2%}" if a else ""


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    words = sum(not heading[:1] or heading in ("before", "after", "change") for heading in headings)
    yield f"| {' | '.join(headings)} |"
    yield f"|{'|'.join(['---'] * (len(headings) - words) + ['---:'] * words)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _folded(title: str, inside: list[str]) -> Iterator[str]:
    if inside:
        yield from ("", f"<details><summary>{title}</summary>", "", *inside, "", "</details>")


def _text(words: str) -> str:
    """Words that stand for themselves."""
    return re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", html.escape(visible(words), quote=False))


def _code(words: str) -> str:
    """For a code span, which knows no escapes."""
    return visible(words).replace("`", "'")
