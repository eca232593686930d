"""The text for each number of a pattern: the slots get their constants and formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from resspec.importing.fold.slots import ACTIVATIONS, Slot, UnlikeError
from resspec.importing.fold.solver import CHANNELS, COUNT, FLAG, KIND, Solver
from resspec.importing.fold.terms import Call, Expr, Inline, Merge, Times
from resspec.importing.fold.write import layer_arguments
from resspec.ir.ops.window import SAME

_CHANNELS = {"out_channels", "out_features", "start", "stop"}
_ROLES = {"kernel_size": "kernel"}


class Filler:
    """A filler for the slots of the patterns of one block.

    Attributes:
        solver: The parameters of the block.
        follows_stride: Whether what has the stride of the block is written with it, although it is
            the same in all bodies.
        free: Whether parameters can be added.
    """

    def __init__(self, solver: Solver, *, follows_stride: bool = False, free: bool = True) -> None:
        self.solver = solver
        self.follows_stride = follows_stride
        self.free = free

    def fill(self, slots: Sequence[Slot]) -> None:
        """Fill slots and all that is inside. Raises UnlikeError."""
        self._fill_present(slots)
        self._fill_optional(slots)

    def _fill_present(self, slots: Sequence[Slot]) -> None:
        for slot in slots:
            if slot.is_optional and not _can_be_identity(slot):
                continue
            self._one(slot)
            for row in slot.rows:
                self._fill_present(row)

    def _fill_optional(self, slots: Sequence[Slot]) -> None:
        for (is_optional, present), run in groupby(slots, key=_presence):
            optional = list(run)
            if is_optional:
                test = self._test(present, optional)
                for slot in optional:
                    slot.test = test
                    self._one(slot)
                    for row in slot.rows:
                        self._fill_inside(row, present)
            else:
                for slot in optional:
                    for row in slot.rows:
                        self._fill_optional(row)

    def _fill_inside(self, slots: Sequence[Slot], present: tuple[bool, ...]) -> None:
        """Fill what is inside of an optional slot; what is always there with it needs no test."""
        for slot in slots:
            slot.around = present
            if slot.present != present and not _can_be_identity(slot):
                slot.test = self._test(slot.present, [slot])
            self._one(slot)
            for row in slot.rows:
                self._fill_inside(row, slot.present)

    def _test(self, present: tuple[bool, ...], slots: Sequence[Slot]) -> Expr:
        test = self.solver.test(present)
        if test is not None:
            return test
        if not self.free:
            raise UnlikeError
        return self.solver.flag(present, _flag_names(slots))

    # --- one slot ---

    def _one(self, slot: Slot) -> None:
        match slot.example:
            case Times():
                counts = [step.count if isinstance(step, Times) else None for step in slot.steps]
                slot.turns = self._solve(COUNT, counts, ["n", "depth"])
            case Call() as call:
                if _can_be_identity(slot) and len(set(texts := _texts(slot)) - {None}) > 1:
                    slot.kind = self._solve(KIND, texts, ["act"])
                    return
                self._stride(slot)
                for name, _ in call.fields:
                    self._field(slot, call, name)
            case _:
                pass

    def _field(self, slot: Slot, call: Call, name: str) -> None:
        column = [
            dict(step.fields)[name] if isinstance(step, Call) else None for step in slot.steps
        ]
        defined = [
            value for step, value in zip(slot.steps, column, strict=True) if step is not None
        ]
        if None in defined:
            slot.given[name] = _left_out(slot, name, set(defined))
            return
        role = _role(call, name)
        slot.given[name] = self._solve(
            role, column, list(_wanted(self.solver, call, name, role, column))
        )

    def _stride(self, slot: Slot) -> None:
        strides = [step.stride if isinstance(step, Call) else None for step in slot.steps]
        defined = [stride for stride in strides if stride is not None]
        if not defined or all(stride == (1, 1) for stride in defined):
            return
        as_block = [
            stride is None or stride == (s, s)
            for stride, s in zip(strides, self.solver.strides, strict=True)
        ]
        is_constant = len(set(defined)) == 1
        if all(as_block) and (not is_constant or self.follows_stride):
            slot.stride = Expr("stride")
            self.solver.reads_stride = True
        elif is_constant:
            slot.stride = defined[0]
        else:
            formula = self._solve("stride", strides, ["step"])
            slot.stride = Expr(formula.at(2)) if isinstance(formula, Expr) else formula

    def _solve(self, role: str, column: Sequence[Any], wanted: Sequence[str]) -> Any:
        found = self.solver.known(role, column)
        if found is not None:
            return found
        if not self.free:
            raise UnlikeError
        defined = next(value for value in column if value is not None)
        full = [defined if value is None else value for value in column]
        return self.solver.solve(role, full, wanted)


def _presence(slot: Slot) -> tuple[bool, tuple[bool, ...]]:
    return slot.is_optional and not _can_be_identity(slot), slot.present


def _can_be_identity(slot: Slot) -> bool:
    """Return whether a slot is an activation, which `identity` can stand for."""
    steps = [step for step in slot.steps if step is not None]
    return all(
        isinstance(step, Call) and step.kind in ACTIVATIONS and step.name is None for step in steps
    )


def _texts(slot: Slot) -> list[Expr | None]:
    """Return what is called in each body, None in those that have nothing around it."""
    around = slot.around or (True,) * len(slot.steps)
    return [_text(step) if there else None for step, there in zip(slot.steps, around, strict=True)]


def _text(step: Any) -> Expr:
    if not isinstance(step, Call):
        return Expr("identity")
    bare, named = layer_arguments(step.kind, dict(step.fields))
    given = ", ".join([*bare, *named])
    return Expr(f"{step.kind}({given})" if given else step.kind)


def _role(call: Call, name: str) -> str:
    if call.block is not None:
        (role,) = [p.role for p in call.block.parameters if p.name == name]  # type: ignore[attr-defined]
        return str(role)
    if name in _CHANNELS:
        return CHANNELS
    if name == "groups" and call.kind == "shuffle":
        return "shuffled"
    if isinstance(dict(call.fields)[name], bool):
        return FLAG
    return _ROLES.get(name, name)


def _left_out(slot: Slot, name: str, values: set[Any]) -> Any:
    """Return what is written where some bodies leave a field out. Raises UnlikeError."""
    if values == {None}:
        return None
    if name == "padding" and values == {None, SAME}:
        calls = [step for step in slot.steps if isinstance(step, Call)]
        usual = [call for call in calls if dict(call.fields)[name] is None]
        if all(call.stride == (1, 1) and _is_odd(call) for call in usual):
            return SAME
    raise UnlikeError


def _is_odd(call: Call) -> bool:
    """Return whether `padding=same` is the usual padding, without a stride."""
    return all(side % 2 for side in dict(call.fields)["kernel_size"])


def _wanted(
    solver: Solver, call: Call, name: str, role: str, column: Sequence[Any]
) -> Iterator[str]:
    """Yield names for a parameter, best first."""
    label = (call.name or "").replace("-", "_").replace(".", "_").strip("0123456789_")
    if role == CHANNELS:
        if _is_width(solver, column):
            yield "width"
        elif call.block is not None and name != "width":
            yield name
        yield "inner"
        if label:
            yield f"{label}_width"
        yield "width"
    elif role == "kernel":
        yield "kernel"
        yield f"{label or 'other'}_kernel"
    else:
        yield name
        yield f"{label or call.kind}_{name}"


def _is_width(solver: Solver, column: Sequence[Any]) -> bool:
    """Return whether a number of channels is what leaves the block, or always the same part of
    it.
    """
    ratios = {
        leaving / value for value, leaving in zip(column, solver.leaving, strict=True) if value
    }
    return len(ratios) == 1


def _flag_names(slots: Sequence[Slot]) -> list[str]:
    for slot in slots:
        step = slot.example
        if isinstance(step, Call) and step.block is not None:
            return [
                f"with_{(step.name or step.kind).split('.')[-1].strip('0123456789') or step.kind}"
            ]
        if isinstance(step, Inline):
            return [f"with_{step.name.split('.')[-1].strip('0123456789') or 'part'}"]
    step = slots[0].example
    if isinstance(step, Call):
        return [f"with_{step.kind}"]
    return [f"with_{step.kind}" if isinstance(step, Merge) else "with_rest"]
