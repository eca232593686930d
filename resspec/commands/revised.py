"""Networks in Python, or files of other formats, at a revision of a git repository:
`HEAD~1:net.py:Net`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from resspec.commands.apart import text_from
from resspec.commands.terminal import note
from resspec.diagnostics import UsageError
from resspec.importing.sources import FILES, source_of
from resspec.project import ProjectNetwork
from resspec.revision import Revision


class RevisedSource(NamedTuple):
    """A source at a revision.

    Attributes:
        revision: The revision, as given.
        path: The file, from the top of the repository.
        name: The class or function in it; empty in a file of another format.
    """

    revision: str
    path: str
    name: str

    @property
    def runs_code(self) -> bool:
        """True if importing it runs the code of the revision."""
        return bool(self.name)


def revised_source(word: str) -> RevisedSource | None:
    """Return the source at a revision that a word names, None for any other word."""
    revision, colon, rest = word.partition(":")
    if not colon or source_of(word) is not None:
        return None
    path, colon, name = rest.rpartition(":")
    if colon and path.endswith(".py") and name.isidentifier():
        return RevisedSource(revision, path, name)
    return RevisedSource(revision, rest, "") if rest.endswith(FILES) else None


def need_permission(word: str, *, allowed: bool) -> None:
    """Print a note if a word names Python code at a revision; raise UsageError if that is not
    allowed.
    """
    source = revised_source(word)
    if source is None or not source.runs_code:
        return
    if not allowed:
        raise UsageError(f"importing {word} runs Python code of that revision: add --allow-code")
    note(f"importing {word} runs Python code")


def text_of(word: str, values: Mapping[str, Any]) -> str | None:
    """Return the spec of a source at a revision; None for any other word.

    Args:
        word: The word.
        values: The `input`, and the arguments of the callable that makes the network.

    Raises:
        UsageError: There is no such revision or file, or it cannot be imported.
    """
    source = revised_source(word)
    if source is None:
        return None
    if values.get("output"):
        raise UsageError(f"--output is for specs: {word} returns what its code returns")
    arguments = {name: each for name, each in values.items() if name not in ("input", "output")}
    return _text(source, values.get("input") or "", tuple(arguments.items()))


@lru_cache(16)
def _text(source: RevisedSource, input: str, arguments: tuple[tuple[str, str], ...]) -> str:
    """Return a spec that a process of its own imports from a temporary checkout."""
    with checked_out(source) as (folder, inside):
        return text_from(ProjectNetwork(inside, input, arguments), folder)


@contextmanager
def checked_out(source: RevisedSource) -> Iterator[tuple[Path, str]]:
    """Give a temporary folder of a revision, and the source in it. Raises UsageError."""
    revision = Revision(source.revision)
    path = revision.path(source.path)
    if not revision.is_file(path):
        raise UsageError(f"there is no file {source.path!r} in {source.revision!r}")
    inside = path.relative_to(revision.root).as_posix()
    with revision.checked_out() as folder:
        yield folder, f"{inside}:{source.name}" if source.name else inside
