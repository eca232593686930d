"""Advice in place of foreign keys, all of them together: three keys may make one section."""

from __future__ import annotations

from collections.abc import Iterable

from resspec.training.recipes import fields
from resspec.training.recipes.conversions import Converter, Settings
from resspec.training.recipes.fields import EXAMPLES, Key, Keys
from resspec.training.recipes.replacements import Replacement, replacement
from resspec.training.recipes.sketch import Sketch, put, shown, sketch
from resspec.training.recipes.text import RecipeText
from resspec.training.recipes.tree import RecipeNode, Scalar

_OPTIMIZER = Keys(("optimizer",))
_SCHEDULE = Keys(("schedule",))


class Advice:
    """Replacements for the foreign keys among those that are unknown.

    Args:
        text: The recipe, without the settings among them.
        unknown: The paths of all unknown keys, with their values.
    """

    def __init__(self, text: RecipeText, unknown: Iterable[tuple[Keys, RecipeNode]]) -> None:
        self.text = text
        self.converter = Converter(text, dict(unknown))
        found = {path: replacement(path, self.converter) for path in list(self.converter.values)}
        self.foreign = {path: each for path, each in found.items() if each}

        self.wanted: Settings = {}
        self._kinds: dict[Keys, str] = {}
        for each in self.foreign.values():
            self.wanted |= each.settings
            if each.kind and each.settings:
                self._kinds[next(iter(each.settings))[:1]] = each.kind
        self.keys = {*self.wanted, *(each.key for each in self.foreign.values())}

    def helps(self) -> dict[Keys, str]:
        """Return what to do about each foreign key; what is to be written for several, once."""
        firsts: dict[str, Keys] = {}
        helps: dict[Keys, str] = {}
        values = self.converter.values
        for path in sorted(self.foreign, key=lambda path: self.text.order(values[path].span)):
            help = self._help(path)
            first = firsts.setdefault(help, path)
            is_repeated = first != path and help.startswith(("write ", "add ", "change "))
            helps[path] = f"the help for `{first[-1]}` includes it" if is_repeated else help
        return helps

    def _help(self, path: Keys) -> str:
        each = self.foreign[path]
        if not each.settings or self._lacks(each):
            return self._lacks(each) or each.help
        besides = self._besides(each)
        if self.converter.values[path].is_setting:
            given = [f"`{self._setting(key, each)}`" for key in each.settings]
            return f"write {' and '.join(dict.fromkeys(given))}{besides.replace(': ', '=')}"

        pieces = [self._piece(key, path, each) for key in each.settings]
        needed = list(dict.fromkeys(filter(None, pieces)))
        if not needed:
            return "leave it out"
        text = " and ".join(needed)
        if all(piece.startswith("write `") for piece in needed):
            text = text.replace("` and write `", "` and `")
        return text + besides

    def section(self, path: Keys, needed: Iterable[Keys] = ()) -> str:
        """Return a whole section in one line: what is written of it, and what foreign keys add.

        Args:
            path: Where it is.
            needed: The keys that it must have, where no kind of section has all that are wanted.
        """
        kind = self.kind(path, needed)
        known = fields.section(path, kind)
        part: Sketch = {"name": kind} if kind else {}
        written = self.text.section(path).items()
        part |= {name: sketch(inner) for name, inner in written if name in known and name != "name"}
        for name, *inner in self._wanted(path):
            if name in known and name != "name":
                put(part, (name, *inner), self.wanted[(*path, name, *inner)])
        missing = [name for name, key in known.items() if key.is_required and name not in part]
        part |= {name: EXAMPLES[name] for name in missing}
        return shown(path, part)

    def kind(self, path: Keys, needed: Iterable[Keys] = ()) -> str:
        """Return the kind of a section: the first with all wanted keys, or else the needed ones.

        The kind that is written comes first; the optimizer that is written stays.
        """
        kinds, chosen = fields.kinds(path), self._chosen(path)
        if not kinds or (chosen and path == _OPTIMIZER):
            return chosen
        wanted = {key[0] for key in self._wanted(path)}
        if not chosen:
            wanted |= self.text.section(path).keys() & fields.section(path).keys()
        candidates = [chosen, self._kinds.get(path, ""), *kinds]
        for names in (wanted, {key[1] for key in needed if key[:1] == path}):
            for name in candidates:
                if name in kinds and names <= kinds[name].model_fields.keys():
                    return name
        return next(iter(kinds))

    def _piece(self, key: Keys, path: Keys, each: Replacement) -> str:
        """Return how to write one of our keys; empty if it is written so."""
        *_, last = key
        section, value = key[:-1], each.settings[key]
        written = self.text.find(key) if key != path and self.text.is_section(section) else None
        if written and isinstance(written.content, Scalar):
            before = sketch(written)
            is_chosen = last == "name" and self._chosen(section) == value
            is_same = before == value or is_chosen
            return "" if is_same else f"change `{last}: {before}` to `{last}: {value}`"

        around = ".".join(path[:-1])
        if not section:
            return f"write `{last}: {value}`" + (f" outside of `{around}`" if around else "")

        sections = [key[:end] for end in range(len(section), 0, -1)]
        owner = next(filter(self.text.is_section, sections), None)
        if owner is None or not self._takes(owner, key):
            return f"write `{self.section(key[:1], each.settings)}`"
        part: Sketch = {}
        top = key[: len(owner) + 1]
        for other, other_value in each.settings.items():
            if other[: len(top)] == top:
                put(part, other[len(owner) :], other_value)
        inner = shown(top, part[top[-1]])
        place = ".".join(owner)
        return f"write `{inner}`" if place == around else f"add `{inner}` to `{place}`"

    def _setting(self, key: Keys, each: Replacement) -> str:
        top = key[:1]
        if len(key) == 1 or (self._takes(top, key) and self._has_all(top, key)):
            return f"{'.'.join(key)}={each.settings[key]}"
        return self.section(top, each.settings).replace(": ", "=", 1)

    def _takes(self, owner: Keys, key: Keys) -> bool:
        """Return whether a section, of the kind that it is, has a key."""
        return key[-1] == "name" or key[len(owner)] in self._known(owner)

    def _has_all(self, owner: Keys, key: Keys) -> bool:
        """Return whether a section has all that it needs once it has a key."""
        needed = {name for name, known in self._known(owner).items() if known.is_required}
        return needed <= {*self.text.section(owner), key[len(owner)], "name"}

    def _known(self, path: Keys) -> dict[str, Key]:
        return fields.section(path, self._chosen(path) or fields.default_kind(path))

    def _chosen(self, path: Keys) -> str:
        """Return the kind of a section, as written or given by a foreign key; empty if neither."""
        name = self.wanted.get((*path, "name")) or self.converter.kind(path)
        return name if name in fields.kinds(path) else ""

    def _lacks(self, each: Replacement) -> str:
        """Return what to do about a key that the optimizer does not have; empty if it has it."""
        chosen = self._chosen(_OPTIMIZER)
        wanted = [key[1] for key in each.settings if chosen and key[:1] == _OPTIMIZER]
        known = fields.section(_OPTIMIZER, chosen)
        lacking = [name for name in wanted if name not in known]
        return f"leave it out: `optimizer: {chosen}` has no `{lacking[0]}`" if lacking else ""

    def _wanted(self, path: Keys) -> list[Keys]:
        """Return the keys that foreign keys add to a section, by their paths from there."""
        inner = [key for key in self.wanted if key[:-1] and key[: len(path)] == path]
        return [key[len(path) :] for key in inner]

    def _besides(self, each: Replacement) -> str:
        """Return what else is needed for what is advised."""
        has_schedule = any(key[:1] == _SCHEDULE for key in each.settings)
        needed: dict[str, str] = {}
        if has_schedule and self.kind(_SCHEDULE, each.settings) == "plateau":
            needed["holdout"] = "0.1"
        if ("bce_threshold",) in each.settings:
            needed["loss"] = "bce"
        lacking = [
            f"`{name}: {value}`"
            for name, value in needed.items()
            if not self.text.find((name,)) and (name,) not in self.wanted
        ]
        return f", with {' and '.join(lacking)}" if lacking else ""
