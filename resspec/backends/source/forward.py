"""The body of `forward`: a line for each convolution with what follows it, under names that say
what a value is.
"""

from __future__ import annotations

from collections.abc import Sequence

from resspec.backends.source.attributes import ClassAttributes, block
from resspec.backends.source.classes import EmittedStatement, runs
from resspec.backends.source.modules import Turns
from resspec.backends.source.terms import TorchLayer
from resspec.ir.ops import Layer
from resspec.passes.execution import Execution, layer_of
from resspec.passes.schedule import FlattenStatement, LoopStatement, MergeStatement, Schedule


class Forward(Execution[str]):
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
        program = Schedule(tuple([slot.statement for slot in slots]), result)
        fallbacks = [slot.fallback if slot.optional in ("none", "flag") else None for slot in slots]
        layers = list(map(_layer, slots))
        super().__init__(program, (entering, entering), main, layers, fallbacks, avoid)
        self.slots, self.attributes, self.turns, self.shapes = slots, attributes, turns, shapes
        self.body: list[str] = []

    def lines(self) -> list[str]:
        """Return all of it, with a `return`."""
        result = self.run()
        return [*self.body, f"return {result}{self._shape(self.result)}"]

    def run(self) -> str:
        k = 0
        for run in runs(self.slots):
            if run[0].optional == "flag":
                self._optional(run, k)
            else:
                self.step(k)
            k += len(run)
        return self.operand(self.result)

    def is_tested(self, k: int) -> bool:
        return self.slots[k].optional == "none"

    def apply(self, x: str) -> str:
        slot = self.slots[self.k]
        if isinstance(slot.statement, FlattenStatement):
            return f"torch.flatten({x}, 1)"
        module = self.attributes[slot]
        if not self.is_tested(self.k):
            return f"{module}({x})"
        assert slot.fallback is not None
        return f"({self.names[slot.fallback]} if {module} is None else {module}({x}))"

    def merge(self, merge: MergeStatement, values: list[str]) -> str:
        if merge.kind == "concat":
            return f"torch.cat(({', '.join(values)},), {merge.dim})"
        operator = " + " if merge.kind == "add" else " * "
        return f"({operator.join(values)})"

    def add(self, x: str, other: str) -> None:
        self.body.append(f"{x} += {other}")

    def assign(self, name: str, x: str, value: int | None = None) -> str:
        if x != name:
            self.body.append(f"{name} = {x}{self._shape(value)}")
        return name

    def loop(self, loop: LoopStatement, name: str, avoid: frozenset[str]) -> str:
        variable = self.attributes.constructors.loop(self.turns)
        inner = Forward(
            self.slots[self.k].inner,
            loop.body.result,
            self.attributes,
            main=name,
            entering=name,
            avoid=avoid,
            turns=(*self.turns, variable),
        )
        inner.turn()
        self.body += block(f"for {variable} in range({loop.count}):", inner.body)
        return name

    def _optional(self, run: list[EmittedStatement], k: int) -> None:
        """Write statements under a flag: what they make is first the value that is taken where
        they are not there.
        """
        if self.pending:
            self.flush(k)
        last, fallback = k + len(run), run[-1].fallback
        assert fallback is not None
        target = self.names[fallback]
        if target in self.occupied(last):
            target = self.free(self.roles[last], last)
            self.assign(target, self.names[fallback])
        outer, self.body = self.body, []
        for i in range(len(run)):
            self.step(k + i)
        self.names[last] = self.known[last] = self.assign(target, self.operand(last))
        self.body = [*outer, *block(f"if {self.attributes.flags[run[-1].present]}:", self.body)]

    def _shape(self, value: int | None) -> str:
        if not self.shapes or not value:
            return ""
        return f"  # {self.statements[value - 1].output}"


def _layer(slot: EmittedStatement) -> Layer | None:
    if isinstance(slot.statement, FlattenStatement):
        return layer_of(slot.statement)
    return slot.term.layer if isinstance(slot.term, TorchLayer) else None
