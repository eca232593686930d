"""The body of `forward`: a line for each convolution with what follows it, under names that say
what a value is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resspec.backends.source.attributes import ClassAttributes
from resspec.backends.source.classes import EmittedStatement, runs
from resspec.backends.source.layout import Code, Statement, block, call
from resspec.backends.source.modules import Turns
from resspec.backends.source.syntax import quoted
from resspec.backends.source.terms import TorchLayer
from resspec.ir.ops import Layer
from resspec.passes.execution import Execution, layer_of
from resspec.passes.schedule import FlattenStatement, LoopStatement, MergeStatement, Schedule


class Forward(Execution[Code]):
    """The statements of one `forward`, or of the body of a loop in it."""

    def __init__(
        self,
        slots: Sequence[EmittedStatement],
        program: Schedule,
        attributes: ClassAttributes,
        *,
        main: str,
        entering: str = "x",
        avoid: frozenset[str] = frozenset(),
        turns: Turns = (),
    ) -> None:
        statements = tuple([slot.statement for slot in slots])
        program = Schedule(statements, program.result, outputs=program.outputs)
        fallbacks: list[int | None] = []  # a group under a flag reads it before the first of them
        for run in runs(slots):
            read = run[-1].fallback if run[-1].optional in ("none", "flag") else None
            fallbacks += [read, *[None] * (len(run) - 1)]
        layers = list(map(_layer, slots))
        super().__init__(program, (entering, Code(entering)), main, layers, fallbacks, avoid)
        self.slots, self.attributes, self.turns = slots, attributes, turns
        self.body: list[Statement] = []

    def returned(self) -> list[Statement]:
        """Return all of it, with a `return`."""
        result = self.run()
        if not self.outputs:
            returned = replace(result.after("return "), comment=self._shape(self.result))
            return [*self.body, returned]
        values = {**self.known, self.result: result}
        items = [values[value].after(f"{quoted(name)}: ") for name, value in self.outputs]
        return [*self.body, Code("return {", tuple(items), "}", rows="each")]

    def run(self) -> Code:
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

    def apply(self, x: Code) -> Code:
        slot = self.slots[self.k]
        if isinstance(slot.statement, FlattenStatement):
            return call("torch.flatten", [x, Code("1")])
        module = self.attributes[slot]
        if operand := slot.operand:
            view = ".view(-1, 1, 1)" if operand.is_viewed else ""
            return _grouped(x, Code(f"{operand.operator} {module}{view}"))
        made = call(module, [x])
        if not self.is_tested(self.k):
            return made
        assert slot.fallback is not None
        test = Code(f"if {module} is None")
        return _grouped(Code(self.names[slot.fallback]), test, made.after("else "))

    def merge(self, merge: MergeStatement, values: list[Code]) -> Code:
        if merge.kind == "concat":
            joined = Code("(", tuple(values), ")", rows="each")
            return call("torch.cat", [joined, Code(str(merge.dim))])
        operator = "+ " if merge.kind == "add" else "* "
        first, *others = [replace(value, optional=False) for value in values]
        return _grouped(first, *(other.after(operator) for other in others))

    def add(self, x: Code, other: Code) -> None:
        self.body.append(other.after(f"{x.text} += "))

    def assign(self, name: str, x: Code, value: int | None = None) -> Code:
        if x.text != name:
            self.body.append(replace(x.after(f"{name} = "), comment=self._shape(value)))
        return Code(name)

    def loop(self, loop: LoopStatement, name: str, avoid: frozenset[str]) -> Code:
        variable = self.attributes.constructors.loop(self.turns)
        inner = Forward(
            self.slots[self.k].inner,
            loop.body,
            self.attributes,
            main=name,
            entering=name,
            avoid=avoid,
            turns=(*self.turns, variable),
        )
        inner.turn()
        self.body += block(f"for {variable} in range({loop.turns}):", inner.body)
        return Code(name)

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
            self.assign(target, self.known[fallback])
        outer, self.body = self.body, []
        for i in range(len(run)):
            self.step(k + i)
        self.names[last] = target
        self.known[last] = self.assign(target, self.operand(last))
        self.body = [*outer, *block(f"if {self.attributes.flags[run[-1].present]}:", self.body)]

    def _shape(self, value: int | None) -> str:
        is_root = self.attributes.constructors.signature.is_root
        if not is_root or self.turns or not value:
            return ""
        return f"  # {self.statements[value - 1].part.node.output}"


def _grouped(*parts: Code) -> Code:
    """Return an operation, in brackets where it is an operand itself."""
    return Code("(", parts, ")", separator=" ", optional=True)


def _layer(slot: EmittedStatement) -> Layer | None:
    if isinstance(slot.statement, FlattenStatement):
        return layer_of(slot.statement)
    return slot.term.layer if isinstance(slot.term, TorchLayer) else None
