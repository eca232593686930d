"""Parts of a recipe that a message proposes, as YAML in one line."""

from __future__ import annotations

from resspec.training.recipes.fields import SHORTHAND, Keys
from resspec.training.recipes.scalars import quoted
from resspec.training.recipes.tree import RecipeNode, Scalar

Sketch = dict[str, "Sketch | str"]  # sections with their keys, and values as YAML


def sketch(entry: RecipeNode) -> Sketch | str:
    """Return what is written as a part of its own."""
    match entry.content:
        case dict() as section:
            return {name: sketch(inner) for name, inner in section.items()}
        case list() as items:
            return f"[{', '.join(_text(sketch(item)) for item in items)}]"
        case Scalar(text=text, quoted=is_quoted):
            return quoted(text) if is_quoted else text
    raise AssertionError(entry)


def put(section: Sketch, key: Keys, value: str) -> None:
    """Give a key of a section a value, in sections that are made where there are none."""
    *around, last = key
    for name in around:
        inner = section.get(name)
        if not isinstance(inner, dict):
            inner = section[name] = {}
        section = inner
    section[last] = value


def shown(path: Keys, part: Sketch | str) -> str:
    """Return a part as `key: value`, a section by its one value where that says it all."""
    return f"{path[-1]}: {_value(path, part)}"


def _value(path: Keys, part: Sketch | str) -> str:
    if isinstance(part, str):
        return part
    if len(part) == 1 and SHORTHAND.get(path) in part:
        return _text(part[SHORTHAND[path]])
    inside = ", ".join(shown((*path, name), inner) for name, inner in part.items())
    return f"{{{inside}}}"


def _text(part: Sketch | str) -> str:
    return part if isinstance(part, str) else _value((), part)
