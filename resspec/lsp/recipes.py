"""Recipes in an editor: their mistakes, and what may be written in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from resspec.diagnostics import Diagnostic, SpecError
from resspec.lsp.documents import Document
from resspec.lsp.items import ENUM, FIELD, Item, item
from resspec.source import Source

_KEY = re.compile(r"^(?P<indent> *)(?P<dash>- +)?(?P<name>[A-Za-z_]\w*) *:", re.MULTILINE)
_OF_RECIPES = {"epochs", "iterations", "batch_size", "optimizer", "schedule", "warmup", "data"}
_ENOUGH = 2  # of these keys make a recipe of a YAML file

Keys = tuple[str, ...]


def is_recipe(document: Document) -> bool:
    """Return whether a document is a recipe, by its ending and its keys."""
    if document.path.suffix not in (".yaml", ".yml"):
        return False
    keys = {found["name"] for found in _KEY.finditer(document.text) if not found["indent"]}
    return len(keys & _OF_RECIPES) >= _ENOUGH


def mistakes(document: Document) -> list[Diagnostic]:
    """Return the mistakes in a recipe. Raises UsageError."""
    from resspec.training.recipe_file import parsed

    try:
        parsed(Source(document.path.as_posix(), _text(document)))
    except SpecError as error:
        return list(error.diagnostics)
    return []


def _text(document: Document) -> str:
    return document.text.removeprefix("\ufeff").replace("\r\n", "\n")


def completion(document: Document, position: Any) -> list[Item]:
    """Return the keys that may be written at a position, or the words of a value."""
    text, offset = _text(document), document.lines.place(position)
    start = text.rfind("\n", 0, offset) + 1
    line = text[start:offset]
    around = _around(text[:start], len(line) - len(line.lstrip()))
    if ":" in line:
        return list(_values((*around, line.partition(":")[0].strip())))
    return list(_keys(around))


def _around(before: str, indent: int) -> Keys:
    """Return the keys of the sections around a line that is indented so far."""
    path: list[str] = []
    for line in reversed(before.split("\n")):
        found = _KEY.match(line)
        if found and len(found["indent"]) < indent:
            path.insert(0, found["name"])
            indent = len(found["indent"])
    return tuple(path)


def _keys(around: Keys) -> Iterator[Item]:
    from resspec.training.recipes.fields import EXAMPLES, every_key

    for path in every_key():
        if path[:-1] == around:
            name = path[-1]
            example = f"`{name}: {EXAMPLES[name]}`" if name in EXAMPLES else ""
            yield item(name, FIELD, example, about(path), f"{name}: ")


def _values(path: Keys) -> Iterator[Item]:
    from resspec.training.recipes.fields import at, kinds

    words = [*kinds(path), *(kinds(path[:-1]) if path[-1] == "name" else ())]
    key = at(path)
    for word in dict.fromkeys([*words, *(key.choices if key else ())]):
        yield item(str(word), ENUM, "")


def about(path: Keys) -> str:
    """Return what the values of a key are, and its default; nothing for an unknown key."""
    from resspec.training.recipes.fields import at

    key = at(path)
    if key is None:
        return ""
    field = key.field
    if field.is_required() or key.is_section:
        return str(key)
    default = "null" if field.default is None else f"{field.default}"
    return f"{key}; default {default}"


def hover(document: Document, position: Any) -> dict[str, Any] | None:
    """Return the text about the key at a position."""
    text, offset = _text(document), document.lines.place(position)
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", start)
    found = _KEY.match(text[start : end if end >= 0 else len(text)])
    if found is None or not found.start("name") <= offset - start <= found.end("name"):
        return None
    path = (*_around(text[:start], len(found["indent"])), found["name"])
    says = about(path)
    if not says:
        return None
    value = f"```yaml\n{'.'.join(path)}\n```\n\n{says}"
    place = document.lines.range(start + found.start("name"), start + found.end("name"))
    return {"contents": {"kind": "markdown", "value": value}, "range": place}
