"""Conversions of the values of foreign keys to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from resspec.training.recipes import fields
from resspec.training.recipes.fields import Keys
from resspec.training.recipes.foreign import foreign_keys, kind_of, like, squashed
from resspec.training.recipes.images import RandAugmentConfig
from resspec.training.recipes.kinds import Length
from resspec.training.recipes.scalars import parsed
from resspec.training.recipes.sketch import sketch
from resspec.training.recipes.text import RecipeText
from resspec.training.recipes.tree import RecipeNode, Scalar

Settings = dict[Keys, str]  # values, as YAML, by our own keys

_POLICY = re.compile(r"(?:ra|rand)[a-z]*((?:-[a-z]+[0-9.]*)*)")  # timm's `rand-m9-n2-mstd0.5-inc1`
_TRIVIAL = ("ta", "ta_wide", "tawide", "trivialaugment", "trivialaugmentwide")
_LETTERS = {"num_ops": "n", "magnitude": "m", "magnitude_std": "mstd"}
_CROPS = (("data", "test", "crop"), ("data", "random_resized_crop", "size"), ("data", "crop"))


class Converter:
    """Converts the values of foreign keys.

    Args:
        text: The recipe.
        unknown: The keys that a recipe does not have, with their values.
    """

    def __init__(self, text: RecipeText, unknown: Mapping[Keys, RecipeNode]) -> None:
        self.text = text
        self.values = dict(unknown)
        self._paths: dict[tuple[str, str], Keys] = {}
        for path in reversed(self.values):
            word = squashed(path[-1])
            self._paths[word, "same"] = path
            if row := foreign_keys().get(("", word)):
                self._paths[row.key, row.convert] = path

    def plain(self, path: Keys) -> str:
        """Return the value of an unknown key in one line; empty for a section."""
        found = sketch(self.values[path])
        return found if isinstance(found, str) else ""

    def kind(self, section: Keys) -> str:
        """Return our name of a section's kind, as it is written or as a foreign key gives it."""
        name = (*section, "name")
        ours = kind_of(".".join(name), self.text.kind(section) or self._known(name, "kind"))
        return like(ours) or ours

    def settings(self, path: Keys, key: Keys, conversion: str = "same") -> Settings:
        """Return what to write instead of an unknown key; empty if its value does not convert."""
        value = self.plain(path).strip("'")
        found = self._converted(value, key, conversion)
        return found if all(_fits(each, value) for each, value in found.items()) else {}

    def _converted(self, value: str, key: Keys, conversion: str) -> Settings:
        items = [item.strip() for item in value.strip("[]()").split(",")]
        match conversion:
            case "same":
                return {key: value}
            case "kind":
                return {key: kind_of(".".join(key), value)}
            case "first of a list":
                return {key: items[0]}
            case "last of a list":
                return {key: items[-1]}
            case "epochs" | "iterations":
                return {key: _length(value, conversion)}
            case "list of epochs" | "list of iterations":
                lengths = [_length(item, conversion.removeprefix("list of ")) for item in items]
                return {key: f"[{', '.join(lengths)}]"}
            case "length":
                number, _, unit = value.partition(" ")
                return {("iterations" if unit.startswith("iter") else "epochs",): number}
            case "first beta":
                return {key: f"[{value}, {self._foreign(key, 'second beta') or '0.999'}]"}
            case "second beta":
                return {key: f"[{self._foreign(key, 'first beta') or '0.9'}, {value}]"}
            case "share of the lr":
                return {key: _ratio(value, self._lr())}
            case "times the lr":
                return {key: _product(value, self._lr())}
            case "share of the duration":
                return {key: self._part_of_the_duration(value)}
            case "share of the crop":
                crop = next(filter(None, map(self._known, _CROPS)), "224")
                return {key: _ratio(crop, value, ".0f"), (*key[:-1], "crop"): crop}
            case "image size":
                return self._image_size(key, items[-1])
            case "policy":
                return _policy(value.lower())
            case "batches together":
                at_once = self._known(("batch_size",)) or "0"
                together = {key: _product(at_once, value, ".0f")} if value.isdigit() else {}
                return {**together, ("micro_batch_size",): at_once}
        raise AssertionError(conversion)

    def _image_size(self, key: Keys, size: str) -> Settings:
        """Return the crop of training images, and the transform of test images if there is none."""
        if self.text.find(("data", "crop")) or self.text.find(("data", "resize")):
            key = ("data", "crop")
        if self.text.find(("data", "test")):
            return {key: size}
        resize, crop = ("data", "test", "resize"), ("data", "test", "crop")
        return {key: size, resize: _ratio(size, "0.875", ".0f"), crop: size}

    def _lr(self) -> str:
        optimizers = fields.kinds(("optimizer",))
        default = optimizers.get(self.kind(("optimizer",)), optimizers["sgd"])
        return self._known(("optimizer", "lr")) or str(default.model_fields["lr"].default)

    def _part_of_the_duration(self, share: str) -> str:
        for unit in fields.DURATION:
            if number := self._known((unit,)):
                return _length(_product(number, share), unit)
        return ""

    def _known(self, key: Keys, conversion: str = "same") -> str:
        """Return the value of one of our keys, as it is written or as a foreign key gives it."""
        entry = self.text.find(key)
        if entry and isinstance(entry.content, Scalar):
            return entry.content.text
        return self._foreign(key, conversion)

    def _foreign(self, key: Keys, conversion: str) -> str:
        """Return the value of the first unknown key that stands for one of ours; or empty."""
        called_so = self._paths.get((".".join(key), conversion))
        misplaced = self._paths.get((squashed(key[-1]), conversion))
        path = called_so or misplaced
        return self.plain(path) if path else ""


def _length(number: str, unit: str) -> str:
    """Return a number with its unit; the text alone if it is not a number."""
    value = parsed(number)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(Length(float(value), "epochs" if unit == "epochs" else "iterations"))
    return number


def _ratio(number: str, by: str, digits: str = ".6g") -> str:
    with suppress(ValueError, ZeroDivisionError, OverflowError):
        return format(float(number) / float(by), digits)
    return ""


def _product(number: str, by: str, digits: str = ".6g") -> str:
    with suppress(ValueError, OverflowError):
        return format(float(number) * float(by), digits)
    return ""


def _policy(word: str) -> Settings:
    """Return the settings for `rand-m9-mstd0.5-inc1`, `ra`, `ta_wide`; empty for other policies."""
    if word in _TRIVIAL:
        return {("data", "trivialaugment"): "true"}
    found = _POLICY.fullmatch(word)
    if not found:
        return {}
    numbers = dict(re.findall(r"-([a-z]+)([0-9.]+)", found[1]))
    defaults = RandAugmentConfig()
    return {
        ("data", "randaugment", name): numbers.get(letter, f"{getattr(defaults, name):g}")
        for name, letter in _LETTERS.items()
    }


def _fits(key: Keys, value: str) -> bool:
    """Return whether some kind of section lets a key have a value."""
    kinds = list(fields.kinds(key[:1])) or [""]
    if key[-1] == "name":
        return value in kinds
    items = tuple(map(parsed, value.strip("[]").split(", ")))
    plain = items if value.startswith("[") else parsed(value)
    found = [fields.at(key, kind) for kind in kinds]
    return any(known.fits(plain) for known in found if known)
