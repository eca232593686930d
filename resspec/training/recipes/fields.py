"""Which keys a recipe has and what each may be, read off the classes of `recipe.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from resspec.suggest import any_of
from resspec.training.recipe import Recipe

Keys = tuple[str, ...]  # the way to a key: `("optimizer", "lr")`
Path = tuple[str | int, ...]  # the way to a value, which may be one of a list
Kind = Callable[
    [Keys], str
]  # the `name` that a section has in a recipe, such as `adamw`; empty where it has none

# The key that a section's value stands for where it is no section: `ema: 0.999` is `ema: {decay: 0.999}`.
SHORTHAND: dict[Keys, str] = {
    ("optimizer",): "name",
    ("schedule",): "name",
    ("warmup",): "length",
    ("ema",): "decay",
    ("data", "random_resized_crop"): "size",
}

DURATION = ("epochs", "iterations")  # of which a recipe has one

# What a key may be that is needed, or that is a section, for messages that propose it.
EXAMPLES = {
    "epochs": "90",
    "iterations": "64000",
    "batch_size": "256",
    "length": "5 epochs",
    "step_size": "30 epochs",
    "milestones": "[30 epochs, 60 epochs]",
    "optimizer": "{name: sgd, lr: 0.1}",
    "schedule": "cosine",
    "warmup": "5 epochs",
    "ema": "0.9999",
    "data": "{hflip: 0.5}",
    "random_resized_crop": "224",
    "randaugment": "{magnitude: 7}",
    "test": "{resize: 256, crop: 224}",
}


def keys_of(path: Path) -> Keys:
    """Return a path without the places in lists."""
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
    """A key of a recipe, or an item of the list that it has.

    Attributes:
        model: The class that has it.
        name: What it is called there.
        is_item: Whether this is one of its list.
    """

    model: type[BaseModel]
    name: str
    is_item: bool = False

    @property
    def field(self) -> FieldInfo:
        return self.model.model_fields[self.name]

    @property
    def kind(self) -> Any:
        """The annotation of what it may be."""
        items = _items(self.field.annotation) if self.is_item else ()
        return next(iter(items), self.field.annotation)

    @property
    def is_required(self) -> bool:
        return (self.field.is_required() or self.name in DURATION) and not self.is_item

    @property
    def is_section(self) -> bool:
        return bool(_models(self.kind))

    @property
    def may_be_null(self) -> bool:
        return type(None) in get_args(self.kind) and self.name not in DURATION

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it may be."""
        return tuple(_choices(self.kind))

    def fits(self, value: Any) -> bool:
        """Return whether it may have a value."""
        if value is None and self.name in DURATION:
            return False
        try:
            self.model.model_validate(
                {self.name: (value, value) if self.is_item else value}, strict=True
            )
        except ValidationError as error:
            return all(
                detail["loc"][:1] != (self.name,) for detail in error.errors(include_url=False)
            )
        return True

    def __str__(self) -> str:
        """Return what it must be, as the end of a sentence."""
        words = (
            _described(self.kind)
            if self.is_item
            else self.field.description or _described(self.kind)
        )
        return f"{words}, or `null`" if self.may_be_null else words


def section(path: Keys, kind: Kind) -> dict[str, Key] | None:
    """Return the keys of a section, those of its kind if it has one that exists, else those of all; None if there is none."""
    models: list[type[BaseModel]] = [Recipe]
    for depth, word in enumerate(path, 1):
        found = [
            model.model_fields[word].annotation for model in models if word in model.model_fields
        ]
        models = _models(found[0]) if found else []
        models = [model for model in models if _name(model) == kind(path[:depth])] or models
    if not models:
        return None
    return {name: Key(model, name) for model in reversed(models) for name in model.model_fields}


def at(path: Path, kind: Kind) -> Key | None:
    """Return what a value may be; None if there is no such key."""
    keys = keys_of(path)
    known = section(keys[:-1], kind) if keys else None
    key = known.get(keys[-1]) if known else None
    return key if key is None or isinstance(path[-1], str) else key._replace(is_item=True)


def kinds(path: Keys) -> dict[str, type[BaseModel]]:
    """Return the kinds of a section by their names: optimizers, schedules; none of other sections."""
    known = section(path[:-1], lambda _: "") if path else None
    key = known.get(path[-1]) if known else None
    models = _models(key.kind) if key else []
    return {_name(model): model for model in models} if len(models) > 1 else {}


def default_kind(path: Keys) -> str:
    """Return the name of the kind that a section has where it is not written; empty where it has no kinds."""
    return str(Recipe.model_fields[path[-1]].default.name) if kinds(path) else ""


def _described(kind: Any) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "a section with keys of its own"
    if get_origin(kind) is Literal:
        return any_of(get_args(kind))
    if get_origin(kind) is Annotated:
        inner, *remarks = get_args(kind)
        told = [
            remark.description
            for remark in remarks
            if isinstance(remark, FieldInfo) and remark.description
        ]
        return told[-1] if told else _described(inner)
    parts = [_described(part) for part in get_args(kind) if part is not type(None)]
    return " or ".join(dict.fromkeys(parts))


_PLAIN = {bool: "`true` or `false`", str: "text", int: "a whole number", float: "a number"}


def _choices(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield from get_args(kind)
    elif get_origin(kind) in (Annotated, Union, UnionType):
        for part in get_args(kind):
            yield from _choices(part)


def _models(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    if get_origin(kind) in (Annotated, Union, UnionType):
        return [model for part in get_args(kind) for model in _models(part)]
    return []


def _items(kind: Any) -> Iterator[Any]:
    """Yield what the items of the lists are that a key may be."""
    if get_origin(kind) is tuple:
        yield get_args(kind)[0]
    elif get_origin(kind) in (Annotated, Union, UnionType):
        for part in get_args(kind):
            yield from _items(part)


def _name(model: type[BaseModel]) -> str:
    """Return the name of a kind; empty where a class is not one of several."""
    field = model.model_fields.get("name")
    return str(get_args(field.annotation)[0]) if field else ""
