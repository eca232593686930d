"""A schedule as the emitted code runs it: what is written around what, and which names values get.

`backends/source/forward.py` writes its statements down, and `peak.py` follows what they hold.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from resspec.ir.nodes import Op
from resspec.ir.ops import Layer
from resspec.ir.ops.activation import Activation, Gelu, Sigmoid
from resspec.ir.ops.norm import Norm
from resspec.passes.schedule import LoopStatement, MergeStatement, Schedule, Statement, sources
from resspec.passes.value_names import readers_of, roles_of, variable

T = TypeVar("T")

DEEPEST = 3  # calls in calls
_AROUND = (Activation, Gelu, Sigmoid, Norm)


def is_around(layer: Layer | None) -> bool:
    """Return whether a layer is written around the expression before it: a norm or an activation.

    Args:
        layer: The layer, or None of what is not one.
    """
    return isinstance(layer, _AROUND)


def layer_of(statement: Statement) -> Layer | None:
    """Return the layer that a statement runs, None where it runs something else."""
    node = statement.part.node
    return node.layer if isinstance(node, Op) else None


def activated(program: Schedule) -> int:
    """Return the value that the norms and activations leave with which a body begins."""
    value = 0
    for statement in program.statements:
        if sources(statement) != (value,) or not is_around(layer_of(statement)):
            break
        value += 1
    return value


def forks(program: Schedule) -> bool:
    """Return whether a body begins with norms and activations, and reads what they leave twice."""
    value = activated(program)
    return value > 0 and len(readers_of(program.statements, program.result)[value]) > 1


@dataclass(eq=False, repr=False)
class Pending(Generic[T]):
    """A value that is not assigned yet, since its reader may take the expression itself.

    Attributes:
        base: The value that it is made from.
        depth: How many calls the expression nests.
        wraps: Whether a norm or an activation may be written around it.
    """

    value: int
    expression: T
    base: int
    depth: int = 1
    wraps: bool = True


class Execution(ABC, Generic[T]):
    """The statements of a `forward`, or of the body of a loop in it, one after the other.

    A subclass says what an expression is, of type T.
    """

    deepest = DEEPEST

    def __init__(
        self,
        program: Schedule,
        entering: tuple[str, T],
        main: str,
        layers: Sequence[Layer | None] | None = None,
        fallbacks: Sequence[int | None] = (),
        avoid: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare.

        Args:
            program: The statements.
            entering: The name of value 0, and what it is.
            main: What to call the result, and what leads to it.
            layers: The layer that each statement runs, None where it runs something else; if not
                given, those of the tree.
            fallbacks: For each statement the value that is taken where it does not run.
            avoid: Names that are used around the loop.
        """
        self.statements, self.result = program.statements, program.result
        self.outputs = program.outputs
        self.layers = layers or list(map(layer_of, program.statements))
        self.main, self.avoid = main, avoid
        returned = [value for _, value in self.outputs]
        self.readers = readers_of(self.statements, self.result, fallbacks, returned)
        self.last_read = {value: readers[-1] for value, readers in self.readers.items()}
        self.is_around = [False, *map(is_around, self.layers)]  # of the layers that make values
        self.roles = roles_of(self.statements, self.result, main, self.readers, self.is_around)
        self.roles |= {value: variable(name) for name, value in self.outputs}
        self.enter(*entering)

    @abstractmethod
    def apply(self, x: T) -> T:
        """Return the expression of the present statement, a layer or a module."""

    @abstractmethod
    def merge(self, merge: MergeStatement, values: list[T]) -> T:
        """Return the expression of the present statement, several values together."""

    @abstractmethod
    def add(self, x: T, other: T) -> None:
        """Add to a value that has a name."""

    @abstractmethod
    def assign(self, name: str, x: T, value: int | None = None) -> T:
        """Give an expression a name, and return what the name means."""

    @abstractmethod
    def loop(self, loop: LoopStatement, name: str, avoid: frozenset[str]) -> T:
        """Run the present statement, a loop on the value of a name; return what the name means
        after it.
        """

    def is_tested(self, k: int) -> bool:
        """Return whether statement k is one side of a conditional expression."""
        del k
        return False

    def name_activated(self, program: Schedule) -> None:
        """Give what a body activates first a name, as another instance of its block needs it."""
        if value := activated(program):
            self.readers[value].append(self.readers[value][-1])
            self.roles[value] = "preact"

    # --- statements ---

    def enter(self, name: str, x: T) -> None:
        """Begin with value 0 under a name."""
        self.names = {0: name}  # of values that are still read
        self.known = {0: x}  # what these names mean
        self.pending: Pending[T] | None = None
        self.k = 0  # the number of the present statement

    def run(self) -> T:
        """Run all statements, and return the result."""
        for k in range(len(self.statements)):
            self.step(k)
        return self.operand(self.result)

    def turn(self) -> T:
        """Run all statements, and keep the result under the name under which the input came."""
        entering = self.names[0]
        return self.assign(entering, self.run())

    def step(self, k: int) -> None:
        """Run a statement."""
        self.k = k
        if self.pending and not self._takes_pending(self.pending, k):
            self.flush(k)
        match self.statements[k]:
            case MergeStatement() as merge:
                self._merge(merge, k)
            case LoopStatement() as loop:
                self._loop(loop, k)
            case statement:
                self._apply(statement.source, k)

    def _takes_pending(self, pending: Pending[T], k: int) -> bool:
        """Return whether a statement is written around the expression before it."""
        match self.statements[k]:
            case MergeStatement(kind=kind, sources=values, inplace=inplace):
                # of three, two would be merged before the last is made
                is_branch = self.roles[pending.value].startswith("branch")
                in_order = not is_branch if kind == "concat" else len(values) == 2
                is_target = inplace and pending.value == values[0]
                is_read = pending.value in values and pending.depth == 1
                return is_read and in_order and not is_target
            case LoopStatement():
                return False
            case statement:
                is_read = statement.source == pending.value and not self.is_tested(k)
                fits = pending.wraps and pending.depth < self.deepest
                return is_read and fits and self.is_around[k + 1]

    def _apply(self, source: int, k: int) -> None:
        before = self.pending
        depth, base = (before.depth + 1, before.base) if before else (1, source)
        expression = self.apply(self.operand(source))
        is_module = self.layers[k] is None
        depth = DEEPEST if self.is_tested(k) else depth
        self._pend(Pending(k + 1, expression, base, depth, wraps=not is_module))

    def _merge(self, merge: MergeStatement, k: int) -> None:
        first, *others = merge.sources
        if merge.kind == "add" and merge.inplace:
            self.names[k + 1], self.known[k + 1] = self.names[first], self.known[first]
            for other in others:
                self.add(self.known[first], self.operand(other))
            return
        same = (v for v in merge.sources if self.roles[v] == self.roles[k + 1])
        base = next(same, first)
        if self.pending and self.pending.value == base:
            base = self.pending.base
        values = [self.operand(value) for value in merge.sources]
        self._pend(Pending(k + 1, self.merge(merge, values), base))

    def _loop(self, loop: LoopStatement, k: int) -> None:
        name, x = self.names[loop.source], self.known[loop.source]
        if name in self.occupied(k + 1):
            name = self.free(self.main, k + 1)
            x = self.assign(name, x)
        self.names[k + 1], self.known[k + 1] = name, x
        avoid = frozenset(self.occupied(k + 1) - {name})
        self.known[k + 1] = self.loop(loop, name, avoid)

    # --- values and their names ---

    def operand(self, value: int) -> T:
        """Return a value for its reader: the expression, or what its name means."""
        if self.pending and self.pending.value == value:
            expression, self.pending = self.pending.expression, None
            return expression
        return self.known[value]

    def flush(self, k: int) -> None:
        """Assign what is pending, before statement k."""
        assert self.pending is not None
        value, base = self.pending.value, self.pending.base
        name, role = self.names[base], self.roles[value]
        read = {v: text for v, text in self.names.items() if self.last_read.get(v, -1) >= k}
        occupied = {*read.values(), *self.avoid}
        if name in occupied or role != self.roles[base]:
            name = _free(role, occupied)
        self.names = read
        self.names[value] = name
        self.known[value] = self.assign(name, self.pending.expression, value)
        self.pending = None

    def occupied(self, k: int) -> set[str]:
        """Return the names of values that statement k or one after it reads."""
        last = self.last_read
        return {text for v, text in self.names.items() if last.get(v, -1) >= k} | self.avoid

    def free(self, wanted: str, k: int) -> str:
        """Return a name that no value has which statement k or one after it reads."""
        return _free(wanted, self.occupied(k))

    def _pend(self, pending: Pending[T]) -> None:
        self.pending = pending
        if len(self.readers.get(pending.value, [])) > 1:
            self.flush(pending.value)


def _free(wanted: str, occupied: set[str]) -> str:
    if wanted not in occupied:
        return wanted
    return next(text for i in count(2) if (text := f"{wanted}{i}") not in occupied)
