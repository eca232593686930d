"""What to write in place of a key of another trainer: what the recipe calls it, with the value carried over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from resspec.suggest import any_of
from resspec.train import recipe_fields as fields
from resspec.train.foreign_keys import ABSENT, BY_VALUE, CALLED, ELSEWHERE, OF_ANOTHER_KIND, Called, Carry
from resspec.train.recipe_carry import Carrier, kind_of
from resspec.train.recipe_fields import EXAMPLES, Keys
from resspec.train.recipe_sketch import Sketch, put, shown, sketch
from resspec.train.recipe_text import Text
from resspec.train.recipe_yaml import Entry, Scalar


class Foreign(NamedTuple):
    """A key that a recipe does not have.

    Attributes:
        path: Where it is written; of a setting, its name.
        why: What it is here, as the end of a sentence.
        settings: What to write instead, as YAML by our own keys; empty where nothing is to be written.
        kind: The name of the section that they go into, if they do not tell.
        help: What to do where nothing is to be written.
    """

    path: Keys
    why: str
    settings: dict[Keys, str]
    kind: str = ""
    help: str = ""


class Advice:
    """Finds the foreign keys among those that are unknown, and says what to write for them, all together.

    Args:
        text: The recipe, without the settings among them.
        unknown: The paths of all unknown keys, with their values.
    """

    def __init__(self, text: Text, unknown: Iterable[tuple[Keys, Entry]]) -> None:
        self.text = text
        carrier = Carrier(text, dict(unknown))
        found = (_foreign(path, carrier) for path in carrier.values)
        self.foreign = {each.path: each for each in found if each}
        self.wanted = {key: value for each in self.foreign.values() for key, value in each.settings.items()}
        named = [each for each in self.foreign.values() if each.kind and each.settings]
        self._kinds = {next(iter(each.settings))[:1]: each.kind for each in named}

    def of_key(self, path: Keys) -> str:
        """Return what to do about a foreign key of the file."""
        each = self.foreign[path]
        if not each.settings:
            return each.help or "leave it out"
        pieces = [self._piece(key, each, path[:-1]) for key in each.settings]
        needed = list(dict.fromkeys(piece for piece in pieces if piece))
        if not needed:
            return "leave it out"
        told = " and ".join(needed)
        if all(piece.startswith("write `") for piece in needed):
            told = told.replace("` and write `", "` and `")
        return told + self._besides(each)

    def of_setting(self, path: Keys) -> str:
        """Return the settings to give in place of a foreign one, such as `optimizer.rate=0.1`; or what to do."""
        each = self.foreign[path]
        if not each.settings:
            return each.help or "leave it out"
        given = dict.fromkeys(self._setting(key, each) for key in each.settings)
        besides = self._besides(each).replace(": ", "=")
        return f"write {' and '.join(f'`{word}`' for word in given)}{besides}"

    def told(self, path: Keys) -> str:
        """Return why a setting is foreign and what to give instead, as the end of a sentence."""
        return f"{self.foreign[path].why}; {self.of_setting(path)}"

    def section(self, path: Keys, needed: Iterable[Keys] = ()) -> str:
        """Return a whole section in one line: what is written of it, and what foreign keys add.

        Args:
            path: Where it is.
            needed: The keys that it must have, where no kind of section has all that are wanted.
        """
        kind = self.kind(path, needed)
        known = fields.section(path, lambda _: kind) or {}
        part: Sketch = {"name": kind} if kind else {}
        for name, inner in self._inner(path).items():
            if name in known and name != "name":
                part[name] = sketch(inner)
        for key, value in self.wanted.items():
            if key[:1] == path and key[1] in known and key[1] != "name":
                put(part, key[1:], value)
        for name, what in known.items():
            if what.is_required and name not in part:
                part[name] = EXAMPLES[name]
        return shown(path, part)

    def kind(self, path: Keys, needed: Iterable[Keys] = ()) -> str:
        """Return the kind of a section that has the keys that are wanted, or else needed; the one that is written if it has."""
        kinds = fields.kinds(path)
        if not kinds:
            return ""
        wanted = {key[len(path)] for key in self.wanted if key[: len(path)] == path}
        if not self._written(path):
            wanted |= {name for name in self._inner(path) if any(name in kind.model_fields for kind in kinds.values())}

        named = self.wanted.get((*path, "name"))
        first = [named, self._written(path), self._kinds.get(path), *kinds]
        for names in (wanted, {key[len(path)] for key in needed}):
            able = [name for name in first if name in kinds and names <= set(kinds[name].model_fields)]
            if able:
                return able[0] or ""
        return next(iter(kinds))

    def _piece(self, key: Keys, each: Foreign, around: Keys) -> str:
        """Return how to write one of our keys; empty where it is written so."""
        value = each.settings[key]
        written = self.text.find(key)
        if written and isinstance(written.content, Scalar) and self.text.is_section(key[:-1]):
            before = f"{key[-1]}: {sketch(written)}"
            is_so = before == f"{key[-1]}: {value}" or (key[-1] == "name" and self._written(key[:-1]) == value)
            return "" if is_so else f"change `{before}` to `{key[-1]}: {value}`"
        if len(key) == 1:
            return f"write `{key[0]}: {value}`" + (f" outside of `{'.'.join(around)}`" if around else "")

        owner = next((key[:end] for end in range(len(key) - 1, 0, -1) if self.text.is_section(key[:end])), None)
        if owner is None or not self._takes(owner, key):
            return f"write `{self.section(key[:1], each.settings)}`"
        sections: Sketch = {}
        put(sections, key[len(owner) :], value)
        name = key[len(owner)]
        inner = shown((*owner, name), sections[name])
        return f"write `{inner}`" if owner == around else f"add `{inner}` to `{'.'.join(owner)}`"

    def _setting(self, key: Keys, each: Foreign) -> str:
        if len(key) == 1 or (self._takes(key[:1], key) and self._has_all(key[:1], key)):
            return f"{'.'.join(key)}={each.settings[key]}"
        name, _, inside = self.section(key[:1], each.settings).partition(": ")
        return f"{name}={inside}"

    def _takes(self, owner: Keys, key: Keys) -> bool:
        """Return whether a section, of the kind that it is, has a key."""
        kinds = fields.kinds(owner)
        if not kinds or key[-1] == "name":
            return True
        chosen = kinds.get(self._written(owner) or fields.default_kind(owner))
        return chosen is not None and key[len(owner)] in chosen.model_fields

    def _has_all(self, owner: Keys, key: Keys) -> bool:
        """Return whether a section has all that it needs once it has a key."""
        known = fields.section(owner, lambda _: self._written(owner) or fields.default_kind(owner)) or {}
        needed = {name for name, what in known.items() if what.is_required and name != "name"}
        return needed <= {*self._inner(owner), key[len(owner)]}

    def _written(self, path: Keys) -> str:
        """Return the name of a section, in our words."""
        return kind_of(f"{path[-1]}.name", self.text.kind(path))

    def _inner(self, path: Keys) -> dict[str, Entry]:
        entry = self.text.find(path)
        return entry.content if entry and isinstance(entry.content, dict) else {}

    def _besides(self, each: Foreign) -> str:
        """Return what else is needed for what is advised."""
        needed: dict[str, str] = {}
        if ("schedule",) in {key[:1] for key in each.settings} and self.kind(("schedule",), each.settings) == "plateau":
            needed = {"holdout": "0.1", "evaluate": "1 epoch"}
        if ("bce_threshold",) in each.settings:
            needed = {"loss": "bce"}
        lacking = [f"`{name}: {value}`" for name, value in needed.items()
                   if not self.text.find((name,)) and (name,) not in self.wanted]
        return f", with {' and '.join(lacking)}" if lacking else ""


def is_foreign(name: str) -> bool:
    """Return whether another trainer, or another section of a recipe, has such a key."""
    word = normal(name)
    return any(word in table for table in (_called(), _by_value(), _elsewhere(), _absent()))


def normal(name: str) -> str:
    """Return the last word of a key in lower case, with underscores."""
    last = name.rpartition(".")[2]
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    return re.sub(r"[-\s]+", "_", apart.strip()).lower()


def _foreign(path: Keys, carrier: Carrier) -> Foreign | None:
    word = normal(path[-1])
    kind = carrier.text.kind(path[:-1]) if len(path) > 1 else ""
    called = OF_ANOTHER_KIND.get((kind, word)) or _in_section(path, word) or _called().get(word)
    if called:
        return _carried(path, called, carrier)
    if values := _by_value().get(word):
        return _chosen(path, values, carrier)
    if word in _elsewhere():
        why, help = _elsewhere()[word]
        return Foreign(path, why, {}, help=help)
    if word in _absent():
        return Foreign(path, _absent()[word], {})
    return _misplaced(path, word, carrier)


def _chosen(path: Keys, values: dict[str, str], carrier: Carrier) -> Foreign:
    """Return what the value of a foreign key chooses."""
    told = list(dict.fromkeys(value.replace(".name: ", ": ") for value in values.values()))
    why = f"it is a matter of `{told[0].partition(':')[0]}`"
    chosen = values.get(carrier.plain(path).lower(), values.get(""))
    if chosen is None:
        return Foreign(path, why, {}, help=f"write {any_of(told)}")
    key, _, value = chosen.partition(": ")
    return Foreign(path, why, {tuple(key.split(".")): value})


def _in_section(path: Keys, word: str) -> Called | None:
    """Return what a word is called that means something else, or nothing, in other sections."""
    around = ".".join(path[:-1])
    if around in ("optimizer", "schedule") and word in ("type", "kind", "method", "_target_", "class"):
        return Called("", f"{around}.name", "kind")
    if around == "schedule" and word == "alpha":
        return Called("", "schedule.floor", kind="cosine")
    if around == "optimizer" and word == "beta":
        return Called("", "optimizer.momentum")
    return None


def _carried(path: Keys, called: Called, carrier: Carrier) -> Foreign:
    key = tuple(called.key.split("."))
    settings = carrier.settings(path, key, called.carry)
    name = key[-1] if key[:-1] == path[:-1] else called.key.removesuffix(".name")
    why = _WHY.get(called.carry, "it is called `{}`").format(name)
    what = fields.at(key, lambda _: called.kind)
    return Foreign(path, why, settings, called.kind, f"`{called.key}` must be {what}")


_WHY: dict[Carry, str] = {
    "first beta": "it is the first of `{}`",
    "second beta": "it is the second of `{}`",
    "share of the rate": "it is called `{}`, and is a share of the rate",
    "share of the duration": "it is called `{}`, and is a length",
    "share of the crop": "it is called `{}`, and is in pixels",
    "batches together": "`{}` counts all images of a step, and `micro_batch` those at a time",
}


def _misplaced(path: Keys, word: str, carrier: Carrier) -> Foreign | None:
    """Return one of our own keys that is in another section."""
    named = tuple(path[-1].split("."))
    places = [key for key in fields.every_key() if key != path and (key[-1] == word or key == (*path[:-1], *named))]
    if not places:
        return None
    fitting = [key for key in places if carrier.settings(path, key, "same")]
    key = min(fitting or places, key=len)
    owner = ".".join(key[:-1])
    why = f"it belongs to `{owner}`" if owner else "it belongs to the top of a recipe"
    return Foreign(path, why, carrier.settings(path, key, "same"), help=f"write it there, as `{'.'.join(key)}`")


@cache
def _called() -> dict[str, Called]:
    return {word: called for called in CALLED for word in called.words.split()}


@cache
def _by_value() -> dict[str, dict[str, str]]:
    return {word: values for words, values in BY_VALUE.items() for word in words.split()}


@cache
def _elsewhere() -> dict[str, tuple[str, str]]:
    return {word: told for words, told in ELSEWHERE.items() for word in words.split()}


@cache
def _absent() -> dict[str, str]:
    return {word: why for words, why in ABSENT.items() for word in words.split()}
