"""The YAML that recipes are written in: keys, values and lists, each with its place. Aliases, tags and deep nesting are refused
before anything is made of them, so what a text costs is bounded by its length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from resspec.diagnostics import Diagnostic, SpecError
from resspec.source import Source, Span
from resspec.train import errors

MAX_BYTES = 1 << 15  # of a recipe; those that come with resspec have about a thousand
_MAX_DEPTH = 8
_MAX_NUMBER = 40  # characters

Keys = tuple[str, ...]  # the way to a value: `("optimizer", "rate")`


class Entry(NamedTuple):
    """What stands at a path: where its key is, where its value is; the value, None for a mapping."""

    key: Span
    span: Span
    is_mapping: bool
    value: Any


class Text:
    """`entries`: by their paths, each after the one that it is in."""

    def __init__(self, source: Source) -> None:
        self.entries: dict[Keys, Entry] = dict(_entries((), source, _composed(source), None))

    def put(self, path: Keys, source: Source) -> None:
        """A value from another text in place of what stands at a path, and of what has no parts above it. Raises SpecError."""
        self.forget(path)
        for above in (path[:i] for i in range(1, len(path))):
            if above in self.entries and not self.entries[above].is_mapping:
                del self.entries[above]
        self.entries |= _entries(path, source, _composed(source), None)

    def forget(self, path: Keys) -> None:
        self.entries = {known: entry for known, entry in self.entries.items() if known[: len(path)] != path}

    def value(self) -> Any:
        """All of it, as plain values."""
        top = self.entries[()]
        if not top.is_mapping:
            return top.value
        values: dict[str, Any] = {}
        for path, entry in self.entries.items():
            inside = values
            for word in path[:-1]:
                inside = inside.setdefault(word, {})
            if path:
                inside[path[-1]] = {} if entry.is_mapping else entry.value
        return values

    def nearest(self, path: Keys) -> Entry:
        """What stands at a path, or around it."""
        while path and path not in self.entries:
            path = path[:-1]
        return self.entries[path]

    def place(self, path: Keys) -> Span:
        """Return where a path is written: its key and value, or the key of the nearest section, or the start of the text."""
        while path and path not in self.entries:
            path = path[:-1]
        entry = self.entries[path]
        if not path:
            return Span(entry.key.source, 0, 0)
        return entry.key if entry.is_mapping else entry.key.to(entry.span)


def _entries(path: Keys, source: Source, node: yaml.Node, key: Span | None) -> Iterator[tuple[Keys, Entry]]:
    span = _span(source, node)
    span = Span(source, span.start, span.start + len(span.text.rstrip()))
    if not isinstance(node, yaml.MappingNode):
        yield path, Entry(key or span, span, False, _plain(source, node))
        return
    first = Span(source, span.start, span.start + len(span.text.partition("\n")[0].partition(":")[0]))
    yield path, Entry(key or first, span, True, None)
    seen: dict[str, Span] = {}
    for name, value in node.value:
        place = _span(source, name)
        if not isinstance(name, yaml.ScalarNode):
            raise SpecError([errors.beyond_recipes(place, "a key that is no word", "a word before the colon")])
        if name.value in seen:
            raise SpecError([errors.key_twice(place, seen[name.value], name.value)])
        seen[name.value] = place
        yield from _entries((*path, name.value), source, value, place)


def _span(source: Source, node: yaml.Node) -> Span:
    return Span(source, node.start_mark.index, node.end_mark.index)


# --- text to nodes ---


class _Loader(yaml.SafeLoader):
    """Composes nodes out of what recipes may hold, and knows where it stands when there is more."""

    depth = 0

    def __init__(self, source: Source) -> None:
        super().__init__(source.text)
        self.source = source

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        span = Span(self.source, event.start_mark.index, max(event.start_mark.index + 1, event.end_mark.index))
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise SpecError([errors.beyond_recipes(span, "an anchor or an alias", "write the value out")])
        if event.tag is not None:
            raise SpecError([errors.beyond_recipes(span, "a tag", "leave it out: what a key needs tells the type")])
        if self.depth > _MAX_DEPTH:
            raise SpecError([errors.beyond_recipes(span, f"a value inside of {_MAX_DEPTH} others", "no key needs that")])
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _composed(source: Source) -> yaml.Node:
    """Raises SpecError."""
    try:
        loader = _Loader(source)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise SpecError([_no_yaml(source, error)]) from None
    except yaml.reader.ReaderError as error:
        span = Span(source, error.position, error.position + 1)
        raise SpecError([errors.no_yaml(span, f"the character U+{ord(span.text):04X}", "remove it")]) from None
    if node is None:
        raise SpecError([errors.no_yaml(Span(source, 0, 0), "there is nothing in it", "`duration: 90 epochs`, `batch: 256`")])
    return node


def _no_yaml(source: Source, error: yaml.MarkedYAMLError) -> Diagnostic:
    """At what YAML stumbled over; a key without its colon, at the key."""
    if (key := error.context_mark) and error.context == "while scanning a simple key":
        span = Span(source, key.index, key.index + len(source.text[key.index :].partition("\n")[0].rstrip()))
        return errors.no_yaml(span, "a key without a colon", "`key: value`")
    mark = error.problem_mark or error.context_mark
    at = mark.index if mark else 0
    span = Span(source, at, min(at + 1, len(source.text)))
    if span.text == "\t":
        return errors.no_yaml(span, "a tab before a key", "indent with blanks")
    return errors.no_yaml(span, str(error.problem))


# --- nodes to values ---


def _plain(source: Source, node: yaml.Node) -> Any:
    """The value, in which YAML's types are those of its safe schema. Raises SpecError at a number or date that is none."""
    match node:
        case yaml.SequenceNode():
            return [_plain(source, each) for each in node.value]
        case yaml.MappingNode():
            return {path[0]: entry.value for path, entry in _entries((), source, node, None) if len(path) == 1}
    if len(node.value) > _MAX_NUMBER and node.tag.rpartition(":")[2] in ("int", "float", "timestamp"):
        told = f"a number of {len(node.value):,} characters"
        raise SpecError([errors.wrong_value(_span(source, node), told, f"{_MAX_NUMBER} at most")])
    loader = yaml.SafeLoader("")
    try:
        value = loader.construct_object(node)
        if isinstance(value, str):
            value.encode()  # an escape may be half of a character
        return value
    except (ValueError, ArithmeticError, yaml.YAMLError):
        told = f"`{node.value}` is no value"
        raise SpecError([errors.wrong_value(_span(source, node), told, "in quotes it is a text")]) from None
    finally:
        loader.dispose()
