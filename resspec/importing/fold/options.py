"""Shortcut options: the shortcuts of one block where the shape stays the same, and where it
changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from resspec.importing.fold.fill import Filler
from resspec.importing.fold.labels import label_scope
from resspec.importing.fold.residual import Residual, arm_of, label_of
from resspec.importing.fold.slots import UnlikeError, pattern
from resspec.importing.fold.solver import CHANNELS, Parameter, Solver
from resspec.importing.fold.terms import Body, Call, Inline, Row
from resspec.importing.fold.write import chain

DEFAULT_LABEL = "downsample"
PROJECTION = "conv 1x1, out, /stride -> bn"
_KNOWN: dict[tuple[tuple[str, str], ...], str] = {  # of He et al. 2015 where they are theirs
    (("same", "identity"), ("change", PROJECTION)): "B",
    (("same", "identity"), ("change", "subsample /stride -> pad_channels out")): "A",
    (("same", "conv 1x1, out -> bn"), ("change", PROJECTION)): "C",
    (("same", "identity"), ("change", "none")): "M",
}


@dataclass(frozen=True)
class Declared:
    """A shortcut option."""

    name: str
    parameters: tuple[str, ...]
    arms: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """Return its declaration."""
        words = f"({', '.join(self.parameters)})" if self.parameters else ""
        arms = "\n".join(f"{case}: {text}" for case, text in self.arms)
        return f"shortcut {self.name}{words} {{\n{arms}\n}}"


@dataclass(eq=False)
class Option:
    """The shortcut of a block."""

    declared: Declared | None
    label: str = DEFAULT_LABEL
    arguments: list[str] = field(default_factory=list)

    def clause(self, *, is_default: bool) -> str:
        """Return the clause of the block."""
        label = f"{self.label}: " if self.label != DEFAULT_LABEL else ""
        if self.declared is None:
            return "shortcut identity"
        given = f" {', '.join(self.arguments)}" if self.arguments else ""
        if is_default and not self.arguments:
            return (
                f"shortcut {label}".rstrip()
                if not label
                else f"shortcut {label}{self.declared.name}"
            )
        return f"shortcut {label}{self.declared.name}{given}"


def option_of(
    split: Sequence[Residual], bodies: Sequence[Body], solver: Solver, known: list[Option]
) -> Option:
    """Return the option of the shortcuts of one block. Raises UnlikeError."""
    shortcuts = [each.h for each in split]
    if all(h == () for h in shortcuts):
        return Option(None)
    cases = [_case(body, solver.reads_stride) for body in bodies]
    labels = {label for h in shortcuts if h and (label := label_of(h))}
    if len(labels) > 1:
        raise UnlikeError
    arms, parameters = _arms(shortcuts, cases, solver, bodies)
    taken = {option.declared.name for option in known if option.declared}
    same = [o.declared for o in known if o.declared and o.declared.arms == arms]
    name = _KNOWN.get(arms, "P")
    if name in taken:
        name = next(f"{name}{i}" for i in range(2, len(taken) + 3) if f"{name}{i}" not in taken)
    declared = same[0] if same else Declared(name, parameters, arms)
    option = Option(declared, next(iter(labels), DEFAULT_LABEL), list(parameters))
    known.append(option)
    return option


def _case(body: Body, reads_stride: bool) -> str:
    if body.stride > 1 and reads_stride:
        return "change"
    return "same" if body.input.channels == body.output.channels else "widen"


def _arms(
    shortcuts: Sequence[Row | None], cases: Sequence[str], solver: Solver, bodies: Sequence[Body]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    used: dict[str, None] = {}
    found: list[tuple[str, str]] = []
    groups = {case: [i for i, each in enumerate(cases) if each == case] for case in cases}
    if "same" in groups:
        found.append(("same", _arm(groups["same"], shortcuts, solver, bodies, used)))
    changing = [i for i, case in enumerate(cases) if case != "same"]
    if changing:
        try:
            tried = dict(used)
            arm = _arm(changing, shortcuts, solver, bodies, tried)
            found.append(("change", arm))
            used = tried
        except UnlikeError:
            if not {"widen", "change"} <= groups.keys():
                raise
            found += [
                (case, _arm(groups[case], shortcuts, solver, bodies, used))
                for case in ("widen", "change")
            ]
    return tuple(found), tuple(used)


def _arm(
    chosen: Sequence[int],
    shortcuts: Sequence[Row | None],
    solver: Solver,
    bodies: Sequence[Body],
    used: dict[str, None],
) -> str:
    """Return the text of an arm; parameters of the block that it needs are added to `used`."""
    rows = [shortcuts[i] for i in chosen]
    if all(row is None for row in rows):
        return "none"
    if all(row == () for row in rows):
        return "identity"
    if not all(rows):
        raise UnlikeError
    own = Solver([bodies[i] for i in chosen])
    out = Parameter("out", CHANNELS, [bodies[i].output.channels for i in chosen])
    known = [
        Parameter(p.name, p.role, [p.values[i] for i in chosen])
        for p in solver.parameters
        if p.role != CHANNELS
    ]
    own.parameters = [out, *known]
    own.prefers = [out]
    written = [row for row in rows if row is not None]
    slots = pattern([arm_of(row) for row in written], named=False)
    Filler(own, follows_stride=True, free=False).fill(slots)
    label_scope(slots, len(written), by_position=True)
    text = chain(slots)
    for p in known:
        if p.name in text.replace(",", " ").replace("=", " ").split():
            used[p.name] = None
    is_one = len(slots) == 1 and slots[0].label is None and isinstance(slots[0].example, Call)
    return f"{{ {text} }}" if is_one and isinstance(written[0][0], Inline) else text
