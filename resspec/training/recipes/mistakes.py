"""A recipe from its text, or everything that is wrong with the text, each mistake at its place.

A mistake can hide others: what the other keys of a section may be is unknown while its `name` is. So each one is mended by what
was likely meant, and the rest is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from resspec.diagnostics import Diagnostic, SpecError
from resspec.training.recipe import Recipe
from resspec.training.recipes import fields
from resspec.training.recipes.advice import Advice
from resspec.training.recipes.fields import DURATION, EXAMPLES, Keys, Path, keys_of
from resspec.training.recipes.kinds import Conflict, Length
from resspec.training.recipes.messages import Messages
from resspec.training.recipes.repairs import repaired
from resspec.training.recipes.scalars import Trap, parsed, read
from resspec.training.recipes.text import Text
from resspec.training.recipes.tree import Entry, Scalar

_LOOKS = 6  # at a text, each after what was wrong is mended
_MOST = 100  # wrong values that are told


def recipe_of(text: Text) -> Recipe:
    """Return the recipe that a text holds.

    Raises:
        SpecError: It has mistakes, of which all that were found are told in the order of the text.
    """
    reader = _Reader(text)
    recipe = reader.recipe()
    mistakes = [*text.mistakes, *reader.diagnostics()]
    if recipe is None or mistakes:
        raise SpecError(sorted(mistakes, key=lambda mistake: _place(mistake, text)))
    return recipe


def _place(mistake: Diagnostic, text: Text) -> tuple[bool, int]:
    """Return where a mistake stands in the order of all: those of the file first."""
    span = mistake.labels[0].span
    return span.source is not text.source, span.start


class _Reader:
    """Looks at a text until it is read or everything wrong is found.

    Attributes:
        found: Mistakes by their paths.
        unknown: The keys that a recipe does not have.
        values: The text as plain values, in which what is found is mended.
    """

    def __init__(self, text: Text) -> None:
        self.text = text
        self.messages = Messages(text)
        self.found: dict[Path, Diagnostic] = {}
        self.missing: dict[Keys, Diagnostic] = {}
        self.unknown: dict[Keys, Entry] = {}
        self.values = self._plain((), text.root)

    def recipe(self) -> Recipe | None:
        """Return the recipe; None if there is none, after all mistakes have been found."""
        if not isinstance(self.values, dict):
            self.found[()] = self.messages.no_keys()
            return None
        if all(self.values.get(unit) is None for unit in DURATION):
            self._lacks_duration()
        for _ in range(_LOOKS):
            try:
                recipe = Recipe.model_validate(self.values, strict=True)
            except ValidationError as error:
                if not self._take(error.errors(include_url=False)):
                    break
            else:
                self._check_lengths(recipe)
                return recipe
        assert self.found or self.unknown or self.missing
        return None

    def _lacks_duration(self) -> None:
        """Note that neither `epochs` nor `iterations` has a value, and give one of them."""
        unit = next((unit for unit in DURATION if unit in self.values), DURATION[0])
        if (unit,) not in self.found:
            self.missing[unit,] = self.messages.missing_key((unit,))
        self._give((unit,), _example(unit))

    def diagnostics(self) -> Iterator[Diagnostic]:
        """Yield what was found; what to write for unknown keys and missing ones takes account of all of them."""
        advice = Advice(self.text, self.unknown.items())
        yield from self.found.values()
        for keys, told in self.missing.items():
            alternatives = {(unit,) for unit in DURATION} if keys[0] in DURATION else {keys}
            is_known = bool(alternatives & advice.keys) or (*keys[:-1], "name") in self.found
            if not is_known:
                yield told
        for path, entry in self.unknown.items():
            yield self.messages.unknown_key(path, entry, advice)

    # --- values ---

    def _plain(self, path: Path, entry: Entry) -> Any:
        match entry.content:
            case dict() as section:
                return {name: self._plain((*path, name), inner) for name, inner in section.items()}
            case list() as items:
                return tuple(self._plain((*path, i), item) for i, item in enumerate(items))
            case Scalar() as scalar:
                return self._scalar(path, entry, scalar)

    def _scalar(self, path: Path, entry: Entry, scalar: Scalar) -> Any:
        value = read(scalar)
        if path[-1:] == ("name",) and isinstance(value, str):
            return value.lower() if value.lower() in fields.kinds(keys_of(path[:-1])) else value
        if not isinstance(value, Trap):
            return value
        key = fields.at(path, self.text.kind)
        if key is None or len(self.found) >= _MOST:  # without a key it is the key that is wrong
            return scalar.text
        meant = repaired(scalar, key)
        self.found[path] = self.messages.trap(path, entry, value, key, meant)
        return parsed(meant[0]) if meant else None

    # --- what pydantic says ---

    def _take(self, details: Sequence[ErrorDetails]) -> bool:
        """Note what is new among errors, and mend it; return whether anything was."""
        before = self._count()
        located = [(self._path(detail), detail) for detail in details]
        for path, detail in sorted(located, key=lambda each: -len(each[0])):
            self._note(path, detail)
        return self._count() > before

    def _count(self) -> int:
        return len(self.found) + len(self.missing) + len(self.unknown)

    def _note(self, path: Path, detail: ErrorDetails) -> None:
        keys = keys_of(path)
        match detail["type"]:
            case "conflicts":
                for conflict in detail["ctx"]["conflicts"]:
                    self._conflict(keys, conflict)
            case "extra_forbidden":
                self.unknown[keys] = self.text.nearest(keys)
                self._remove(keys)
            case _ if any(_overlap(path, known) for known in self.found):
                self._remove(keys)
            case "missing" if isinstance(
                detail["loc"][-1], str
            ):  # else an item of a list that is too short
                self.missing[keys] = self.messages.missing_key(keys)
                self._give(keys, _example(keys[-1]))
            case "union_tag_invalid" | "union_tag_not_found":
                self._kind(keys)
            case _:
                if len(self.found) < _MOST:
                    self.found[path] = self.messages.wrong_value(path, detail)
                self._remove(keys)

    def _path(self, detail: ErrorDetails) -> Path:
        """Return the keys of a location, which also names the kinds that were tried."""
        path: Path = ()
        *around, last = detail["loc"] or ("",)
        for part in around:
            if self.text.find((*path, part)):
                path = (*path, part)
        is_key = isinstance(last, str) and detail["type"] in ("missing", "extra_forbidden")
        return (*path, last) if is_key or self.text.find((*path, last)) else path

    def _conflict(self, around: Keys, conflict: Conflict) -> None:
        keys = [(*around, *key.split(".")) for key in conflict.keys] or [around]
        if any(_overlap(key, known) for key in keys for known in (*self.found, *self.missing)):
            return
        written = next((key for key in keys if self.text.find(key)), keys[0])
        self.found[written] = self.messages.conflict(written, conflict)
        self._remove(written)

    def _kind(self, path: Keys) -> None:
        """Note that the name of an optimizer or of a schedule is missing, or that there is no such name."""
        name = (*path, "name")
        entry = self.text.find(name)
        if entry is None:
            self.found[name], kind = self.messages.missing_kind(path)
        else:
            self.found[name], kind = self.messages.unknown_kind(path, entry)
        if kind:
            self._give(name, kind)
        else:
            self._remove(path)

    # --- mending ---

    def _remove(self, keys: Keys) -> None:
        """Take a value out; a key that is needed gets another one."""
        section = self.values
        for word in keys[:-1]:
            section = section.get(word) if isinstance(section, dict) else None
        if isinstance(section, dict) and keys:
            section.pop(keys[-1], None)
        key = fields.at(keys, self.text.kind)
        if key is not None and key.is_required and keys[-1] in EXAMPLES:
            self._give(keys, _example(keys[-1]))

    def _give(self, keys: Keys, value: Any) -> None:
        section = self.values
        for word in keys[:-1]:
            if not isinstance(section.get(word), dict):
                section[word] = {}
            section = section[word]
        section[keys[-1]] = value

    # --- lengths ---

    def _check_lengths(self, recipe: Recipe) -> None:
        """Note what is longer than the whole training, in one file.

        A short try of a recipe, with a duration from beside the file, may well end before its warm-up does. So may the
        recipe that such a run recorded; a recipe that has every key is one of these.
        """
        unit = recipe.duration.unit
        duration = self.text.find((unit,))
        if duration is None or self._is_recorded() or (unit,) in self.found:
            return
        for path, length in _lengths(recipe):
            entry = self.text.find(path)
            in_one_file = entry is not None and entry.span.source is duration.span.source
            is_longer = (
                length.unit == recipe.duration.unit and length.number > recipe.duration.number
            )
            is_mended = any(_overlap(path, known) for known in self.found)
            if entry and in_one_file and is_longer and not is_mended:
                self.found[path] = self.messages.too_long(path, entry, length, recipe.duration)

    def _is_recorded(self) -> bool:
        content = self.text.root.content
        return isinstance(content, dict) and content.keys() >= Recipe.model_fields.keys()


def _lengths(recipe: Recipe) -> Iterator[tuple[Path, Length]]:
    """Yield the lengths that must be over when the training is."""
    if recipe.warmup:
        yield ("warmup", "length"), recipe.warmup.length
    if recipe.schedule.name == "step":
        yield ("schedule", "step_size"), recipe.schedule.step_size
    if recipe.schedule.name == "multistep":
        yield from (
            (("schedule", "milestones", i), point)
            for i, point in enumerate(recipe.schedule.milestones)
        )
    if recipe.schedule.name == "plateau" and recipe.evaluate:
        yield ("evaluate",), recipe.evaluate


def _example(word: str) -> Any:
    """Return a value that a required key may have."""
    example = EXAMPLES[word]
    return tuple(example.strip("[]").split(", ")) if example.startswith("[") else parsed(example)


def _overlap(one: Path, other: Path) -> bool:
    """Return whether one path leads to the other or through it."""
    return one[: len(other)] == other or other[: len(one)] == one
