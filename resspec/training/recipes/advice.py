"""What to write in place of keys of other trainers, all of them together: three keys may make one section."""

from __future__ import annotations

from collections.abc import Iterable

from resspec.training.recipes import fields
from resspec.training.recipes.carry import Carrier
from resspec.training.recipes.fields import EXAMPLES, Keys
from resspec.training.recipes.foreign import Foreign, foreign
from resspec.training.recipes.sketch import Sketch, put, shown, sketch
from resspec.training.recipes.text import Text
from resspec.training.recipes.tree import Entry, Scalar


class Advice:
    """Finds the foreign keys among those that are unknown, and says what to write for them, all together.

    Args:
        text: The recipe, without the settings among them.
        unknown: The paths of all unknown keys, with their values.
    """

    def __init__(self, text: Text, unknown: Iterable[tuple[Keys, Entry]]) -> None:
        self.text = text
        self.carrier = Carrier(text, dict(unknown))
        found = (foreign(path, self.carrier) for path in list(self.carrier.values))
        self.foreign = {each.path: each for each in found if each}
        self.wanted = {
            key: value for each in self.foreign.values() for key, value in each.settings.items()
        }
        self.keys = {*self.wanted, *(each.key for each in self.foreign.values())}
        named = [each for each in self.foreign.values() if each.kind and each.settings]
        self._kinds = {next(iter(each.settings))[:1]: each.kind for each in named}

    def of_key(self, path: Keys) -> str:
        """Return what to do about a foreign key of the file."""
        each = self.foreign[path]
        if not each.settings or self._lacks(each):
            return self._lacks(each) or each.help or "leave it out"
        pieces = [self._piece(key, each, path[:-1]) for key in each.settings]
        needed = list(dict.fromkeys(piece for piece in pieces if piece))
        if not needed:
            return "leave it out"
        told = " and ".join(needed)
        if all(piece.startswith("write `") for piece in needed):
            told = told.replace("` and write `", "` and `")
        return told + self._besides(each)

    def of_setting(self, path: Keys) -> str:
        """Return the settings to give in place of a foreign one, such as `optimizer.lr=0.1`; or what to do."""
        each = self.foreign[path]
        if not each.settings or self._lacks(each):
            return self._lacks(each) or each.help or "leave it out"
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
        chosen = self._chosen(path)
        if chosen and path == ("optimizer",):
            return chosen
        wanted = {key[len(path)] for key in self.wanted if key[: len(path)] == path}
        if not chosen:
            wanted |= {
                name
                for name in self._inner(path)
                if any(name in kind.model_fields for kind in kinds.values())
            }

        first = [chosen, self._kinds.get(path), *kinds]
        for names in (wanted, {key[len(path)] for key in needed}):
            able = [
                name for name in first if name in kinds and names <= set(kinds[name].model_fields)
            ]
            if able:
                return able[0] or ""
        return next(iter(kinds))

    def _piece(self, key: Keys, each: Foreign, around: Keys) -> str:
        """Return how to write one of our keys; empty where it is written so."""
        value = each.settings[key]
        written = self.text.find(key)
        is_there = written and key != each.path and self.text.is_section(key[:-1])
        if is_there and written and isinstance(written.content, Scalar):
            before = f"{key[-1]}: {sketch(written)}"
            is_so = before == f"{key[-1]}: {value}" or (
                key[-1] == "name" and self._chosen(key[:-1]) == value
            )
            return "" if is_so else f"change `{before}` to `{key[-1]}: {value}`"
        if len(key) == 1:
            return f"write `{key[0]}: {value}`" + (
                f" outside of `{'.'.join(around)}`" if around else ""
            )

        owner = next(
            (key[:end] for end in range(len(key) - 1, 0, -1) if self.text.is_section(key[:end])),
            None,
        )
        if owner is None or not self._takes(owner, key):
            return f"write `{self.section(key[:1], each.settings)}`"
        sections: Sketch = {}
        depth = len(owner)
        for other, its_value in each.settings.items():
            if other[: depth + 1] == key[: depth + 1]:
                put(sections, other[depth:], its_value)
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
        chosen = kinds.get(self._chosen(owner) or fields.default_kind(owner))
        return chosen is not None and key[len(owner)] in chosen.model_fields

    def _has_all(self, owner: Keys, key: Keys) -> bool:
        """Return whether a section has all that it needs once it has a key."""
        known = (
            fields.section(owner, lambda _: self._chosen(owner) or fields.default_kind(owner)) or {}
        )
        needed = {name for name, what in known.items() if what.is_required and name != "name"}
        return needed <= {*self._inner(owner), key[len(owner)]}

    def _chosen(self, path: Keys) -> str:
        """Return the kind that a section is written with, or given by a foreign key; empty where it has none."""
        named = self.wanted.get((*path, "name")) or self.carrier.kind(path)
        return named if named in fields.kinds(path) else ""

    def _lacks(self, each: Foreign) -> str:
        """Return what to do about a key that the optimizer does not have; empty where it has it."""
        owner = ("optimizer",)
        chosen = fields.kinds(owner).get(self._chosen(owner))
        lacking = [
            key[1]
            for key in each.settings
            if chosen and key[:1] == owner and key[1] not in chosen.model_fields
        ]
        return (
            f"leave it out: `optimizer: {self._chosen(owner)}` has no `{lacking[0]}`"
            if lacking
            else ""
        )

    def _inner(self, path: Keys) -> dict[str, Entry]:
        entry = self.text.find(path)
        return entry.content if entry and isinstance(entry.content, dict) else {}

    def _besides(self, each: Foreign) -> str:
        """Return what else is needed for what is advised."""
        needed: dict[str, str] = {}
        if ("schedule",) in {key[:1] for key in each.settings} and self.kind(
            ("schedule",), each.settings
        ) == "plateau":
            needed = {"holdout": "0.1"}
        if ("bce_threshold",) in each.settings:
            needed = {"loss": "bce"}
        lacking = [
            f"`{name}: {value}`"
            for name, value in needed.items()
            if not self.text.find((name,)) and (name,) not in self.wanted
        ]
        return f", with {' and '.join(lacking)}" if lacking else ""
