"""Recipes as files: from YAML and settings to a Recipe, or to located diagnostics."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from resspec import files, shipped
from resspec.diagnostics import SpecError, UsageError
from resspec.source import Source, Span
from resspec.suggest import any_of, listed, nearest
from resspec.training import errors
from resspec.training.recipe import Recipe
from resspec.training.recipes.advice import Advice
from resspec.training.recipes.fields import DURATION, SHORTHAND, Keys, every_key
from resspec.training.recipes.fields import at as key_at
from resspec.training.recipes.foreign import is_foreign
from resspec.training.recipes.mistakes import recipe_of
from resspec.training.recipes.scalars import read as read_scalar
from resspec.training.recipes.text import RecipeText
from resspec.training.recipes.tree import MAX_BYTES, Scalar, compose

__all__ = [
    "ParsedRecipe",
    "brief",
    "dump",
    "is_foreign",
    "keys",
    "load",
    "matching",
    "names",
    "parse",
    "parsed",
    "read",
]

SUFFIXES = (".yaml", ".yml", ".json")  # JSON is YAML


class ParsedRecipe(NamedTuple):
    """A recipe with the text it was read from, for messages that point at its keys."""

    recipe: Recipe
    text: RecipeText

    def span(self, key: str) -> Span:
        """Return the place of a key.

        Args:
            key: Its dotted path, such as `data.test.crop`.

        Returns:
            The key with its value, or the value alone for a setting; if it is not written, the key
            of the nearest section that is; else the start of the file.
        """
        return self.text.place(tuple(key.split(".")))

    def value(self, *path: str | int) -> Span:
        """Return the place of a value, such as that of `("freeze", "sections", 0)`."""
        return self.text.mark(path)

    def name(self, *path: str) -> Span:
        """Return the place of a key without its value, such as `("lr_scale", "stem")`."""
        return self.text.key(path)


def load(given: str, settings: Sequence[tuple[str, str]] = ()) -> Recipe:
    """Return the recipe that `read` finds. Raises SpecError, UsageError."""
    return read(given, settings).recipe


def read(given: str, settings: Sequence[tuple[str, str]] = ()) -> ParsedRecipe:
    """Read a recipe, and keep its text for messages.

    Args:
        given: The name of a recipe that comes with resspec, or a file that ends in `.yaml`.
        settings: Values that replace keys, such as `("optimizer.lr", "0.2")`, or `("lr", "0.2")` if
            only one key ends so.

    Raises:
        SpecError: The recipe or a setting has mistakes.
        UsageError: There is no such recipe, or it cannot be read.
    """
    return parsed(_read(given), settings)


def parse(source: Source, settings: Sequence[tuple[str, str]] = ()) -> Recipe:
    """Return the recipe that a text holds. Raises SpecError, UsageError."""
    return parsed(source, settings).recipe


def parsed(source: Source, settings: Sequence[tuple[str, str]] = ()) -> ParsedRecipe:
    """Parse a recipe, and keep its text for messages. Raises SpecError, UsageError."""
    text = RecipeText(source)
    for path, given in _in_order(_named(settings, text)):
        if path[-1] == "name":  # another optimizer has other keys
            text.forget(path[:-1])
        if path[0] in DURATION:
            for unit in DURATION:
                text.forget((unit,))
        text.put(path, given)
    return ParsedRecipe(recipe_of(text), text)


def dump(recipe: Recipe) -> str:
    """Return all of a recipe as the text of a file."""
    return yaml.dump(
        recipe.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True
    )


def brief(recipe: Recipe) -> str:
    """Return the keys of a recipe that were given as text, a line for each."""
    given = recipe.model_dump(mode="json", exclude_unset=True)
    return "".join(f"{key}: {_flow(value)}\n" for key, value in given.items())


def _flow(value: object) -> str:
    """Return a value on one line, as `{name: cosine}`."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=True, width=1_000)
    return text.removesuffix("...\n").strip()


def names() -> list[str]:
    """Return the names of the recipes that come with resspec."""
    return sorted(path.stem for path in shipped.path("specs", "recipes").glob("*.yaml"))


def matching(name: str) -> list[Keys]:
    """Return the one key that a name means, in full or by its end; empty if there is none.

    Raises:
        UsageError: There are several.
    """
    parts = tuple(name.split("."))
    found = [path for path in sorted(every_key()) if path[-len(parts) :] == parts]
    if parts in found:
        return [parts]
    if not found and _is_in_mapping(parts):
        return [parts]
    if len(found) > 1:
        candidates = any_of([".".join(path) for path in found])
        raise UsageError(f"`{name}` may be {candidates}: write one of these in full")
    return found


def _is_in_mapping(path: Keys) -> bool:
    """Return whether a path is that of an entry of a mapping, such as `lr_scale.stem`."""
    key = key_at(path[:-1]) if path[-1] else None
    return key is not None and key.is_mapping and not key.is_item


def keys() -> list[str]:
    """Return every key of a recipe, in full and by its last name."""
    return sorted({word for path in every_key() for word in (".".join(path), path[-1])})


# --- settings ---

_Settings = list[tuple[Keys, Source]]


def _named(settings: Sequence[tuple[str, str]], text: RecipeText) -> _Settings:
    """Return the settings by the paths of their keys. Raises UsageError, SpecError."""
    unknown = [(name, value) for name, value in settings if not matching(name)]
    if unknown:
        raise _unknown(unknown, text)
    named = [(matching(name)[0], Source(f"value of {name}", value)) for name, value in settings]
    _check_once(named)
    return named


def _in_order(named: _Settings) -> _Settings:
    """Return what is the whole of a section, or names its kind, before what is in it."""
    return sorted(named, key=lambda each: (len(each[0]), each[0][-1] != "name"))


def _check_once(named: _Settings) -> None:
    """Raises UsageError where a key is given two values."""
    seen: dict[Keys, str] = {}
    lengths = [f"`{path[0]}={given.text.strip()}`" for path, given in named if path[0] in DURATION]
    if len({path[0] for path, _ in named if path[0] in DURATION}) > 1:
        told = f"{' and '.join(lengths)} both say how long to train"
        raise UsageError(f"{told}: keep one of them", "E0542")
    for path, given in named:
        value = given.text.strip()
        word = SHORTHAND.get(path)
        key = path if word is None or value.startswith("{") else (*path, word)
        if seen.setdefault(key, value) != value:
            shown = ".".join(path)
            twice = f"`{shown}` is set twice, to `{seen[key][:40]}` and to `{value[:40]}`"
            raise UsageError(f"{twice}: keep one of them", "E0542")


def _unknown(unknown: Sequence[tuple[str, str]], text: RecipeText) -> UsageError:
    """Return the error for settings of keys that there are not."""
    nodes = [compose(Source(f"value of {name}", value), []) for name, value in unknown]
    paths = [tuple(name.split(".")) for name, _ in unknown]
    advice = Advice(text, zip(paths, nodes, strict=True))
    if advice.foreign:
        told = [
            f"`{'.'.join(path)}`: {advice.foreign[path].why}; {help}"
            for path, help in advice.helps().items()
        ]
        if len(told) == 1:
            (each,) = advice.foreign.values()
            return UsageError(f"a recipe has no key {told[0]}", "E0540", each.remedy)
        return UsageError("\n  ".join(["a recipe does not have these keys", *told]), "E0540")
    name = unknown[0][0]
    near = nearest(name, keys())
    help = f"did you mean `{near}`?" if near else f"it has {listed([*Recipe.model_fields])}"
    return UsageError(f"a recipe has no key `{name}`; {help}", "E0505")


# --- files ---


class _Dumper(yaml.SafeDumper):
    """Writes text in quotes where it would be read as something else without."""


def _text_node(dumper: _Dumper, text: str) -> yaml.Node:
    style = None if read_scalar(Scalar(text, quoted=False)) == text else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text_node)


def _read(given: str) -> Source:
    """Return the text of a recipe, by its name or its file. Raises UsageError, SpecError."""
    path = Path(given)
    if path.suffix.lower() in SUFFIXES:
        return _source(path)
    if given in names():
        return _source(shipped.path("specs", "recipes", f"{given}.yaml"))
    exists = os.path.exists(given)  # noqa: PTH110 - false for a name that is too long
    if path.suffix or len(path.parts) > 1 or exists:
        told = f"`{given}` is not a recipe: give a file whose name ends in {any_of(SUFFIXES)}"
        raise UsageError(f"{told}, or one of {listed(names())}", "E0509")
    near = nearest(given, names())
    help = (
        f"did you mean `{near}`?"
        if near
        else f"there are {listed(names())}; a file must end in {any_of(SUFFIXES)}"
    )
    raise UsageError(f"no recipe is called `{given}`; {help}", "E0509")


def _source(path: Path) -> Source:
    try:
        data = files.read(path, MAX_BYTES + 1)
    except UsageError as error:
        raise UsageError(str(error), "E0510") from None
    if len(data) > MAX_BYTES:
        start = Span(Source(str(path), ""), 0, 0)
        raise SpecError(
            [
                errors.beyond_recipes(
                    start, f"a text of more than {MAX_BYTES:,} bytes", "a recipe is one page"
                )
            ]
        )
    return Source(str(path), _decoded(path, data).replace("\r\n", "\n").replace("\r", "\n"))


def _decoded(path: Path, data: bytes) -> str:
    """Raises UsageError."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UsageError(f"cannot read {path}: it is UTF-16 text; save it as UTF-8", "E0510")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        told = f"it is not UTF-8 text (byte 0x{data[error.start]:02X} in line {line})"
        raise UsageError(f"cannot read {path}: {told}; save it as UTF-8", "E0510") from None
