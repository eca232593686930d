"""The keys of a recipe and the values of each, read off the classes of `recipe.py`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from resspec.suggest import any_of
from resspec.training.recipe import Recipe

Keys = tuple[str, ...]  # the path of a key: `("optimizer", "lr")`
Path = tuple[str | int, ...]  # the path of a value, which may be an item of a list

# The key that a plain value stands for: `ema: 0.999` is `ema: {decay: 0.999}`.
SHORTHAND: dict[Keys, str] = {
    ("optimizer",): "name",
    ("schedule",): "name",
    ("warmup",): "length",
    ("ema",): "decay",
    ("data", "random_resized_crop"): "size",
    ("freeze",): "sections",
}
LISTS: frozenset[Keys] = frozenset({("freeze",)})  # those whose plain value is a list

DURATION = ("epochs", "iterations")  # of which a recipe has one

# A value for each required key and each section, for messages that propose one.
EXAMPLES = {
    "epochs": "90",
    "iterations": "64000",
    "batch_size": "256",
    "length": "5 epochs",
    "step_size": "30 epochs",
    "t_0": "10 epochs",
    "milestones": "[30 epochs, 60 epochs]",
    "optimizer": "{name: sgd, lr: 0.1}",
    "schedule": "cosine",
    "warmup": "5 epochs",
    "ema": "0.9999",
    "freeze": "[stem, layer1]",
    "sections": "[stem]",
    "lr_scale": "{stem: 0.1, layer1: 0.1}",
    "data": "{hflip: 0.5}",
    "random_resized_crop": "224",
    "randaugment": "{magnitude: 7}",
    "test": "{resize: 256, crop: 224}",
}

_PLAIN = {bool: "`true` or `false`", str: "text", int: "a whole number", float: "a number"}


def keys_of(path: Path) -> Keys:
    """Return a path without its positions in lists."""
    return tuple(word for word in path if isinstance(word, str))


@cache
def every_key() -> tuple[Keys, ...]:
    """Return all keys and sections, in the order of the classes."""
    return tuple(dict.fromkeys(_keys(Recipe, ())))


def _keys(model: type[BaseModel], at: Keys) -> Iterator[Keys]:
    for name, field in model.model_fields.items():
        yield (*at, name)
        for inner in _models(field.annotation):
            yield from _keys(inner, (*at, name))


class Key(NamedTuple):
    """A key of a recipe, or an item of the list or mapping that is its value.

    Attributes:
        model: The class that has the key.
        name: The name of the key.
        is_item: Whether this is an item.
    """

    model: type[BaseModel]
    name: str
    is_item: bool = False

    @property
    def field(self) -> FieldInfo:
        return self.model.model_fields[self.name]

    @property
    def kind(self) -> Any:
        """The annotation of its values."""
        around = self._around
        if not self.is_item or around is None:
            return self.field.annotation
        return get_args(around)[1 if self.is_mapping else 0]

    @property
    def _around(self) -> Any:
        """The list or mapping that its values are, if any."""
        parts = _parts(self.field.annotation)
        return next((part for part in parts if get_origin(part) in (tuple, dict)), None)

    @property
    def is_mapping(self) -> bool:
        """True if its keys may be any words, such as the names of sections."""
        return get_origin(self._around) is dict

    @property
    def is_required(self) -> bool:
        return (self.field.is_required() or self.name in DURATION) and not self.is_item

    @property
    def is_section(self) -> bool:
        return bool(_models(self.kind))

    @property
    def may_be_null(self) -> bool:
        return NoneType in get_args(self.kind) and self.name not in DURATION

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it may be."""
        literals = [part for part in _parts(self.kind) if get_origin(part) is Literal]
        return tuple(word for literal in literals for word in get_args(literal))

    def fits(self, value: Any) -> bool:
        """Return whether it may have a value."""
        if value is None and self.name in DURATION:
            return False
        item = {"any": value} if self.is_mapping else (value, value)
        values = {self.name: item if self.is_item else value}
        try:
            self.model.model_validate(values, strict=True)
        except ValidationError as error:
            details = error.errors(include_url=False)
            return all(detail["loc"][:1] != (self.name,) for detail in details)
        return True

    def __str__(self) -> str:
        """Return what it must be, as the end of a sentence."""
        words = (not self.is_item and self.field.description) or _described(self.kind)
        return f"{words}, or `null`" if self.may_be_null else words


def models(path: Keys, kind: str = "") -> list[type[BaseModel]]:
    """Return the classes of a section: one, or its kinds; only that named `kind` if any."""
    found: list[type[BaseModel]] = [Recipe]
    for word in path:
        fields = [model.model_fields[word] for model in found if word in model.model_fields]
        found = _models(fields[0].annotation) if fields else []
        found = [model for model in found if _name(model) == kind] or found
    return found


def section(path: Keys, kind: str = "") -> dict[str, Key]:
    """Return the keys of a section, of one kind or of all; empty if there is no such section."""
    found = reversed(models(path, kind))
    return {name: Key(model, name) for model in found for name in model.model_fields}


def at(path: Path, kind: str = "") -> Key | None:
    """Return the key at a path; None if there is none."""
    keys = keys_of(path)
    if not keys:
        return None
    if key := section(keys[:-1], kind).get(keys[-1]):
        return key._replace(is_item=isinstance(path[-1], int))
    mapping = section(keys[:-2], kind).get(keys[-2]) if len(keys) > 1 else None
    return mapping._replace(is_item=True) if mapping and mapping.is_mapping else None


def kinds(path: Keys) -> dict[str, type[BaseModel]]:
    """Return the optimizers or the schedules by their names; empty for other sections."""
    found = {_name(model): model for model in models(path)} if path else {}
    return found if len(found) > 1 else {}


def default_kind(path: Keys) -> str:
    """Return the kind of a section that is not written; empty for sections without kinds."""
    return str(Recipe.model_fields[path[-1]].default.name) if kinds(path) else ""


def _described(kind: Any) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "a section with keys of its own"
    if get_origin(kind) is Literal:
        return any_of(get_args(kind))
    if get_origin(kind) is Annotated:
        inner, *fields = get_args(kind)
        described = [each.description for each in fields if isinstance(each, FieldInfo)]
        return next(filter(None, described), None) or _described(inner)
    parts = [_described(part) for part in get_args(kind) if part is not NoneType]
    return " or ".join(dict.fromkeys(parts))


def _parts(kind: Any) -> Iterator[Any]:
    """Yield the alternatives of an annotation."""
    if get_origin(kind) in (Annotated, Union, UnionType):
        for part in get_args(kind):
            yield from _parts(part)
    else:
        yield kind


def _models(kind: Any) -> list[type[BaseModel]]:
    parts = list(_parts(kind))
    return [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]


def _name(model: type[BaseModel]) -> str:
    """Return the name of a kind; empty for a class that is not one of several."""
    field = model.model_fields.get("name")
    return str(get_args(field.annotation)[0]) if field else ""
