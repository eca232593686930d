"""The meaning of unknown recipe keys: of another trainer, or ours in another section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from resspec.suggest import any_of
from resspec.training.recipes import fields
from resspec.training.recipes.conversions import Converter, Settings
from resspec.training.recipes.fields import Keys
from resspec.training.recipes.foreign import ForeignKey, foreign_keys, squashed
from resspec.training.recipes.tree import RecipeNode

_WHY = {
    "first beta": "it is the first of `{}`",
    "second beta": "it is the second of `{}`",
    "length": "it is called `epochs` or `iterations`",
    "share of the lr": "it is called `{}`, and is a share of `lr`",
    "times the lr": "it is called `{}`, and is not a share but a learning rate",
    "share of the duration": "it is called `{}`, and is a length",
    "share of the crop": "it is called `{}`, and is in pixels",
    "batches together": "`{}` counts all images of a step, and `micro_batch_size` those at a time",
}


class Replacement(NamedTuple):
    """The replacement of a key that a recipe does not have.

    Attributes:
        why: What the key is here, as the end of a sentence.
        settings: What to write instead; empty where nothing is to be written.
        kind: The kind of the section that they go into, if they leave it open.
        help: What to do where nothing is to be written.
        key: Our own key, where it is one.
        remedy: The name of what a command may say of its options.
    """

    why: str
    settings: Settings
    kind: str = ""
    help: str = "leave it out"
    key: Keys = ()
    remedy: str | None = None


def replacement(path: Keys, converter: Converter) -> Replacement | None:
    """Return what to write instead of an unknown key; None if it is not known anywhere."""
    word = squashed(path[-1])
    table = foreign_keys()
    general = table.get(("", word))
    row = next(filter(None, (table.get((place, word)) for place in _places(path, converter))), None)
    if row is None and path in fields.every_key():
        return _of_another_kind(path, general.convert if general else "same", converter)
    row = row or general
    if row is None:
        return _misplaced(path, word, converter)
    if row.values:
        return _by_value(path, row.values, converter)
    if row.key:
        return _renamed(path, row, converter)
    return Replacement(row.why, {}, help=row.help or "leave it out", remedy=row.remedy)


def _places(path: Keys, converter: Converter) -> list[str]:
    """Return where a row of the table may hold: the section of a key, and its kind."""
    if len(path) > 1:
        places = [converter.kind(path[:-1]), ".".join(path[:-1])]
    else:
        places = [converter.kind(("optimizer",)), converter.kind(("schedule",))]
    return list(filter(None, places))


def _by_value(path: Keys, values: Mapping[str, str], converter: Converter) -> Replacement:
    options = list(dict.fromkeys(text.replace(".name: ", ": ") for text in values.values()))
    why = f"it is set by `{options[0].partition(':')[0]}`"
    chosen = values.get(converter.plain(path).lower(), values.get(""))
    if chosen is None:
        return Replacement(why, {}, help=f"write {any_of(options)}")
    key, _, value = chosen.partition(": ")
    return Replacement(why, {tuple(key.split(".")): value})


def _renamed(path: Keys, row: ForeignKey, converter: Converter) -> Replacement:
    key = tuple(row.key.split("."))
    section = converter.values[path].content
    if row.convert == "kind" and isinstance(section, dict):
        settings = _renamed_section(path, section, key[:-1], converter)
    else:
        settings = converter.settings(path, key, row.convert)
    name = key[-1] if key[:-1] == path[:-1] else row.key.removesuffix(".name")
    why = _WHY.get(row.convert, "it is called `{}`").format(name)
    names = list(fields.kinds(key[:-1])) if key[-1] == "name" else []
    help = f"`{row.key}` must be {any_of(names) if names else fields.at(key, row.kind)}"
    return Replacement(why, settings, row.kind, help, key)


def _renamed_section(
    path: Keys, section: dict[str, RecipeNode], ours: Keys, converter: Converter
) -> Settings:
    """Return what to write instead of a section of another name, such as `lr_scheduler: {…}`."""
    settings: Settings = {}
    for name, entry in section.items():
        inner, word = (*path, name), squashed(name)
        converter.values[inner] = entry
        row = foreign_keys().get(("", word))
        key, conversion = (*ours, name), "same"
        if word in ("name", "type"):
            key, conversion = (*ours, "name"), "kind"
        elif row and row.key.startswith(f"{'.'.join(ours)}."):
            key, conversion = tuple(row.key.split(".")), row.convert
        if key in fields.every_key():
            settings |= converter.settings(inner, key, conversion)
    return settings


def _of_another_kind(path: Keys, conversion: str, converter: Converter) -> Replacement:
    """Return one of our own keys that its section has only with another `name`."""
    section = path[:-1]
    models = fields.kinds(section).items()
    kinds = [name for name, model in models if path[-1] in model.model_fields]
    why = f"it belongs to {any_of([f'{section[-1]}: {kind}' for kind in kinds])}"
    return Replacement(why, converter.settings(path, path, conversion), kinds[0])


def _misplaced(path: Keys, word: str, converter: Converter) -> Replacement | None:
    """Return one of our own keys that is in another section."""
    named = (*path[:-1], *path[-1].split("."))
    others = [key for key in fields.every_key() if key != path]
    places = [key for key in others if squashed(key[-1]) == word or key == named]
    if not places:
        return None
    settings = {key: converter.settings(path, key, "kind") for key in places}
    key = min([key for key in places if settings[key]] or places, key=len)
    owner = ".".join(key[:-1])
    if key[:-1] == path[:-1]:
        why, help = f"it is called `{key[-1]}`", f"write it as `{key[-1]}`"
    else:
        why = f"it belongs to `{owner}`" if owner else "it belongs at the top of a recipe"
        help = f"write it there, as `{key[-1]}`"
    return Replacement(why, settings[key], help=help)
