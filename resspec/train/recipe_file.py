"""Recipes as files: YAML in, a Recipe or diagnostics at their places out; values given beside the file go over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from resspec import files, shipped
from resspec.diagnostics import Diagnostic, SpecError, UsageError
from resspec.source import Source, Span
from resspec.suggest import nearest
from resspec.train import errors
from resspec.train.recipe import Recipe
from resspec.train.recipe_yaml import MAX_BYTES, Keys, Text

_NEEDS = {"float": "a number", "int": "a whole number", "bool": "true or false", "string": "a text", "tuple": "a list",
          "finite": "a finite number"}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


class Written(NamedTuple):
    """A recipe with the text it was read from, for messages that point at its keys."""

    recipe: Recipe
    text: Text

    def span(self, key: str) -> Span:
        """Return the place of a key.

        Args:
            key: Its dotted path, such as `data.test.crop`.

        Returns:
            The key with its value where it is written (from `--set`, its value); else the key of the nearest section
            that is written; else the start of the file.
        """
        return self.text.place(tuple(key.split(".")))


def load(given: str, settings: Sequence[tuple[str, str]] = ()) -> Recipe:
    """Return the recipe that `read` finds. Raises SpecError, UsageError."""
    return read(given, settings).recipe


def read(given: str, settings: Sequence[tuple[str, str]] = ()) -> Written:
    """Read a recipe, and keep its text for messages.

    Args:
        given: The name of a recipe that comes with resspec, or a file that ends in `.yaml`.
        settings: What replaces keys of it, such as `("optimizer.rate", "0.2")`, or `("rate", "0.2")` where only one key
            ends so.

    Raises:
        SpecError: The recipe or a setting has mistakes.
        UsageError: There is no such recipe, or it cannot be read.
    """
    return parsed(_read(given), settings)


def parse(source: Source, settings: Sequence[tuple[str, str]] = ()) -> Recipe:
    """Return the recipe that a text holds. Raises SpecError, UsageError."""
    return parsed(source, settings).recipe


def parsed(source: Source, settings: Sequence[tuple[str, str]] = ()) -> Written:
    """Parse a recipe, and keep its text for messages. Raises SpecError, UsageError."""
    text = Text(source)
    named = [(_path_of(name), Source(f"--set {name}", value)) for name, value in settings]
    # What is the whole of a part, or names its kind, goes before what is in it, in whichever order they are given.
    for path, given in sorted(named, key=lambda each: (len(each[0]), each[0][-1] != "name")):
        if path[-1] == "name":  # another optimizer has other fields
            text.forget(path[:-1])
        text.put(path, given)
    try:
        recipe = Recipe.model_validate(text.value())
    except ValidationError as error:
        raise SpecError(_told(error, text)) from None
    _check_warmup(recipe, text)
    return Written(recipe, text)


def _path_of(name: str) -> Keys:
    """Raises UsageError where there is no such key."""
    if found := matching(name):
        return found[0]
    near = nearest(name, keys())
    raise UsageError(f"a recipe has no key `{name}`; " + (f"did you mean `{near}`?" if near else
                     f"it has {', '.join(Recipe.model_fields)}"), "E0505")


def _check_warmup(recipe: Recipe, text: Text) -> None:
    """A file whose warm-up outlasts the training is wrong; a short try of one, `--epochs 1`, is not. Raises SpecError."""
    warmup, duration = text.entries.get(("warmup", "length")), text.entries[("duration",)]
    if warmup is None or recipe.warmup is None or warmup.span.source is not duration.span.source:
        return
    length = recipe.warmup.length
    if length.unit == recipe.duration.unit and length.number > recipe.duration.number:
        why = f"a warm-up of {length} is longer than the training, {recipe.duration}"
        raise SpecError([errors.wrong_value(warmup.span, why, "a shorter `length`, or a longer `duration`")])


def dump(recipe: Recipe) -> str:
    """All of a recipe as a file of its own."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def names() -> list[str]:
    """The recipes that come with resspec."""
    return sorted(path.stem for path in shipped.path("specs", "recipes").glob("*.yaml"))


def matching(name: str) -> list[Keys]:
    """The one key that a name means, whole or the end of it; none where there is no such key. Raises UsageError where there
    are several."""
    parts = tuple(name.split("."))
    found = [path for path in sorted(set(_every_key())) if path[-len(parts) :] == parts]
    if parts in found:
        return [parts]
    if len(found) > 1:
        raise UsageError(f"`{name}` may be {', '.join('.'.join(path) for path in found)}: say which")
    return found


def keys() -> list[str]:
    """Every key of a recipe, in full and by its last name."""
    return sorted({word for path in _every_key() for word in (".".join(path), path[-1])})


def _read(given: str) -> Source:
    path = Path(given)
    if path.suffix not in (".yaml", ".yml"):
        if given not in names():
            near = nearest(given, names())
            raise UsageError(f"no recipe is called `{given}`; " + (f"did you mean `{near}`?" if near else
                             f"there is {', '.join(names())}, or give a file that ends in .yaml"), "E0509")
        path = shipped.path("specs", "recipes", f"{given}.yaml")
    try:
        data = files.read(path, MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except UsageError as error:
        raise UsageError(str(error), "E0510") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {path}: {error}", "E0510") from None
    if len(data) > MAX_BYTES:
        start = Span(Source(str(path), ""), 0, 0)
        raise SpecError([errors.beyond_recipes(start, f"a text of more than {MAX_BYTES:,} bytes", "a recipe is one page")])
    return Source(str(path), text.replace("\r\n", "\n"))


@cache
def _every_key() -> tuple[Keys, ...]:
    return tuple(_keys(Recipe, ()))


@cache
def _words() -> frozenset[str]:
    return frozenset(path[-1] for path in _every_key())


def _keys(model: type[BaseModel], at: Keys) -> Iterator[Keys]:
    for name, field in model.model_fields.items():
        yield (*at, name)
        for inner in _models(field.annotation):
            yield from _keys(inner, (*at, name))


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    elif get_origin(kind) in (Annotated, Union, UnionType):
        for part in get_args(kind):
            yield from _models(part)


# --- what pydantic says, at its places ---


def _told(error: ValidationError, text: Text) -> Iterable[Diagnostic]:
    found: dict[Span, Diagnostic] = {}
    for detail in error.errors():
        diagnostic = _diagnostic(detail["type"], detail["loc"], _message(detail), text)
        found.setdefault(diagnostic.labels[0].span, diagnostic)
    return sorted(found.values(), key=lambda diagnostic: diagnostic.labels[0].span.start)


def _message(detail: ErrorDetails) -> str:
    """In an author's words: what is wrong, and behind a semicolon what would help."""
    kind, limits, given = detail["type"], detail.get("ctx", {}), detail["input"]
    needs = _NEEDS.get(kind.partition("_")[0]) if kind.endswith(("_type", "_parsing", "_from_float", "_number")) else None
    needs = needs or next((f"{words} {limits[name]:,}" for name, words in _BOUNDS.items() if name in limits), None)
    if kind == "literal_error":
        needs = limits["expected"].replace("'", "`")
    key = next((part for part in reversed(detail["loc"]) if isinstance(part, str) and part in _words()), None)
    return f"`{key}` cannot be `{given}`; {needs}" if needs and key and not isinstance(given, dict) else detail["msg"]


def _diagnostic(kind: str, loc: tuple[int | str, ...], message: str, text: Text) -> Diagnostic:
    path = _path(loc, text)
    if kind == "extra_forbidden":
        known = list(dict.fromkeys(known[-1] for known in _every_key() if known[:-1] == path[:-1]))
        return errors.unknown_key(text.nearest(path).key, path[-1], ".".join(path[:-1]), nearest(path[-1], known), known)
    if kind == "missing":
        word = str(loc[-1])
        return errors.missing_key(text.nearest(path).key, word)
    if kind == "union_tag_invalid":
        known = re.findall(r"'(\w+)'", message)[2:]
        word = str(text.nearest((*path, "name")).value)
        return errors.unknown_kind(text.nearest((*path, "name")).span, path[-1], word, known, nearest(word, known))
    if kind == "union_tag_not_found":
        return errors.missing_key(text.nearest(path).key, "name")
    entry = text.nearest(path)
    if not path and kind == "model_type":
        return errors.wrong_value(entry.span, "this has no keys", "keys with values, such as `batch: 256`")
    if kind in ("model_type", "model_attributes_type"):
        return errors.wrong_value(entry.span, f"`{path[-1]}` cannot be `{entry.value}`", "keys with values")
    told, _, last = message.removeprefix("Value error, ").removeprefix("Assertion failed, ").rpartition("; ")
    message, help = (told, last) if told else (last, None)
    if entry.is_mapping and kind == "value_error":  # of several keys: the first that is named is marked
        words = [path + tuple(word.split(".")) for word in re.findall(r"`([\w.]+)", message)]
        words += [(*path, word) for word in re.findall(r"\w+", message)]
        entry = next((text.entries[word] for word in words if word in text.entries), entry)
        return errors.wrong_value(entry.key, message, help)
    return errors.wrong_value(entry.key if entry.is_mapping else entry.span, message[:1].lower() + message[1:], help)


def _path(loc: tuple[int | str, ...], text: Text) -> Keys:
    """The keys of pydantic's location, which also names the kinds that it tried."""
    path: Keys = ()
    for i, part in enumerate(loc):
        if isinstance(part, str) and ((*path, part) in text.entries or (i == len(loc) - 1 and part.isidentifier()
                                                                        and text.nearest(path).is_mapping)):
            path = (*path, part)
    return path
