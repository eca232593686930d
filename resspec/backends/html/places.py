"""Lines of specs: where something stands, and the texts that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_MOST = 12  # lines of one thing


def own_lines(span: str) -> list[str]:
    """Return `file:line` of each line of `file:line:column-line:column`."""
    try:
        name, first, last, _ = span.rsplit(":", 3)
        start, end = int(first), int(last.rpartition("-")[2])
    except ValueError:
        return []
    return [f"{name}:{line}" for line in range(start, min(end, start + _MOST) + 1)]


def texts_of(lines: Iterable[str], *sources: Mapping[str, str]) -> dict[str, str]:
    """Return the texts with these lines, and of each network the text of the spec itself."""
    named = {line.rpartition(":")[0] for line in lines} | {
        name for texts in sources for name in [*texts][:1]
    }
    return {name: text for texts in sources for name, text in texts.items() if name in named}
