"""The blocks that the lowering of one network leaves for another: the two sides of a difference
share most of their blocks.

A block is the same where its file, but for networks, and all files that this one uses hold the same
text, and where the network sets the same for all blocks. What is taken over keeps the places of the
file that it was lowered from; `moved` finds them in the file that says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from hashlib import sha256

from resspec.lowering.parts import Made
from resspec.lowering.scope import Library
from resspec.syntax import ast

Table = dict[Hashable, Made]


class Memory:
    """Blocks by their text, arguments and input, for each setting of a network."""

    def __init__(self) -> None:
        self._tables: dict[Hashable, Table] = {}
        self._contents: dict[Library, str] = {}
        self._first: dict[str, Library] = {}  # of each content

    def table(self, setting: Hashable) -> Table:
        return self._tables.setdefault(setting, {})

    def content(self, library: Library) -> str:
        """Return the same for libraries that declare the same."""
        if (digest := self._contents.get(library)) is None:
            declared = [
                each.span.text
                for each in library.own.values()
                if not isinstance(each, ast.NetworkDecl | ast.Derived)
            ]
            parts = [*declared, *(self.content(used) for used in library.used)]
            digest = sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()
            self._contents[library] = digest
            self._first.setdefault(digest, library)
        return digest

    def moved(self, library: Library) -> Callable[[str], str]:
        """From a place as nodes keep it, to that place in the library or one that it uses."""
        own = {each.source.name for each in library.all()}
        twins = {
            first.source.name: (first, each)
            for each in library.all()
            if (first := self._first.get(self.content(each), each)).source.name not in own
        }
        return lambda place: (
            _moved(place, *twins[name]) if (name := place.rsplit(":", 3)[0]) in twins else place
        )


def _moved(place: str, first: Library, twin: Library) -> str:
    span = first.span(place)
    for name, declared in first.own.items():
        if declared.span.start <= span.start < declared.span.end and name in twin.own:
            shift = twin.own[name].span.start - declared.span.start
            return twin.source.shown(span.start + shift, span.end + shift)
    return place
