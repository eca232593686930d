"""Keys that a recipe does not have, looked up among those of other trainers and of its own other sections."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from resspec.suggest import any_of
from resspec.training.recipes import fields
from resspec.training.recipes.carry import Carrier, squashed
from resspec.training.recipes.fields import Keys
from resspec.training.recipes.foreign_keys import (
    ABSENT,
    BY_VALUE,
    CALLED,
    ELSEWHERE,
    KINDS,
    OF_ANOTHER_KIND,
    Called,
    Carry,
)
from resspec.training.recipes.tree import Entry


class Foreign(NamedTuple):
    """A key that a recipe does not have.

    Attributes:
        path: Where it is written; of a setting, its name.
        why: What it is here, as the end of a sentence.
        settings: What to write instead, as YAML by our own keys; empty where nothing is to be written.
        kind: The name of the section that they go into, if they do not tell.
        help: What to do where nothing is to be written.
        key: Our own key, where it is one.
        remedy: The name of what a command may say of its options.
    """

    path: Keys
    why: str
    settings: dict[Keys, str]
    kind: str = ""
    help: str = ""
    key: Keys = ()
    remedy: str | None = None


def is_foreign(name: str) -> bool:
    """Return whether another trainer, or another section of a recipe, has such a key."""
    word = squashed(name)
    own = {squashed(key[-1]) for key in fields.every_key()}
    return any(word in table for table in (_called(), _by_value(), _elsewhere(), _absent(), own))


def foreign(path: Keys, carrier: Carrier) -> Foreign | None:
    """Return what an unknown key is here; None if it is not known anywhere."""
    word = squashed(path[-1])
    sections = [path[:-1]] if len(path) > 1 else [("optimizer",), ("schedule",)]
    of_kinds = (OF_ANOTHER_KIND.get((carrier.kind(section), word)) for section in sections)
    called = next(filter(None, of_kinds), None) or _in_section(path, word)
    general = _called().get(word)
    if not called and path in fields.every_key():
        return _of_another_kind(path, general.carry if general else "same", carrier)
    if called := called or general:
        return _carried(path, called, carrier)
    if values := _by_value().get(word):
        return _chosen(path, values, carrier)
    if word in _elsewhere():
        why, help, *remedy = _elsewhere()[word]
        return Foreign(path, why, {}, help=help, remedy=next(iter(remedy), None))
    if word in _absent():
        return Foreign(path, _absent()[word], {})
    return _misplaced(path, word, carrier)


def _chosen(path: Keys, values: dict[str, str], carrier: Carrier) -> Foreign:
    """Return what the value of a foreign key chooses."""
    told = list(dict.fromkeys(value.replace(".name: ", ": ") for value in values.values()))
    why = f"it is set by `{told[0].partition(':')[0]}`"
    chosen = values.get(carrier.plain(path).lower(), values.get(""))
    if chosen is None:
        return Foreign(path, why, {}, help=f"write {any_of(told)}")
    key, _, value = chosen.partition(": ")
    return Foreign(path, why, {tuple(key.split(".")): value})


def _in_section(path: Keys, word: str) -> Called | None:
    """Return what a word is called that means something else, or nothing, in other sections."""
    around = ".".join(path[:-1])
    if around in ("optimizer", "schedule") and word in (
        "type",
        "kind",
        "method",
        "target",
        "class",
    ):
        return Called("", f"{around}.name", "kind")
    if around == "schedule" and word == "alpha":
        return Called("", "schedule.min_lr", "times the lr", "cosine")
    if around == "optimizer" and word == "beta":
        return Called("", "optimizer.momentum")
    if around == "warmup" and word in ("start", "shape"):
        return Called("", "warmup.start_factor" if word == "start" else "warmup.method")
    if around == "data.randaugment" and word in ("deviation", "std", "mstd"):
        return Called("", "data.randaugment.magnitude_std")
    if around == "data" and path[-1] == "padding":
        return Called("", "data.padding_mode")
    return None


def _carried(path: Keys, called: Called, carrier: Carrier) -> Foreign:
    key = tuple(called.key.split("."))
    section = carrier.values[path].content
    if called.carry == "kind" and isinstance(section, dict):
        settings = _carried_section(path, section, key[:-1], carrier)
    else:
        settings = carrier.settings(path, key, called.carry)
    name = key[-1] if key[:-1] == path[:-1] else called.key.removesuffix(".name")
    why = _WHY.get(called.carry, "it is called `{}`").format(name)
    what = fields.at(key, lambda _: called.kind)
    return Foreign(path, why, settings, called.kind, f"`{called.key}` must be {what}", key)


def _carried_section(
    path: Keys, section: dict[str, Entry], ours: Keys, carrier: Carrier
) -> dict[Keys, str]:
    """Return what to write instead of a whole section of another name, such as `lr_scheduler: {…}`."""
    settings: dict[Keys, str] = {}
    for name, entry in section.items():
        inner, word = (*path, name), squashed(name)
        carrier.values[inner] = entry
        called = _called().get(word)
        key: Keys = (*ours, name)
        carry: Carry = "same"
        if word in ("name", "type"):
            key, carry = (*ours, "name"), "kind"
        elif called and called.key.startswith(f"{'.'.join(ours)}."):
            key, carry = tuple(called.key.split(".")), called.carry
        if key in fields.every_key():
            settings |= carrier.settings(inner, key, carry)
    return settings


_WHY: dict[Carry, str] = {
    "first beta": "it is the first of `{}`",
    "second beta": "it is the second of `{}`",
    "length": "it is called `epochs` or `iterations`",
    "share of the lr": "it is called `{}`, and is a share of `lr`",
    "times the lr": "it is called `{}`, and is not a share but a learning rate",
    "share of the duration": "it is called `{}`, and is a length",
    "share of the crop": "it is called `{}`, and is in pixels",
    "batches together": "`{}` counts all images of a step, and `micro_batch_size` those at a time",
}


def _of_another_kind(path: Keys, carry: Carry, carrier: Carrier) -> Foreign:
    """Return one of our own keys that its section has only with another `name`."""
    section = path[:-1]
    kinds = [
        name for name, model in fields.kinds(section).items() if path[-1] in model.model_fields
    ]
    why = f"it belongs to {any_of([f'{section[-1]}: {kind}' for kind in kinds])}"
    return Foreign(path, why, carrier.settings(path, path, carry), kinds[0], "leave it out")


def _misplaced(path: Keys, word: str, carrier: Carrier) -> Foreign | None:
    """Return one of our own keys that is in another section."""
    named = tuple(path[-1].split("."))
    places = [
        key
        for key in fields.every_key()
        if key != path and (squashed(key[-1]) == word or key == (*path[:-1], *named))
    ]
    if not places:
        return None
    fitting = [key for key in places if carrier.settings(path, key, _carry_to(key))]
    key = min(fitting or places, key=len)
    owner = ".".join(key[:-1])
    if key[:-1] == path[:-1]:
        why, help = f"it is called `{key[-1]}`", f"write it as `{key[-1]}`"
    else:
        why = f"it belongs to `{owner}`" if owner else "it belongs at the top of a recipe"
        help = f"write it there, as `{key[-1]}`"
    return Foreign(path, why, carrier.settings(path, key, _carry_to(key)), help=help)


def _carry_to(key: Keys) -> Carry:
    """Return how the value of one of our own keys is carried over to its place."""
    return "kind" if ".".join(key) in KINDS else "same"


@cache
def _called() -> dict[str, Called]:
    return {squashed(word): called for called in CALLED for word in called.words.split()}


@cache
def _by_value() -> dict[str, dict[str, str]]:
    return {squashed(word): values for words, values in BY_VALUE.items() for word in words.split()}


@cache
def _elsewhere() -> dict[str, tuple[str, ...]]:
    return {squashed(word): told for words, told in ELSEWHERE.items() for word in words.split()}


@cache
def _absent() -> dict[str, str]:
    return {squashed(word): why for words, why in ABSENT.items() for word in words.split()}
