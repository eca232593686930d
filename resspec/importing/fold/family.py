"""From bodies to a block: one declaration for all of them, and its calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from resspec.importing.fold.fill import Filler
from resspec.importing.fold.labels import has_labels, label_scope
from resspec.importing.fold.options import Option, option_of
from resspec.importing.fold.residual import residuals
from resspec.importing.fold.slots import Slot, UnlikeError, pattern
from resspec.importing.fold.solver import FLAG, KIND, Parameter, Solver
from resspec.importing.fold.terms import Body, Call, Inline, Merge, Row, Times, walk
from resspec.importing.fold.write import EMPTY, argument, chain

_DEFAULTED = {FLAG, KIND, "groups", "dilation", "eps", "momentum"}


@dataclass(eq=False)
class Family:
    """A block.

    Attributes:
        name: The name of the block.
        bodies: Its body in each of its calls.
        clauses: Its body as text, by the word of each clause, in the order in which they are
            written.
        parameters: Its parameters, those with a default last.
        reads_stride: Whether a call can have a stride.
        is_numbered: Whether it is one numbered scope.
        option: Its shortcut, if it is a residual block.
        places: Where each body is among them.
        size: How many layers it has.
        holds_blocks: Whether it is a residual block, or has blocks inside.
    """

    name: str
    bodies: Sequence[Body]
    clauses: list[tuple[str, str]]
    parameters: list[Parameter]
    reads_stride: bool
    is_numbered: bool
    option: Option | None = None
    places: dict[Body, int] = field(default_factory=dict)
    size: int = 1
    holds_blocks: bool = False

    def __post_init__(self) -> None:
        self.places = {body: i for i, body in enumerate(self.bodies)}
        calls = [step for step in walk(self.bodies[0].written) if isinstance(step, Call)]
        has_blocks = any(call.block is not None for call in calls)
        self.holds_blocks = has_blocks or self.option is not None
        self.size = sum(getattr(call.block, "size", 1) for call in calls)

    def call(self, body: Body, name: str) -> Call:
        """Return the call that stands for a module."""
        i = self.places[body]
        given = tuple((p.name, p.values[i]) for p in self.parameters)
        stride = (body.stride, body.stride) if self.reads_stride else None
        return Call(self.bodies[0].kind, given, stride, name, self)

    def declaration(self, default: Option | None) -> str:
        """Return its text, in a network whose shortcut option is `default`."""
        words = [
            p.name if p.default is None else f"{p.name}={argument(p.default)}"
            for p in self.parameters
        ]
        head = f"block {self.name}({', '.join(words)})" if words else f"block {self.name}"
        if self.is_numbered:
            return f"{head} = sequential {{ {self.clauses[0][1]} }}"
        lines = [f"{word} {text}".strip() for word, text in self.clauses]
        if self.option is not None:
            declared = default and default.declared
            shown = self.option.clause(is_default=self.option.declared is declared)
            at = lines.index("shortcut")
            is_said = shown != "shortcut" or any(line.startswith("residual") for line in lines[at:])
            lines[at : at + 1] = [shown] if is_said else []
        inside = "\n".join(lines)
        return f"{head} {{\n{inside}\n}}"


def family(name: str, bodies: Sequence[Body], options: list[Option]) -> Family:
    """Return the block of some bodies.

    Raises:
        UnlikeError: Nobody would write these as one block.
    """
    rows = [body.written for body in bodies]
    solver = Solver(bodies)
    split = residuals(rows)
    option = None
    if split is None:
        by_position = _is_numbered(rows)
        slots = pattern(rows, named=not by_position)
        Filler(solver).fill(slots)
        label_scope(slots, len(bodies), by_position=by_position)
        if by_position and has_labels(slots):
            by_position = False
            slots = pattern(rows, named=True)
            Filler(solver).fill(slots)
            label_scope(slots, len(bodies), by_position=False)
        clauses = [("", chain(slots) or EMPTY)]
    else:
        by_position = False
        strided = any(each.h for each, body in zip(split, bodies, strict=True) if body.stride > 1)
        filler = Filler(solver, follows_stride=strided)
        parts = {
            "preact": pattern(
                [each.before if each.h is not None else None for each in split], named=True
            ),
            "residual": pattern([each.f for each in split], named=True),
            "after": pattern([each.after for each in split], named=True),
        }
        _drop_paths_as_always(parts["residual"], [each.h is None for each in split])
        if any(slot.is_optional for slot in parts["preact"]):
            raise UnlikeError
        for slots in parts.values():
            filler.fill(slots)
        every = [slot for slots in parts.values() for slot in slots]
        label_scope(every, len(bodies), by_position=False)
        option = option_of(split, bodies, solver, options)
        texts = {word: chain(slots) for word, slots in parts.items()}
        first, second = ("shortcut", "residual") if split[0].h_first else ("residual", "shortcut")
        texts["shortcut"] = ""
        order = ["preact", first, second, "after"]
        clauses = [(word, texts[word]) for word in order if texts[word] or word == "shortcut"]
    parameters = _ordered(solver.parameters)
    return Family(name, bodies, clauses, parameters, solver.reads_stride, by_position, option)


def _is_numbered(rows: Sequence[Row]) -> bool:
    """Return whether the modules in it are named by their positions."""
    names = [name for row in rows for name in _names(row)]
    return bool(names) and all(name.isdigit() for name in names)


def _names(row: Row) -> list[str]:
    found: list[str] = []
    for step in row:
        match step:
            case Call(name=str() as name) | Inline(name=name):
                found.append(name)
            case Merge(paths=paths):
                found += [name for path in paths for name in _names(path)]
            case Times(row=inner):
                found += _names(inner)
            case _:
                pass
    return found


def _drop_paths_as_always(slots: Sequence[Slot], alone: Sequence[bool]) -> None:
    """Take `drop_path` as present where there is no shortcut: there the language leaves it out."""
    for slot in slots:
        example = slot.example
        if isinstance(example, Call) and example.kind == "drop_path":
            slot.steps = [
                example if step is None and is_alone else step
                for step, is_alone in zip(slot.steps, alone, strict=True)
            ]


def _ordered(parameters: list[Parameter]) -> list[Parameter]:
    """Return parameters, those for which a default is worth it last."""
    for p in parameters:
        p.default = _default(p)
    return sorted(parameters, key=lambda p: p.default is not None)


def _default(p: Parameter) -> Any:
    if p.role == FLAG:
        return False
    if p.role not in _DEFAULTED:
        return None
    value, n = Counter(p.values).most_common(1)[0]
    return value if 2 * n > len(p.values) else None
