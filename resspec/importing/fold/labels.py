"""The names that must be written: those that the language would not give by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from resspec.importing.fold.slots import Slot, UnlikeError
from resspec.importing.fold.terms import Call, Inline, Merge, Times

_POSITION = ""


class Labeler:
    """The default names in one scope of several bodies, as the language counts them."""

    def __init__(self, count: int, *, by_position: bool, slots: Sequence[Slot]) -> None:
        self.by_position = by_position
        self.counters = [Counter[str]() for _ in range(count)]
        self.fcs = [_fcs(slots, i) for i in range(count)]
        self.unnamed = 0  # steps whose position is taken
        self.names = [_names(slots, i) for i in range(count)]

    def label(self, slots: Sequence[Slot]) -> None:
        """Set the labels of some slots of the scope, and of what is inside.

        Raises:
            UnlikeError: No label works for all bodies.
        """
        for slot in slots:
            match slot.example:
                case Merge():
                    for row in slot.rows:
                        self.label(row)
                case Times():
                    self._repeat(slot)
                case Inline():
                    self._one(slot)
                    label_scope(slot.rows[0], len(self.counters), by_position=True)
                case _:
                    self._one(slot)

    def _one(self, slot: Slot) -> None:
        names = {step.name for step in slot.steps if isinstance(step, Call | Inline)} - {None}
        if names and not self._is_default(slot):
            if len(names) > 1:
                raise UnlikeError
            (slot.label,) = names
        elif not names and self.by_position and self._is_taken(slot):
            self.unnamed += 1
            slot.label = f"step{self.unnamed}"
        self._advance(slot, is_labeled=slot.label is not None)

    def _is_taken(self, slot: Slot) -> bool:
        """Return whether the position of a step is the name of another module."""
        return any(
            str(counter[_POSITION]) in names
            for step, counter, names in zip(slot.steps, self.counters, self.names, strict=True)
            if step is not None
        )

    def _is_default(self, slot: Slot) -> bool:
        return all(
            step.name is None or step.name == self._default(step, i)
            for i, step in enumerate(slot.steps)
            if isinstance(step, Call | Inline)
        )

    def _default(self, step: Call | Inline, body: int) -> str | None:
        counter = self.counters[body]
        if self.by_position:
            return str(counter[_POSITION])
        if isinstance(step, Inline) or step.block is not None:
            return None
        if step.kind == "fc" and self.fcs[body] == 1:
            return "fc"
        return f"{step.kind}{counter[step.kind] + 1}"

    def _advance(self, slot: Slot, *, is_labeled: bool) -> None:
        for step, counter in zip(slot.steps, self.counters, strict=True):
            if step is None:
                continue
            if self.by_position:
                counter[_POSITION] += 1
            elif isinstance(step, Call) and not is_labeled:
                counter[step.kind] += 1

    def _repeat(self, slot: Slot) -> None:
        """Label a repeat: by a run where its names are not the default ones."""
        before = [Counter(counter) for counter in self.counters]
        inner = slot.rows[0]
        if len(inner) == 1 and isinstance(inner[0].example, Call | Inline):
            (only,) = inner
            if not self._is_default(only):
                self._run(slot, only)
                return
        self.label(inner)
        if has_labels(inner):
            raise UnlikeError
        for step, old, counter in zip(slot.steps, before, self.counters, strict=True):
            if isinstance(step, Times):
                moved = Counter(counter)
                moved.subtract(old)
                for key, n in moved.items():
                    counter[key] += n * (step.count - 1)

    def _run(self, slot: Slot, only: Slot) -> None:
        names = {step.name for step in only.steps if isinstance(step, Call | Inline)}
        if len(names) > 1:
            raise UnlikeError
        (name,) = names
        slot.label, slot.runs = f"{name}..", True
        if isinstance(only.example, Inline):
            only.label = None
            label_scope(only.rows[0], len(self.counters), by_position=True)


def label_scope(slots: Sequence[Slot], count: int, *, by_position: bool) -> None:
    """Set the labels of all that is in a scope. Raises UnlikeError."""
    Labeler(count, by_position=by_position, slots=slots).label(slots)


def has_labels(slots: Sequence[Slot]) -> bool:
    """Return whether anything that is directly in this scope has a label."""
    return any(slot.label is not None for slot in _own(slots))


def _own(slots: Sequence[Slot]) -> list[Slot]:
    """Return the slots that are directly in this scope."""
    found = list(slots)
    for slot in slots:
        if isinstance(slot.example, Merge | Times):
            found += [each for row in slot.rows for each in _own(row)]
    return found


def _names(slots: Sequence[Slot], body: int) -> set[str | None]:
    steps = [slot.steps[body] for slot in _own(slots)]
    return {step.name for step in steps if isinstance(step, Call | Inline)}


def _fcs(slots: Sequence[Slot], body: int) -> int:
    steps = [slot.steps[body] for slot in _own(slots)]
    return sum(1 for step in steps if isinstance(step, Call) and step.kind == "fc")
