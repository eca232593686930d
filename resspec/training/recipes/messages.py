"""What is said of a mistake in a recipe: which, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic_core import ErrorDetails

from resspec.diagnostics import Diagnostic
from resspec.source import Span
from resspec.suggest import listed, nearest
from resspec.training import errors
from resspec.training.recipes import fields
from resspec.training.recipes.advice import Advice
from resspec.training.recipes.carry import kind_of, squashed
from resspec.training.recipes.fields import EXAMPLES, SHORTHAND, Key, Keys, Path, keys_of
from resspec.training.recipes.foreign_keys import ALIKE, LACKING
from resspec.training.recipes.kinds import Conflict, Length
from resspec.training.recipes.repairs import repaired
from resspec.training.recipes.scalars import Trap, read
from resspec.training.recipes.syntax import other_language
from resspec.training.recipes.text import Text
from resspec.training.recipes.tree import Entry, Scalar

_SHOWN = 40  # characters of a value


class Messages:
    """Makes the diagnostics of one text."""

    def __init__(self, text: Text) -> None:
        self.text = text

    # --- keys ---

    def no_keys(self) -> Diagnostic:
        """Of a text that is empty, one value or a list."""
        root = self.text.root
        if root.content == Scalar("", quoted=False):
            help = "write at least `epochs: 90` and `batch_size: 256`"
            return errors.not_yaml(Span(self.text.source, 0, 0), "the recipe is empty", help)
        help = "write keys with values, at least `epochs: 90` and `batch_size: 256`"
        return other_language(self.text.source) or errors.wrong_value(
            root.span, "a recipe has keys, but this has none", help
        )

    def unknown_key(self, path: Keys, entry: Entry, advice: Advice) -> Diagnostic:
        word, owner, span = path[-1], self._owner(path[:-1]), self.text.key(path)
        if path in advice.foreign:
            is_setting = entry.key is entry.span
            help = advice.of_setting(path) if is_setting else advice.of_key(path)
            foreign = advice.foreign[path]
            mistake = errors.foreign_key(span, word, owner, foreign.why, help)
            return mistake._replace(remedy=foreign.remedy)

        known = fields.section(path[:-1], self.text.kind) or {}
        if near := nearest(word, known):
            help = f"did you mean `{near}`?"
        elif known.keys() - {"name"}:
            help = f"it has {listed([*known])}"
        else:
            help = f"write `{path[-2]}: {self.text.kind(path[:-1])}`, which needs no other key"
        return errors.unknown_key(span, word, owner, help)

    def missing_key(self, path: Keys) -> Diagnostic:
        around, word = path[:-1], path[-1]
        example = f"{word}: {EXAMPLES[word]}"
        owner, span = self._owner(around), self.text.key(path)
        if not around or self.text.is_section(around):
            return errors.missing_key(span, owner, word, f"add `{example}`")
        kind = self.text.kind(around)
        help = f"write `{around[-1]}: {{name: {kind}, {example}}}`"
        return errors.missing_key(self.text.mark((*around, "name")), owner, word, help)

    def missing_kind(self, path: Keys) -> tuple[Diagnostic, str]:
        """Of an optimizer or a schedule without its name; and the name that it should have."""
        advice = Advice(self.text, [((*path, key), inner) for key, inner in self._inner(path)])
        section, kind = advice.section(path), advice.kind(path)
        return errors.missing_key(
            self.text.key(path), f"`{path[-1]}`", "name", f"write `{section}`"
        ), kind

    def unknown_kind(self, path: Keys, entry: Entry) -> tuple[Diagnostic, str]:
        """Of the name of an optimizer or a schedule that there is not; and the name that was meant, if that is known."""
        kinds = fields.kinds(path)
        word = entry.content.text if isinstance(entry.content, Scalar) else "…"
        meant = kind_of(f"{path[-1]}.name", word)
        if meant not in kinds:
            meant = ""
        if meant:
            help = f"write `{meant}`"
        elif lacking := LACKING.get(squashed(word)):
            help = f"{lacking}; there are {_all_of(kinds)}"
        elif near := nearest(word, kinds):
            help = f"did you mean `{near}`?"
        else:
            help = f"there are {_all_of(kinds)}"
        told = errors.unknown_kind(self.text.mark((*path, "name")), path[-1], word[:_SHOWN], help)
        return told, meant or ALIKE.get(squashed(word), "")

    # --- values ---

    def conflict(self, path: Keys, conflict: Conflict) -> Diagnostic:
        return errors.wrong_value(self.text.key(path), conflict.message, conflict.help)

    def too_long(self, path: Path, entry: Entry, length: Length, duration: Length) -> Diagnostic:
        is_point = isinstance(path[-1], int)
        how = (
            "is after the end of the training" if is_point else "is longer than the whole training"
        )
        help = (
            f"leave it out, or train for more {duration.unit}"
            if is_point
            else f"make it shorter, or train for more {duration.unit}"
        )
        return errors.wrong_value(
            entry.span, f"`{self._word(path)}: {length}` {how}, {duration}", help
        )

    def trap(
        self, path: Path, entry: Entry, trap: Trap, key: Key, meant: Sequence[str]
    ) -> Diagnostic:
        """Of a scalar that readers of YAML take for different things, or that no recipe needs."""
        tell = errors.ambiguous_value if trap.ambiguous else errors.wrong_value
        help = self._write(path, entry, meant[:2]) if meant else self._example(path, entry, key)
        help = help or f"`{self._word(path)}` must be {key}"
        return tell(entry.span, trap.why, help)

    def wrong_value(self, path: Path, detail: ErrorDetails) -> Diagnostic:
        entry = self.text.nearest(path)
        key = fields.at(path, self.text.kind)
        if key is None or entry is self.text.root:
            return errors.wrong_value(self.text.mark(path), detail["msg"])
        must = f"`{self._word(path)}` must be {self._described(path, key)}"
        match entry.content:
            case Scalar() as scalar:
                return self._wrong_scalar(path, entry, scalar, key, must)
            case list() as items:
                return self._wrong_list(path, entry, items, key, must)
        help = self._example(path, entry, key)
        return errors.wrong_value(self.text.mark(path), f"{must}, not a section", help)

    def _wrong_scalar(
        self, path: Path, entry: Entry, scalar: Scalar, key: Key, must: str
    ) -> Diagnostic:
        value = read(scalar)
        meant = repaired(scalar, key, ".".join(keys_of(path))) or self._for_section(path, scalar)
        help = self._write(path, entry, meant[:1]) if meant else None
        if value is None:
            told = f"`{self._word(path)}` needs a value"
            return errors.wrong_value(entry.span, told, help or self._example(path, entry, key))
        if str(key).startswith("a length") and _is_number(value):
            both = (f"{value} epochs", f"{value} iterations")
            help = self._write(path, entry, both) if scalar.text[0] in "123456789" else help
            return errors.wrong_value(
                entry.span, f"{must}, but `{scalar.text[:_SHOWN]}` has no unit", help
            )
        got = f"the text '{scalar.text[:_SHOWN]}'" if scalar.quoted else f"`{scalar.text[:_SHOWN]}`"
        is_word = isinstance(value, str) and key.kind is not str and not key.choices
        if not help and (key.is_required or key.is_section or is_word):
            help = self._example(path, entry, key)
        return errors.wrong_value(entry.span, f"{must}, not {got}", help)

    def _for_section(self, path: Path, scalar: Scalar) -> tuple[str, ...]:
        """Return what a value that stands for a section may have meant: `warmup: none` has `null`."""
        keys = keys_of(path)
        around = fields.at(keys[:-1], self.text.kind) if self._word(path) != keys[-1] else None
        return repaired(scalar, around) if around else ()

    def _wrong_list(
        self, path: Path, entry: Entry, items: list[Entry], key: Key, must: str
    ) -> Diagnostic:
        if "list" in must:
            return errors.wrong_value(entry.span, f"{must}, not a list of {len(items)}")
        scalars = [item.content for item in items if isinstance(item.content, Scalar)]
        if len(items) == len(scalars) == 1 and key.fits(read(scalars[0])):
            return errors.wrong_value(
                entry.span, f"{must}, not a list", self._write(path, entry, [scalars[0].text])
            )
        help = self._example(path, entry, key)
        return errors.wrong_value(entry.span, f"{must}, not a list", help)

    # --- words ---

    def _owner(self, path: Keys) -> str:
        if not path:
            return "a recipe"
        kind = self.text.kind(path)
        return (
            f"`{'.'.join(path)}: {kind}`" if kind in fields.kinds(path) else f"`{'.'.join(path)}`"
        )

    def _word(self, path: Path) -> str:
        """Return the key as it is written: that of the section, where a value stands for it."""
        keys = keys_of(path)
        is_short = (
            len(keys) > 1
            and SHORTHAND.get(keys[:-1]) == keys[-1]
            and not self.text.is_section(keys[:-1])
        )
        return keys[-2] if is_short else keys[-1]

    def _described(self, path: Path, key: Key) -> str:
        short = SHORTHAND.get(keys_of(path))
        return f"a section with keys of its own, or its `{short}` alone" if short else str(key)

    def _example(self, path: Path, entry: Entry, key: Key) -> str | None:
        """Return an example of what a key may be, or that it may be left out; None where neither helps."""
        word = keys_of(path)[-1]
        if path == ("data",) and isinstance(entry.content, Scalar):
            return "leave it out: `data` says how images are preprocessed, and the data set belongs to the command that trains"
        if word in EXAMPLES:
            optional = "" if key.is_required else ", or leave the key out"
            return f"write, for example, {self._spelled(path, entry, EXAMPLES[word])}{optional}"
        if not key.is_required and not key.is_item and key.field.default is not None:
            return "leave the key out for its default"
        return None

    def _write(self, path: Path, entry: Entry, values: Sequence[str]) -> str:
        return f"write {' or '.join(self._spelled(path, entry, value) for value in values)}"

    def _spelled(self, path: Path, entry: Entry, value: str) -> str:
        """Return a value as it is to be written where another one was: in a list, as a setting, beside its key."""
        if isinstance(path[-1], int):
            return f"`{value}`"
        if entry.key is entry.span:
            return f"`{'.'.join(keys_of(path))}={value}`"
        return f"`{self._word(path)}: {value}`"

    def _inner(self, path: Keys) -> list[tuple[str, Entry]]:
        entry = self.text.find(path)
        return list(entry.content.items()) if entry and isinstance(entry.content, dict) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _all_of(names: Iterable[str]) -> str:
    *others, last = [f"`{name}`" for name in names]
    return f"{', '.join(others)} and {last}"
