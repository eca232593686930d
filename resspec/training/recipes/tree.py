"""From the text of a recipe to its tree: scalars, lists and sections, each with its place.

A recipe needs little of YAML. Aliases, tags, directives and deep nesting are refused before
anything is made of them, so what a text costs is bounded by its length. Scalars stay as they are
written: `scalars.py` reads them.
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
from resspec.training.recipes.syntax import not_yaml, rest_of_line

MAX_BYTES = 1 << 15  # of a recipe; those that come with resspec have about a thousand
_MAX_DEPTH = 8


class Scalar(NamedTuple):
    """A single value as it is written; `quoted`: in quotes or as a block, which makes it text."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class RecipeNode:
    """A value with its places.

    Attributes:
        key: The place of its key; its own place if it has none; None for a section that nobody
            wrote, which is there because a setting names a key in it.
        span: Its own place.
        content: A scalar, the nodes of a list, or the nodes of a section by their keys.
    """

    key: Span | None
    span: Span
    content: Scalar | list[RecipeNode] | dict[str, RecipeNode]

    @property
    def is_setting(self) -> bool:
        """Return whether it has no key of its own, as the value of a setting."""
        return self.key is self.span


def compose(source: Source, mistakes: list[Diagnostic]) -> RecipeNode:
    """Return the tree of a text; of one that holds nothing, a scalar that is empty.

    Args:
        source: The text.
        mistakes: Takes what is wrong without making the rest unreadable: keys given twice.

    Raises:
        SpecError: The text is not YAML, or more than a recipe needs.
    """
    composer = _Composer(source, mistakes)
    try:
        root = composer.root()
    except (yaml.MarkedYAMLError, yaml.reader.ReaderError) as error:
        raise SpecError([not_yaml(source, error)]) from None
    if composer.refused:
        raise SpecError(sorted(composer.refused, key=lambda mistake: mistake.labels[0].span.start))
    return root


class _Composer:
    """Makes nodes of the events of PyYAML's parser.

    Attributes:
        mistakes: Keys that are given twice.
        refused: What recipes may not hold.
    """

    def __init__(self, source: Source, mistakes: list[Diagnostic]) -> None:
        self.source = source
        self.mistakes = mistakes
        self.refused: list[Diagnostic] = []
        self.events: Iterator[Any] = yaml.parse(_without_tabs(source.text))

    def root(self) -> RecipeNode:
        """Return the node of the whole text."""
        next(self.events)  # the start of the stream
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            nothing = Span(self.source, 0, 0)
            return RecipeNode(nothing, nothing, Scalar("", quoted=False))

        start = event.start_mark.index
        if self.source.text[start : start + 1] == "%":
            line = rest_of_line(self.source, start)
            self._refuse(line, "a directive", "leave this line out")
        node = self._node(next(self.events), None, 0)
        next(self.events)  # the end of the document
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            start = event.start_mark.index
            second = Span(self.source, start, start + 3)
            self._refuse(second, "a second document", "keep one of them")
        return node

    def _node(self, start: Any, key: Span | None, depth: int) -> RecipeNode:
        """Return the node that begins with an event."""
        end = start
        self._check(start, depth)
        content: Scalar | list[RecipeNode] | dict[str, RecipeNode]
        match start:
            case yaml.SequenceStartEvent():
                content = []
                while not isinstance(end := next(self.events), yaml.SequenceEndEvent):
                    content.append(self._node(end, None, depth + 1))
            case yaml.MappingStartEvent():
                content = {}
                while not isinstance(end := next(self.events), yaml.MappingEndEvent):
                    self._add_key(content, end, depth + 1)
            case yaml.AliasEvent():
                content = Scalar("", quoted=False)
            case _:
                content = Scalar(start.value, quoted=start.style is not None)

        span = self._span(start, end)
        own_key = _first_key(span) if isinstance(content, dict) else span
        return RecipeNode(key or own_key, span, content)

    def _add_key(self, section: dict[str, RecipeNode], event: Any, depth: int) -> None:
        """Add a key and its value to a section."""
        name = self._node(event, None, depth)
        value = self._node(next(self.events), name.span, depth)
        if not isinstance(name.content, Scalar):
            help = "write a word before the colon"
            self._refuse(name.span, "a key that is not a word", help)
            return
        word = name.content.text
        first = section.setdefault(word, value)
        if first is not value:
            self.mistakes.append(errors.key_twice(name.span, first.key or name.span, word))

    def _check(self, event: Any, depth: int) -> None:
        """Note features of YAML that recipes may not have. Raises SpecError for deep nesting."""
        start, end = event.start_mark.index, event.end_mark.index
        span = Span(self.source, start, max(start + 1, end))
        if isinstance(event, yaml.AliasEvent):
            self._refuse(span, "an alias", "write the value out")
            return
        if event.anchor is not None:
            self._refuse(span, "an anchor", "leave out the `&` with its name")
        if event.tag is not None:
            help = "leave out the `!` with its name: the key determines the type of its value"
            self._refuse(span, "a tag", help)
        if depth > _MAX_DEPTH:
            self._refuse(span, f"a value inside of {_MAX_DEPTH} others", "no key needs that")
            raise SpecError(self.refused)

    def _refuse(self, span: Span, what: str, help: str) -> None:
        self.refused.append(errors.beyond_recipes(span, what, help))

    def _span(self, start: Any, end: Any) -> Span:
        """Return the place of a node, without the blanks and line ends behind it."""
        first, last = start.start_mark.index, end.end_mark.index
        return Span(self.source, first, first + len(self.source.text[first:last].rstrip()))


def _first_key(span: Span) -> Span:
    line, _, _ = span.text.partition("\n")
    word, _, _ = line.partition(":")
    return Span(span.source, span.start, span.start + len(word))


def _without_tabs(text: str) -> str:
    """Return JSON with blanks in place of the tabs between its words; other text as it is.

    YAML allows JSON except for these; a JSON text has no tabs inside of its strings.
    """
    if "\t" not in text or not text.lstrip().startswith("{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text.replace("\t", " ")
