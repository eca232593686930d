"""A recipe from its text, or everything that is wrong with the text, each mistake at its place.

A mistake can hide others: the keys of a section are not known while its `name` is wrong. So each
mistake is repaired by what was likely meant, and the recipe is validated again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from resspec.diagnostics import Diagnostic, SpecError
from resspec.training import errors
from resspec.training.recipe import (
    CosineRestartsSchedule,
    MultiStepSchedule,
    PlateauSchedule,
    Recipe,
    StepSchedule,
)
from resspec.training.recipes import fields
from resspec.training.recipes.advice import Advice
from resspec.training.recipes.fields import DURATION, EXAMPLES, Keys, Path, keys_of
from resspec.training.recipes.kinds import Conflict, Length
from resspec.training.recipes.messages import Messages
from resspec.training.recipes.repairs import repaired
from resspec.training.recipes.scalars import Trap, parsed, read
from resspec.training.recipes.text import RecipeText
from resspec.training.recipes.tree import RecipeNode, Scalar

_ROUNDS = 6  # of validation, each after mistakes were repaired
_MOST = 100  # wrong values that are reported


def recipe_of(text: RecipeText) -> Recipe:
    """Return the recipe that a text holds.

    Raises:
        SpecError: It has mistakes; all that were found, in the order of the text, the file first.
    """
    reader = _Reader(text)
    recipe = reader.recipe()
    mistakes = [*text.mistakes, *reader.diagnostics()]
    if recipe is None or mistakes:
        raise SpecError(sorted(mistakes, key=lambda mistake: text.order(mistake.labels[0].span)))
    return recipe


class _Reader:
    """Validates a text until it is a recipe or everything wrong is found.

    Attributes:
        found: Wrong values by their paths.
        missing: Keys that are missing.
        unknown: The keys that a recipe does not have.
        values: The text as plain values, in which mistakes are repaired.
    """

    def __init__(self, text: RecipeText) -> None:
        self.text = text
        self.messages = Messages(text)
        self.found: dict[Path, Diagnostic] = {}
        self.missing: dict[Keys, Diagnostic] = {}
        self.unknown: dict[Keys, RecipeNode] = {}
        self.values = self._plain((), text.root)

    def recipe(self) -> Recipe | None:
        """Return the recipe; None if there is none, after all mistakes have been found."""
        if not isinstance(self.values, dict):
            self.found[()] = self.messages.no_keys()
            return None
        if all(self.values.get(unit) is None for unit in DURATION):
            self._add_duration()
        for _ in range(_ROUNDS):
            try:
                recipe = Recipe.model_validate(self.values, strict=True)
            except ValidationError as error:
                if not self._note_all(error.errors(include_url=False)):
                    break
            else:
                self._check_lengths(recipe)
                return recipe
        assert self.found or self.unknown or self.missing
        return None

    def _add_duration(self) -> None:
        """Note that neither `epochs` nor `iterations` has a value, and give one of them."""
        unit = next((unit for unit in DURATION if unit in self.values), DURATION[0])
        if (unit,) not in self.found:
            self.missing[unit,] = self.messages.missing_key((unit,))
        self._give((unit,), _example(unit))

    def diagnostics(self) -> Iterator[Diagnostic]:
        """Yield all mistakes; those of unknown and missing keys take account of each other."""
        advice = Advice(self.text, self.unknown.items())
        yield from self.found.values()
        for keys, mistake in self.missing.items():
            alternatives = {(unit,) for unit in DURATION} if keys[0] in DURATION else {keys}
            if not alternatives & advice.keys and (*keys[:-1], "name") not in self.found:
                yield mistake
        yield from self.messages.unknown_keys(self.unknown, advice)

    # --- values ---

    def _plain(self, path: Path, node: RecipeNode) -> Any:
        match node.content:
            case dict() as section:
                return {name: self._plain((*path, name), inner) for name, inner in section.items()}
            case list() as items:
                return tuple(self._plain((*path, i), item) for i, item in enumerate(items))
            case Scalar() as scalar:
                return self._scalar(path, node, scalar)

    def _scalar(self, path: Path, node: RecipeNode, scalar: Scalar) -> Any:
        value = read(scalar)
        if path[-1:] == ("name",) and isinstance(value, str):
            return value.lower() if value.lower() in fields.kinds(keys_of(path[:-1])) else value
        if not isinstance(value, Trap):
            return value
        key = self.text.known(path)
        if key is None or len(self.found) >= _MOST:  # without a key it is the key that is wrong
            return scalar.text
        meant = repaired(scalar, key)
        self.found[path] = self.messages.trap(path, node, value, meant)
        return parsed(meant[0]) if meant else None

    # --- the errors of pydantic ---

    def _note_all(self, details: Sequence[ErrorDetails]) -> bool:
        """Note what is new among errors, and repair it; return whether anything was."""
        before = len(self.found) + len(self.missing) + len(self.unknown)
        located = [(self._path(detail), detail) for detail in details]
        for path, detail in sorted(located, key=lambda each: -len(each[0])):
            self._note(path, detail)
        return len(self.found) + len(self.missing) + len(self.unknown) > before

    def _path(self, detail: ErrorDetails) -> Path:
        """Return the path of an error, whose location also names the kinds that were tried."""
        path: Path = ()
        *around, last = detail["loc"] or ("",)
        for part in around:
            if self.text.find((*path, part)):
                path = (*path, part)
        is_key = isinstance(last, str) and detail["type"] in ("missing", "extra_forbidden")
        return (*path, last) if is_key or self.text.find((*path, last)) else path

    def _note(self, path: Path, detail: ErrorDetails) -> None:
        keys = keys_of(path)
        match detail["type"]:
            case "conflicts":
                for conflict in detail["ctx"]["conflicts"]:
                    self._note_conflict(keys, conflict)
            case "extra_forbidden":
                self.unknown[keys] = self.text.nearest(keys)
                self._remove(keys)
            case _ if self._is_noted(path):
                self._remove(keys)
            case "missing" if isinstance(detail["loc"][-1], str):  # else an item of a short list
                self.missing[keys] = self.messages.missing_key(keys)
                self._give(keys, _example(keys[-1]))
            case "union_tag_invalid" | "union_tag_not_found":
                self._note_kind(keys)
            case _:
                if len(self.found) < _MOST:
                    self.found[path] = self.messages.wrong_value(path, detail)
                self._remove(keys)

    def _is_noted(self, path: Path) -> bool:
        """Return whether a wrong value was found at a path, around it, or inside."""
        return any(path[: len(other)] == other[: len(path)] for other in self.found)

    def _note_conflict(self, around: Keys, conflict: Conflict) -> None:
        keys = [(*around, *key.split(".")) for key in conflict.keys] or [around]
        if any(self._is_noted(key) or key in self.missing for key in keys):
            return
        written = next(filter(self.text.find, keys), keys[0])
        place = self.text.key(written)
        self.found[written] = errors.wrong_value(place, conflict.message, conflict.help)
        self._remove(written)

    def _note_kind(self, path: Keys) -> None:
        """Note that the name of an optimizer or of a schedule is missing or unknown."""
        name = (*path, "name")
        if node := self.text.find(name):
            self.found[name], kind = self.messages.unknown_kind(path, node)
        else:
            inner = self.text.section(path).items()
            advice = Advice(self.text, [((*path, key), value) for key, value in inner])
            self.found[name], kind = self.messages.missing_kind(path, advice), advice.kind(path)
        if kind:
            self._give(name, kind)
        else:
            self._remove(path)

    # --- repairs ---

    def _remove(self, keys: Keys) -> None:
        """Take a value out; a required key gets an example."""
        section = self.values
        for word in keys[:-1]:
            section = section.get(word) if isinstance(section, dict) else None
        if isinstance(section, dict) and keys:
            section.pop(keys[-1], None)
        key = self.text.known(keys)
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

        A short try of a recipe, with a duration from beside the file, may well end before its
        warm-up does. So may the recipe that such a run recorded, which has every key.
        """
        whole = recipe.duration
        written = self.text.find((whole.unit,))
        is_recorded = self.text.section(()).keys() >= Recipe.model_fields.keys()
        if written is None or is_recorded or (whole.unit,) in self.found:
            return
        for path, length in _lengths(recipe):
            node = self.text.find(path)
            in_one_file = node is not None and node.span.source is written.span.source
            is_longer = length.unit == whole.unit and length.number > whole.number
            if node and in_one_file and is_longer and not self._is_noted(path):
                self.found[path] = self.messages.too_long(path, node, length, whole)


def _lengths(recipe: Recipe) -> Iterator[tuple[Path, Length]]:
    """Yield the lengths that must be over when the training is."""
    if recipe.warmup:
        yield ("warmup", "length"), recipe.warmup.length
    if recipe.freeze and recipe.freeze.until:
        yield ("freeze", "until"), recipe.freeze.until
    match recipe.schedule:
        case StepSchedule(step_size=length):
            yield ("schedule", "step_size"), length
        case CosineRestartsSchedule(t_0=length):
            yield ("schedule", "t_0"), length
        case MultiStepSchedule(milestones=points):
            for i, point in enumerate(points):
                yield ("schedule", "milestones", i), point
        case PlateauSchedule() if recipe.evaluate:
            yield ("evaluate",), recipe.evaluate


def _example(word: str) -> Any:
    """Return a value that a required key may have."""
    example = EXAMPLES[word]
    return tuple(example.strip("[]").split(", ")) if example.startswith("[") else parsed(example)
