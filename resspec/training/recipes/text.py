"""A recipe as it is written: what stands at each key and where, with settings from beside the file put over it."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.training.recipes.fields import SHORTHAND, Keys, Path, default_kind
from resspec.training.recipes.scalars import is_truth, read
from resspec.training.recipes.tree import Entry, Scalar, compose, walk


class Text:
    """The tree of a recipe.

    Attributes:
        root: All of it.
        mistakes: What is wrong with the text and leaves the rest of it readable.
    """

    def __init__(self, source: Source) -> None:
        """Raises SpecError."""
        self.source = source
        self.mistakes: list[Diagnostic] = []
        self.root = _whole((), compose(source, self.mistakes))

    def find(self, path: Path) -> Entry | None:
        """Return what stands at a path."""
        entry = self.root
        for word in path:
            match word, entry.content:
                case str(), dict() as section if word in section:
                    entry = section[word]
                case int(), list() as items if word < len(items):
                    entry = items[word]
                case _:
                    return None
        return entry

    def nearest(self, path: Path) -> Entry:
        """Return what is written at a path, or else around it."""
        for end in range(len(path), 0, -1):
            entry = self.find(path[:end])
            if entry and entry.key:
                return entry
        return self.root

    def mark(self, path: Path) -> Span:
        """Return what a message about a path marks: the value, or the key of the nearest section."""
        entry = self.nearest(path)
        return entry.span if isinstance(entry.content, Scalar | list) else self.key(path)

    def key(self, path: Path) -> Span:
        """Return the key of a path, or of the nearest section."""
        entry = self.nearest(path)
        return entry.key or entry.span

    def place(self, path: Path) -> Span:
        """Return where a path is written: its key and value, or the key of the nearest section, or the start of the text."""
        entry = self.nearest(path)
        if entry is self.root or entry.key is None:
            return Span(self.source, 0, 0)
        return entry.key if isinstance(entry.content, dict) else entry.key.to(entry.span)

    def kind(self, path: Keys) -> str:
        """Return the name of a section, such as `adamw`; empty if it has none that can be read."""
        name = self.find((*path, "name"))
        value = read(name.content) if name and isinstance(name.content, Scalar) else None
        return value.lower() if isinstance(value, str) else ""

    def is_section(self, path: Keys) -> bool:
        """Return whether a section is written as one, with keys of its own."""
        entry = self.find(path)
        if entry is None or not isinstance(entry.content, dict):
            return False
        return not any(inner.key is entry.key for inner in entry.content.values())

    def put(self, path: Keys, source: Source) -> None:
        """Put a value from another text in place of what stands at a path. Raises SpecError."""
        entry = _whole(path, compose(source, self.mistakes))
        section = self.root.content
        for word in path[:-1]:
            if not isinstance(section, dict):
                return
            inner = section.get(word)
            if inner is None or not isinstance(inner.content, dict):
                section[word] = Entry(None, entry.span, _defaults(word, entry.span))
            section = section[word].content
        if isinstance(section, dict):
            section[path[-1]] = entry

    def forget(self, path: Keys) -> None:
        """Remove what stands at a path."""
        around = self.find(path[:-1])
        if around and isinstance(around.content, dict):
            around.content.pop(path[-1], None)

    def walk(self) -> Iterator[tuple[Path, Entry]]:
        """Yield every entry with its path, sections and lists before what is in them."""
        yield from walk(self.root)


def _defaults(word: str, span: Span) -> dict[str, Entry]:
    """Return what a section has that nobody wrote: the name of its default kind, if it has kinds."""
    kind = default_kind((word,))
    return {"name": Entry(None, span, Scalar(kind, quoted=False))} if kind else {}


def _whole(path: Keys, entry: Entry) -> Entry:
    """Return an entry in which what stands for a section is one: `ema: 0.999` as `ema: {decay: 0.999}`."""
    if isinstance(entry.content, dict):
        section = {name: _whole((*path, name), inner) for name, inner in entry.content.items()}
        return Entry(entry.key, entry.span, section)
    if path in SHORTHAND and isinstance(entry.content, Scalar) and _says_something(entry.content):
        return Entry(entry.key, entry.span, {SHORTHAND[path]: entry})
    return entry


def _says_something(scalar: Scalar) -> bool:
    return read(scalar) is not None and not is_truth(scalar)
