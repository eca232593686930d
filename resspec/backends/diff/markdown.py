"""A difference as Markdown for a pull request: the totals first, all else folded."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.backends.diff import Diff
from resspec.backends.diff.sentences import verdict, weights_sentences
from resspec.backends.diff.values import Pair
from resspec.backends.diff.words import ChangeLine, lines
from resspec.backends.markdown import code, escaped, folded, table
from resspec.passes.quantities import SUMS

MOST_LINES = 200
_SIGNS = {"~": "", "-": "removed ", "+": "added "}
_FIGURES = ("params", "macs", "acts", "saved_bytes", "layers")


def to_markdown(diff: Diff) -> str:
    """Return a difference in GitHub's Markdown, in which no name is taken for HTML or markup."""
    return "\n".join(_parts(diff)) + "\n"


def _parts(diff: Diff) -> Iterator[str]:
    a, b = diff.a, diff.b
    yield f"**{escaped(a.network)} → {escaped(b.network)}**: {verdict(diff)}"
    if diff.same:
        return
    changed = [name for name in a.totals if a.totals[name] != b.totals[name]]
    if changed:
        yield ""
        yield from table(
            ("total", "before", "after", "change", ""),
            ((name, *_change(a.totals[name], b.totals[name])) for name in changed),
            figures=4,
        )
    if diff.weights:
        first, *rest = weights_sentences(diff.weights)
        yield ""
        yield escaped(f"{first[0].upper()}{first[1:]}.")
        yield from folded("Tensors", [f"- {escaped(sentence.strip())}" for sentence in rest])
    if diff.structure:
        found = lines(diff.structure)
        listed = [_listed(line) for line in found[:MOST_LINES]]
        if len(found) > MOST_LINES:
            listed.append(f"- … and {len(found) - MOST_LINES} more")
        yield from folded(f"Structure: {len(found)} change{'s' * (len(found) != 1)}", listed)
    rows = [row for pair in diff.pairs if not pair.same for row in _rows(pair)]
    if rows:
        yield from folded(
            "Cost of each stage",
            list(table(("stage", "figure", "before", "after", "change", ""), rows, figures=4)),
        )


def _rows(pair: Pair) -> Iterator[tuple[str, ...]]:
    zero = dict.fromkeys(SUMS, 0)
    a, b = pair.a.figures if pair.a else zero, pair.b.figures if pair.b else zero
    for name in _FIGURES:
        if a[name] != b[name]:
            yield escaped(pair.label), name, *_change(a[name], b[name])


def _change(a: int, b: int) -> tuple[str, str, str, str]:
    return f"{a:,}", f"{b:,}", f"{b - a:+,}", f"{(b - a) / a:+.2%}" if a else ""


def _listed(line: ChangeLine) -> str:
    change = f"{_SIGNS[line.sign]}**{escaped(line.where)}**: {escaped(line.what)}"
    return f"- {change} (`{code(line.lines)}`)"
