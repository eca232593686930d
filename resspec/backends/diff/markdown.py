"""A difference as Markdown for a pull request: the totals first, all else folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resspec.backends.diff import Diff
from resspec.backends.diff.sentences import change, outputs_change, verdict, weights_sentences
from resspec.backends.diff.words import ChangeLine, lines
from resspec.backends.markdown import code, escaped, folded, table
from resspec.passes.quantities import Figures

MOST_LINES = 200
_SIGNS = {"~": "", "-": "removed ", "+": "added "}
_HEADINGS = ("before", "after", "change", "")
_FIGURES = ("params", "macs", "acts", "saved_bytes", "layers")

Row = tuple[str, ...]


def to_markdown(diff: Diff) -> str:
    """Return a difference in GitHub's Markdown, in which no name is taken for HTML or markup."""
    return "\n".join(_parts(diff)) + "\n"


def _parts(diff: Diff) -> Iterator[str]:
    a, b = diff.a, diff.b
    yield f"**{escaped(a.network)} → {escaped(b.network)}**: {verdict(diff)}"
    if diff.same:
        return
    if outputs := outputs_change(diff):
        yield ""
        yield escaped(outputs)
    totals = list(_changes(a.totals, b.totals))
    if totals:
        yield ""
        yield from table(("total", *_HEADINGS), totals, figures=4)
    if diff.weights:
        first, *rest = weights_sentences(diff.weights)
        yield ""
        yield escaped(f"{first[0].upper()}{first[1:]}.")
        yield from folded("Tensors", [f"- {escaped(sentence.strip())}" for sentence in rest])
    if diff.structure:
        yield from _structure(lines(diff.structure))
    rows = [
        (escaped(pair.label), *row)
        for pair in diff.pairs
        if not pair.same
        for row in _changes(*pair.figures, _FIGURES)
    ]
    if rows:
        costs = table(("stage", "figure", *_HEADINGS), rows, figures=4)
        yield from folded("Cost of each stage", list(costs))


def _changes(a: Figures, b: Figures, names: Iterable[str] | None = None) -> Iterator[Row]:
    """Yield a row for each figure that differs."""
    for name in names or a:
        if a[name] != b[name]:
            yield name, *change(a[name], b[name])


def _structure(found: list[ChangeLine]) -> Iterator[str]:
    listed = [_listed(line) for line in found[:MOST_LINES]]
    if len(found) > MOST_LINES:
        listed.append(f"- … and {len(found) - MOST_LINES} more")
    return folded(f"Structure: {len(found)} change{'s' * (len(found) != 1)}", listed)


def _listed(line: ChangeLine) -> str:
    words = f"{_SIGNS[line.sign]}**{escaped(line.where)}**: {escaped(line.what)}"
    return f"- {words} (`{code(line.lines)}`)"
