"""The body of `forward`: a line for each convolution with what follows it, under names that say what a value is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count

from resspec.backends.source.attributes import ClassAttributes, block
from resspec.backends.source.classes import EmittedStatement, runs
from resspec.backends.source.modules import Turns
from resspec.backends.source.terms import TorchLayer
from resspec.ir.ops.activation import Activation, Gelu, Sigmoid
from resspec.ir.ops.norm import Norm
from resspec.passes.schedule import (
    ApplyStatement,
    FlattenStatement,
    LoopStatement,
    MergeStatement,
)
from resspec.passes.value_names import readers_of, roles_of

_DEEPEST = 3  # calls in calls


@dataclass
class _Pending:
    """A value that is not assigned yet, since its reader may take the expression itself. `base`: what it is made from."""

    value: int
    text: str
    base: int
    depth: int = 1
    wraps: bool = True  # a norm or an activation may be written around it


class Forward:
    """The statements of one `forward`, or of the body of a loop in it."""

    def __init__(
        self,
        slots: Sequence[EmittedStatement],
        result: int,
        attributes: ClassAttributes,
        *,
        main: str = "out",
        entering: str = "x",
        avoid: frozenset[str] = frozenset(),
        turns: Turns = (),
        shapes: bool = False,
    ) -> None:
        self.slots, self.result, self.attributes = slots, result, attributes
        self.main, self.avoid, self.turns, self.shapes = main, avoid, turns, shapes
        self.entering = entering
        self.names = {0: entering}  # of values that are still read
        self.pending: _Pending | None = None
        self.body: list[str] = []
        statements = [slot.statement for slot in slots]
        fallbacks = [slot.fallback if slot.optional in ("none", "flag") else None for slot in slots]
        self.readers = readers_of(statements, result, fallbacks)
        is_around = [False, *map(self._follows, slots)]
        self.roles = roles_of(statements, result, main, self.readers, is_around)

    def statements(self) -> list[str]:
        """Return all of it, with a `return`."""
        self._run()
        return [*self.body, f"return {self._operand(self.result)}{self._shape(self.result)}"]

    def turn(self) -> list[str]:
        """Return all of it, with the result under the name under which the input came."""
        self._run()
        self._assign(self.entering, self._operand(self.result))
        return self.body

    def _run(self) -> None:
        k = 0
        for run in runs(self.slots):
            if run[0].optional == "flag":
                self._optional(run, k)
            else:
                self._step(run[0], k)
            k += len(run)

    def _step(self, slot: EmittedStatement, k: int) -> None:
        if self.pending and not self._takes_pending(slot):
            self._flush(k)
        match slot.statement:
            case ApplyStatement(source=x):
                self._pend(self._called(slot, x, k))
            case FlattenStatement(source=x):
                self._pend(_Pending(k + 1, f"torch.flatten({self._operand(x)}, 1)", x))
            case MergeStatement() as merge:
                self._merge(merge, k)
            case LoopStatement() as loop:
                self._loop(slot, loop, k)

    def _called(self, slot: EmittedStatement, x: int, k: int) -> _Pending:
        module, before = self.attributes[slot], self.pending
        depth, base = (before.depth + 1, before.base) if before else (1, x)
        text = f"{module}({self._operand(x)})"
        if slot.optional == "none":
            assert slot.fallback is not None
            text = f"({self.names[slot.fallback]} if {module} is None else {text})"
            depth = _DEEPEST
        return _Pending(k + 1, text, base, depth, isinstance(slot.term, TorchLayer))

    def _takes_pending(self, slot: EmittedStatement) -> bool:
        """Whether a statement is written around the expression before it."""
        assert self.pending is not None
        match slot.statement:
            case ApplyStatement(source=x) if x == self.pending.value and slot.optional != "none":
                return self._follows(slot) and self.pending.wraps and self.pending.depth < _DEEPEST
            case MergeStatement(kind=kind, sources=values, inplace=inplace):
                # of three, two would be merged before the last is made
                in_order = kind == "concat" or len(values) == 2
                read = self.pending.value in values and self.pending.depth == 1
                return read and in_order and not (inplace and self.pending.value == values[0])
            case _:
                return False

    def _follows(self, slot: EmittedStatement) -> bool:
        """Whether a statement is a norm or an activation, which stands with what is before it."""
        layer = slot.term.layer if isinstance(slot.term, TorchLayer) else None
        return isinstance(layer, Activation | Gelu | Sigmoid | Norm)

    def _merge(self, merge: MergeStatement, k: int) -> None:
        first, *others = merge.sources
        if merge.kind == "add" and merge.inplace:
            self.names[k + 1] = self.names[first]
            self.body += [f"{self.names[first]} += {self._operand(other)}" for other in others]
            return
        same = (v for v in merge.sources if self.roles[v] == self.roles[k + 1])
        base = next(same, first)
        if self.pending and self.pending.value == base:
            base = self.pending.base
        values = [self._operand(value) for value in merge.sources]
        if merge.kind == "concat":
            text = f"torch.cat(({', '.join(values)},), {merge.dim})"
        else:
            text = f"({' + '.join(values) if merge.kind == 'add' else ' * '.join(values)})"
        self._pend(_Pending(k + 1, text, base))

    def _loop(self, slot: EmittedStatement, loop: LoopStatement, k: int) -> None:
        entering = self.names[loop.source]
        if entering in self._occupied(k + 1):
            entering = self._free(self.main, k + 1)
            self._assign(entering, self.names[loop.source])
        self.names[k + 1] = entering
        variable = self.attributes.constructors.loop(self.turns)
        inner = Forward(
            slot.inner,
            loop.body.result,
            self.attributes,
            main=entering,
            entering=entering,
            avoid=frozenset(self._occupied(k + 1) - {entering}),
            turns=(*self.turns, variable),
        )
        self.body += block(f"for {variable} in range({loop.count}):", inner.turn())

    def _optional(self, run: list[EmittedStatement], k: int) -> None:
        """Statements under a flag: what they make is first the value that is taken where they are not there."""
        if self.pending:
            self._flush(k)
        last, fallback = k + len(run), run[-1].fallback
        assert fallback is not None
        target = self.names[fallback]
        if target in self._occupied(last):
            target = self._free(self.roles[last], last)
            self._assign(target, self.names[fallback])
        outer, self.body = self.body, []
        for i, slot in enumerate(run):
            self._step(slot, k + i)
        self._assign(target, self._operand(last))
        self.names[last] = target
        self.body = [*outer, *block(f"if {self.attributes.flags[run[-1].present]}:", self.body)]

    # --- values and their names ---

    def _assign(self, name: str, text: str) -> None:
        if text != name:
            self.body.append(f"{name} = {text}")

    def _pend(self, pending: _Pending) -> None:
        self.pending = pending
        if len(self.readers.get(pending.value, [])) > 1:
            self._flush(pending.value)

    def _operand(self, value: int) -> str:
        if self.pending and self.pending.value == value:
            text, self.pending = self.pending.text, None
            return text
        return self.names[value]

    def _flush(self, k: int) -> None:
        """Assign what is pending, before statement k."""
        assert self.pending is not None
        value, base = self.pending.value, self.pending.base
        kept = self.names[base] not in self._occupied(k) and self.roles[value] == self.roles[base]
        name = self.names[base] if kept else self._free(self.roles[value], k)
        self.names = {v: text for v, text in self.names.items() if self._is_read(v, k)}
        self.names[value] = name
        self.body.append(f"{name} = {self.pending.text}{self._shape(value)}")
        self.pending = None

    def _occupied(self, k: int) -> set[str]:
        """Names of values that statement k or one after it reads."""
        return {text for value, text in self.names.items() if self._is_read(value, k)} | self.avoid

    def _is_read(self, value: int, k: int) -> bool:
        return value in self.readers and self.readers[value][-1] >= k

    def _free(self, wanted: str, k: int) -> str:
        occupied = self._occupied(k)
        numbered = chain([wanted], (f"{wanted}{i}" for i in count(2)))
        return next(text for text in numbered if text not in occupied)

    def _shape(self, value: int) -> str:
        is_made = self.shapes and value
        return f"  # {self.slots[value - 1].statement.output}" if is_made else ""
