"""From the text of a recipe to its tree: scalars, lists and sections, each with its place.

A recipe needs little of YAML. Aliases, tags, directives and deep nesting are refused before anything is made of them, so what a
text costs is bounded by its length. Scalars stay as they are written: `scalars.py` reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from resspec.diagnostics import Diagnostic, SpecError
from resspec.source import Source, Span
from resspec.training import errors
from resspec.training.recipes.syntax import not_yaml

MAX_BYTES = 1 << 15  # of a recipe; those that come with resspec have about a thousand
_MAX_DEPTH = 8


class Scalar(NamedTuple):
    """A single value as it is written; `quoted`: in quotes or as a block, which makes it text."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A value with its places.

    Attributes:
        key: Where its key is; where it is itself if it has none; None for a section that nobody wrote, which is there
            because a setting names a key in it.
        span: Where it is itself.
        content: A scalar, the entries of a list, or the entries of a section by their keys.
    """

    key: Span | None
    span: Span
    content: Scalar | list[Entry] | dict[str, Entry]


def compose(source: Source, mistakes: list[Diagnostic]) -> Entry:
    """Return the tree of a text; of one that holds nothing, a scalar that is empty.

    Args:
        source: The text.
        mistakes: Takes what is wrong without making the rest unreadable: keys that are given twice.

    Raises:
        SpecError: The text is not YAML, or more than a recipe needs.
    """
    node, beyond = _composed(source)
    if node is None:
        span = Span(source, 0, 0)
        return Entry(span, span, Scalar("", quoted=False))
    entry = _entry(source, node, None, mistakes, beyond)
    if beyond:
        raise SpecError(sorted(beyond, key=lambda mistake: mistake.labels[0].span.start))
    return entry


def _entry(
    source: Source,
    node: yaml.Node,
    key: Span | None,
    mistakes: list[Diagnostic],
    beyond: list[Diagnostic],
) -> Entry:
    span = _span(source, node)
    match node:
        case yaml.ScalarNode():
            return Entry(key or span, span, Scalar(node.value, quoted=node.style is not None))
        case yaml.SequenceNode():
            items = [_entry(source, item, None, mistakes, beyond) for item in node.value]
            return Entry(key or span, span, items)

    section: dict[str, Entry] = {}
    for name, value in node.value:
        place = _span(source, name)
        if not isinstance(name, yaml.ScalarNode):
            beyond.append(
                errors.beyond_recipes(
                    place, "a key that is not a word", "write a word before the colon"
                )
            )
        elif name.value in section:
            mistakes.append(errors.key_twice(place, section[name.value].key or place, name.value))
        else:
            section[name.value] = _entry(source, value, place, mistakes, beyond)
    return Entry(key or _first_key(source, span), span, section)


def _span(source: Source, node: yaml.Node) -> Span:
    """Return the place of a node, without the blanks and line ends behind it."""
    start, end = node.start_mark.index, node.end_mark.index
    return Span(source, start, start + len(source.text[start:end].rstrip()))


def _first_key(source: Source, span: Span) -> Span:
    line, _, _ = span.text.partition("\n")
    word, _, _ = line.partition(":")
    return Span(source, span.start, span.start + len(word))


# --- text to nodes ---


class _Loader(yaml.SafeLoader):
    """Composes nodes, and collects what recipes may not hold."""

    def __init__(self, source: Source) -> None:
        super().__init__(_without_tabs(source.text))
        self.source = source
        self.depth = 0
        self.beyond: list[Diagnostic] = []

    def compose_document(self) -> yaml.Node | None:
        start: Any = self.peek_event()  # type: ignore[no-untyped-call]
        at = start.start_mark.index
        if self.source.text[at : at + 1] == "%":
            self._refuse(_line(self.source, at), "a directive", "leave this line out")
        return super().compose_document()

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        start, end = event.start_mark, event.end_mark
        span = Span(self.source, start.index, max(start.index + 1, end.index))
        if isinstance(event, yaml.AliasEvent):
            self._refuse(span, "an alias", "write the value out")
            self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode("", "null", start, end)
        if event.anchor is not None:
            self._refuse(span, "an anchor", "leave out the `&` with its name")
            event.anchor = None
        if event.tag is not None:
            self._refuse(
                span,
                "a tag",
                "leave out the `!` with its name: the key determines the type of its value",
            )
            event.tag = None

        if self.depth > _MAX_DEPTH:
            self._refuse(span, f"a value inside of {_MAX_DEPTH} others", "no key needs that")
            raise SpecError(self.beyond)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse(self, span: Span, what: str, help: str) -> None:
        self.beyond.append(errors.beyond_recipes(span, what, help))


def _composed(source: Source) -> tuple[yaml.Node | None, list[Diagnostic]]:
    """Return the one document of a text, if any, and what of it recipes may not hold. Raises SpecError."""
    try:
        loader = _Loader(source)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError) as error:
        raise SpecError([not_yaml(source, error)]) from None
    return node, loader.beyond


def _without_tabs(text: str) -> str:
    """Return JSON with blanks in place of the tabs between its words, at the same places; other text as it is.

    YAML allows JSON except for these; a JSON text has no tabs inside of its strings.
    """
    if "\t" not in text or not text.lstrip().startswith("{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")


def _line(source: Source, start: int) -> Span:
    return Span(source, start, start + len(source.text[start:].partition("\n")[0].rstrip()))


def walk(
    entry: Entry, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Entry]]:
    """Yield every entry with its path, sections and lists before what is in them."""
    yield path, entry
    match entry.content:
        case dict() as section:
            for name, inner in section.items():
                yield from walk(inner, (*path, name))
        case list() as items:
            for number, inner in enumerate(items):
                yield from walk(inner, (*path, number))
