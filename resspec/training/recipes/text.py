"""A recipe as it is written: the value and the place of each key, with settings put over them."""

from __future__ import annotations

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.training.recipes import fields
from resspec.training.recipes.fields import LISTS, SHORTHAND, Key, Keys, Path, keys_of
from resspec.training.recipes.scalars import is_truth, read
from resspec.training.recipes.tree import RecipeNode, Scalar, compose


class RecipeText:
    """The text of a recipe and its tree.

    Attributes:
        root: The whole tree.
        mistakes: What is wrong with the text and leaves the rest of it readable.
    """

    def __init__(self, source: Source) -> None:
        """Raises SpecError."""
        self.source = source
        self.mistakes: list[Diagnostic] = []
        self.root = _expanded((), compose(source, self.mistakes))

    def find(self, path: Path) -> RecipeNode | None:
        """Return the node at a path."""
        node = self.root
        for word in path:
            match word, node.content:
                case str(), dict() as section if word in section:
                    node = section[word]
                case int(), list() as items if word < len(items):
                    node = items[word]
                case _:
                    return None
        return node

    def section(self, path: Keys) -> dict[str, RecipeNode]:
        """Return the keys that are written in a section."""
        node = self.find(path)
        return node.content if node and isinstance(node.content, dict) else {}

    def known(self, path: Path) -> Key | None:
        """Return the key that a recipe has at a path, in the kind of section that is written."""
        return fields.at(path, self.kind(keys_of(path)[:1]))

    def kind(self, path: Keys) -> str:
        """Return the name of a section, such as `adamw`; empty if it has none that can be read."""
        name = self.find((*path, "name"))
        value = read(name.content) if name and isinstance(name.content, Scalar) else None
        return value.lower() if isinstance(value, str) else ""

    def is_section(self, path: Keys) -> bool:
        """Return whether a section is written as one, with keys of its own."""
        node = self.find(path)
        if node is None or not isinstance(node.content, dict):
            return False
        return all(inner.key is not node.key for inner in node.content.values())

    # --- places ---

    def nearest(self, path: Path) -> RecipeNode:
        """Return the node at a path, or else the one around it."""
        for end in range(len(path), 0, -1):
            node = self.find(path[:end])
            if node and node.key:
                return node
        return self.root

    def mark(self, path: Path) -> Span:
        """Return what a message about a value marks: it, or the key of the nearest section."""
        node = self.nearest(path)
        return self.key(path) if isinstance(node.content, dict) else node.span

    def key(self, path: Path) -> Span:
        """Return the key of a path, or of the nearest section."""
        node = self.nearest(path)
        return node.key or node.span

    def place(self, path: Path) -> Span:
        """Return the key and value of a path; else the key of the nearest section, or the start."""
        node = self.nearest(path)
        if node is self.root or node.key is None:
            return Span(self.source, 0, 0)
        return node.key if isinstance(node.content, dict) else node.key.to(node.span)

    def order(self, span: Span) -> tuple[bool, int]:
        """Return the sort key of a place: those of the file first."""
        return span.source is not self.source, span.start

    # --- settings ---

    def put(self, path: Keys, source: Source) -> None:
        """Put a value from another text in place of the one at a path. Raises SpecError."""
        node = _expanded(path, compose(source, self.mistakes))
        section = self.root.content
        for word in path[:-1]:
            if not isinstance(section, dict):
                return
            inner = section.get(word)
            if inner is None or not isinstance(inner.content, dict):
                section[word] = RecipeNode(None, node.span, _defaults(word, node.span))
            section = section[word].content
        if isinstance(section, dict):
            section[path[-1]] = node

    def forget(self, path: Keys) -> None:
        """Remove the value at a path."""
        self.section(path[:-1]).pop(path[-1], None)


def _defaults(word: str, span: Span) -> dict[str, RecipeNode]:
    """Return the keys of a section that nobody wrote: the name of its default kind, if any."""
    kind = fields.default_kind((word,))
    return {"name": RecipeNode(None, span, Scalar(kind, quoted=False))} if kind else {}


def _expanded(path: Keys, node: RecipeNode) -> RecipeNode:
    """Return a node with its shorthands written out: `ema: 0.999` as `ema: {decay: 0.999}`."""
    match node.content:
        case dict() as section:
            inner = {name: _expanded((*path, name), value) for name, value in section.items()}
            return RecipeNode(node.key, node.span, inner)
        case Scalar() as scalar if path in SHORTHAND and _has_value(scalar):
            return RecipeNode(node.key, node.span, {SHORTHAND[path]: node})
        case list() if path in LISTS:
            return RecipeNode(node.key, node.span, {SHORTHAND[path]: node})
    return node


def _has_value(scalar: Scalar) -> bool:
    return read(scalar) is not None and not is_truth(scalar)
