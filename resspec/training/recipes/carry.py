"""How the value of a foreign key is carried over to one of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from resspec.training.recipes import fields
from resspec.training.recipes.fields import Keys
from resspec.training.recipes.foreign_keys import ALIKE, CALLED, KINDS, Carry
from resspec.training.recipes.kinds import Length
from resspec.training.recipes.scalars import parsed
from resspec.training.recipes.sketch import sketch
from resspec.training.recipes.text import Text
from resspec.training.recipes.tree import Entry, Scalar

_POLICY = re.compile(r"(?:ra|rand)[a-z]*((?:-[a-z]+[0-9.]*)*)")  # timm's `rand-m9-n2-mstd0.5-inc1`
_LR = Keys(("optimizer", "lr"))


class Carrier:
    """Carries values over.

    Args:
        text: The recipe.
        unknown: The keys that it does not have, with their values.
    """

    def __init__(self, text: Text, unknown: Mapping[Keys, Entry]) -> None:
        self.text = text
        self.values = dict(unknown)
        self._paths = {squashed(path[-1]): path for path in reversed(self.values)}

    def plain(self, path: Keys) -> str:
        """Return the value of a key in one line; empty where it is a section."""
        found = sketch(self.values[path])
        return found if isinstance(found, str) else ""

    def kind(self, section: Keys) -> str:
        """Return the name of a section, in our words, as it is written or as a foreign key gives it."""
        key = f"{section[-1]}.name"
        words = [word for called in CALLED if called.key == key for word in called.words.split()]
        name = self.text.kind(section) or self._known((*section, "name"), *words)
        ours = kind_of(key, name)
        return ALIKE.get(squashed(ours), ours)

    def settings(self, path: Keys, key: Keys, carry: Carry) -> dict[Keys, str]:
        """Return what to write instead of a key, by our own keys; nothing where they cannot have such values."""
        found = dict(self._carried(path, key, carry))
        return found if found and all(_fits(each, value) for each, value in found.items()) else {}

    def _carried(self, path: Keys, key: Keys, carry: Carry) -> Iterator[tuple[Keys, str]]:
        value = self.plain(path).strip("'")
        match carry:
            case "same" | "first of a list" | "last of a list":
                items = value.strip("[]").split(",")
                yield (
                    key,
                    {"first of a list": items[0], "last of a list": items[-1]}.get(
                        carry, value
                    ).strip(),
                )
            case "epochs" | "iterations":
                yield key, _lasting(value, carry)
            case "list of epochs" | "list of iterations":
                lengths = (
                    _lasting(item.strip(), carry.split()[-1])
                    for item in value.strip("[]()").split(",")
                )
                yield key, f"[{', '.join(lengths)}]"
            case "kind":
                yield key, kind_of(".".join(key), value)
            case "first beta" | "second beta":
                first, second = (
                    self._beta("first beta") or "0.9",
                    self._beta("second beta") or "0.999",
                )
                yield (
                    key,
                    f"[{value}, {second}]" if carry == "first beta" else f"[{first}, {value}]",
                )
            case "length":
                number, _, unit = value.partition(" ")
                yield ("iterations" if unit.startswith("iter") else "epochs",), number
            case "share of the lr":
                yield key, _ratio(value, self._lr())
            case "times the lr":
                yield key, _product(value, self._lr())
            case "share of the duration":
                yield key, self._part_of_the_duration(value)
            case "image size":
                yield from self._image_size(key, value.strip("[]").split(",")[-1].strip())
            case "share of the crop":
                crop = self._crop()
                yield key, _ratio(crop, value, whole=True)
                yield (*key[:-1], "crop"), crop
            case "policy":
                yield from _policy(value)
            case "batches together":
                batch_size = self._known(("batch_size",), "batch") or "0"
                with suppress(ValueError):
                    yield key, str(int(batch_size) * int(value))
                yield ("micro_batch_size",), batch_size

    def _image_size(self, key: Keys, size: str) -> Iterator[tuple[Keys, str]]:
        """Yield the crop of training images, and the transform of test images where there is none."""
        if self.text.find(("data", "crop")) or self.text.find(("data", "resize")):
            key = ("data", "crop")
        yield key, size
        if not self.text.find(("data", "test")):
            yield ("data", "test", "resize"), _ratio(size, "0.875", whole=True)
            yield ("data", "test", "crop"), size

    def _beta(self, which: Carry) -> str:
        words = next(called.words.split() for called in CALLED if called.carry == which)
        return self._foreign(words)

    def _lr(self) -> str:
        words = next(called.words.split() for called in CALLED if called.key == "optimizer.lr")
        known = self._known(_LR, "lr", *words)
        default = fields.kinds(_LR[:1]).get(self.kind(_LR[:1]) or "sgd")
        return known or (str(default.model_fields["lr"].default) if default else "0.1")

    def _crop(self) -> str:
        sizes = (
            ("data", "test", "crop"),
            ("data", "random_resized_crop", "size"),
            ("data", "crop"),
        )
        return next((found for size in sizes if (found := self._known(size))), "224")

    def _part_of_the_duration(self, share: str) -> str:
        for unit in ("epochs", "iterations"):
            words = (
                word for called in CALLED if called.key == unit for word in called.words.split()
            )
            with suppress(ValueError):
                if number := self._known((unit,), *words):
                    return _lasting(f"{float(number) * float(share):.6g}", unit)
        return ""

    def _known(self, key: Keys, *words: str) -> str:
        """Return what one of our keys is, or what one of these foreign words says that it is."""
        if (entry := self.text.find(key)) and isinstance(entry.content, Scalar):
            return entry.content.text
        return self._foreign(words)

    def _foreign(self, words: Iterable[str]) -> str:
        """Return the value of the first of these words that is written; empty where none is."""
        paths = (self._paths.get(squashed(word)) for word in words)
        return next((self.plain(path) for path in paths if path), "")


def kind_of(key: str, word: str) -> str:
    """Return what an optimizer, a schedule, a loss or a precision is called here; the word itself if it is not known."""
    ours = {
        squashed(name): name for name in (*fields.kinds(tuple(key.split("."))[:1]), *_choices(key))
    }
    return ours.get(squashed(word)) or KINDS.get(key, {}).get(squashed(word)) or word


def _choices(key: str) -> tuple[str, ...]:
    known = fields.at((key,), lambda _: "")
    return known.choices if known else ()


def squashed(word: str) -> str:
    """Return the letters and digits of a name behind its last point.

    So `torch.optim.AdamW` is `adamw`, and `batch_size`, `batch-size` and `batchSize` are one.
    """
    return re.sub(r"[^a-z0-9]", "", word.rpartition(".")[2].lower())


def _lasting(number: str, unit: str) -> str:
    """Return a number with its unit; the number alone where it is not one."""
    value = parsed(number)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(Length(float(value), "epochs" if unit == "epochs" else "iterations"))
    return number


def _ratio(number: str, by: str, *, whole: bool = False) -> str:
    with suppress(ValueError, ZeroDivisionError, OverflowError):
        ratio = float(number) / float(by)
        return str(round(ratio)) if whole else f"{ratio:.6g}"
    return ""


def _product(number: str, by: str) -> str:
    with suppress(ValueError, OverflowError):
        return f"{float(number) * float(by):.6g}"
    return ""


def _policy(value: str) -> Iterator[tuple[Keys, str]]:
    """Yield the settings for `rand-m9-mstd0.5-inc1`, `ra`, `ta_wide`; nothing for what there is not."""
    word = value.lower()
    if word in ("ta", "ta_wide", "tawide", "trivialaugment", "trivialaugmentwide"):
        yield ("data", "trivialaugment"), "true"
    elif found := _POLICY.fullmatch(word):
        numbers = dict(re.findall(r"-([a-z]+)([0-9.]+)", found[1]))
        for name, letter, default in (
            ("num_ops", "n", "2"),
            ("magnitude", "m", "7"),
            ("magnitude_std", "mstd", "0.5"),
        ):
            yield ("data", "randaugment", name), numbers.get(letter, default)


def _fits(key: Keys, value: str) -> bool:
    """Return whether some kind of section lets a key have a value."""
    kinds = list(fields.kinds(key[:1])) or [""]
    if key[-1] == "name":
        return value in kinds
    found = [fields.at(key, lambda _, kind=kind: kind) for kind in kinds]  # type: ignore[misc]
    plain = (
        tuple(map(parsed, value.strip("[]").split(", ")))
        if value.startswith("[")
        else parsed(value)
    )
    return any(known is not None and known.fits(plain) for known in found)
