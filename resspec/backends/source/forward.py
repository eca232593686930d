"""The body of `forward`: a line for each convolution with what follows it, and names that say what a value is."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count

from resspec.backends.source.attributes import Attributes
from resspec.backends.source.classes import Slot, runs
from resspec.backends.source.syntax import assign, binary, call, compare, constant, dotted, name
from resspec.backends.source.terms import Leaf
from resspec.backends.source.values import loop_variable, turns
from resspec.ir.ops.activation import Activation, Gelu, Sigmoid
from resspec.ir.ops.norm import Norm
from resspec.passes.schedule import (
    ApplyStatement,
    FlattenStatement,
    LoopStatement,
    MergeStatement,
    sources,
)

_DEEPEST = 3  # calls in calls


@dataclass
class _Pending:
    """A value that is not assigned yet, since its reader may take the expression itself. `base`: what it is made from."""

    value: int
    node: ast.expr
    base: int
    depth: int = 1
    wraps: bool = True  # a norm or an activation may be written around it


class Forward:
    """The statements of one `forward`, or of the body of a loop in it."""

    def __init__(
        self,
        slots: Sequence[Slot],
        result: int,
        attributes: Attributes,
        *,
        main: str = "out",
        entering: str = "x",
        avoid: frozenset[str] = frozenset(),
        loops: tuple[str, ...] = (),
        comments: dict[ast.AST, str] | None = None,
    ) -> None:
        self.slots, self.result, self.attributes = slots, result, attributes
        self.main, self.avoid, self.loops, self.comments = main, avoid, loops, comments
        self.entering = entering
        self.names = {0: entering}  # of values that are still read
        self.pending: _Pending | None = None
        self.body: list[ast.stmt] = []
        self.readers: dict[int, list[int]] = {}
        for k, slot in enumerate(slots):
            for source in (
                *sources(slot.statement),
                *([slot.fallback] if slot.optional in ("none", "flag") else []),
            ):
                self.readers.setdefault(source, []).append(k)  # type: ignore[arg-type]
        self.readers.setdefault(result, []).append(len(slots))
        self.roles = self._roles()

    def statements(self) -> list[ast.stmt]:
        """All of it, with a `return`."""
        self._run()
        end = ast.Return(self._operand(self.result))
        self._comment(end, self.result)
        return [*self.body, end]

    def turn(self) -> list[ast.stmt]:
        """All of it, with the result under the name under which the input came."""
        self._run()
        end = self._operand(self.result)
        target = name(self.entering)
        return (
            self.body
            if isinstance(end, ast.Name) and end.id == target.id
            else [*self.body, assign(target, end)]
        )

    def _run(self) -> None:
        k = 0
        for run in runs(self.slots):
            if run[0].optional == "flag":
                self._optional(run, k)
            else:
                self._step(run[0], k)
            k += len(run)

    def _step(self, slot: Slot, k: int) -> None:
        if self.pending and not self._takes_pending(slot):
            self._flush(k)
        match slot.statement:
            case ApplyStatement(source=x):
                module = self.attributes[slot]
                depth, base = (
                    (self.pending.depth + 1, self.pending.base) if self.pending else (1, x)
                )
                node: ast.expr = call(module, self._operand(x))
                if slot.optional == "none":
                    assert slot.fallback is not None
                    other = name(self.names[slot.fallback])
                    node, depth = (
                        ast.IfExp(compare(module, "is", constant(None)), other, node),
                        _DEEPEST,
                    )
                self._pend(_Pending(k + 1, node, base, depth, isinstance(slot.term, Leaf)))
            case FlattenStatement(source=x):
                self._pend(
                    _Pending(k + 1, call(dotted("torch.flatten"), self._operand(x), constant(1)), x)
                )
            case MergeStatement() as merge:
                self._merge(merge, k)
            case LoopStatement() as loop:
                self._loop(slot, loop, k)

    def _takes_pending(self, slot: Slot) -> bool:
        """Whether a statement is written around the expression before it."""
        assert self.pending is not None
        match slot.statement:
            case ApplyStatement(source=x) if x == self.pending.value and slot.optional != "none":
                return self._follows(slot) and self.pending.wraps and self.pending.depth < _DEEPEST
            case MergeStatement(kind=kind, sources=values) if (
                self.pending.value in values and self.pending.depth == 1
            ):
                in_order = (
                    kind == "concat" or len(values) == 2
                )  # of three, two would be merged before the last is made
                return in_order and not (slot.statement.inplace and self.pending.value == values[0])
            case _:
                return False

    def _follows(self, slot: Slot) -> bool:
        """Whether a statement is a norm or an activation, which stands with what is before it."""
        layer = slot.term.layer if isinstance(slot.term, Leaf) else None
        return isinstance(layer, Activation | Gelu | Sigmoid | Norm)

    def _merge(self, merge: MergeStatement, k: int) -> None:
        if merge.kind == "add" and merge.inplace:
            first, *others = merge.sources
            self.names[k + 1] = self.names[first]
            for other in others:
                self.body.append(
                    ast.AugAssign(name(self.names[first]), ast.Add(), self._operand(other))
                )
            return
        base = next(
            (v for v in merge.sources if self.roles[v] == self.roles[k + 1]), merge.sources[0]
        )
        if self.pending and self.pending.value == base:
            base = self.pending.base
        values = [self._operand(value) for value in merge.sources]
        if merge.kind == "concat":
            node: ast.expr = call(dotted("torch.cat"), ast.Tuple(values), constant(merge.dim))
        else:
            node = values[0]
            for value in values[1:]:
                node = binary(node, "+" if merge.kind == "add" else "*", value)
        self._pend(_Pending(k + 1, node, base))

    def _loop(self, slot: Slot, loop: LoopStatement, k: int) -> None:
        entering = self.names[loop.source]
        if entering in self._occupied(k + 1):
            entering = self._free(self.main, k + 1)
            self.body.append(assign(name(entering), name(self.names[loop.source])))
        self.names[k + 1] = entering
        variable = loop_variable(self.loops)
        avoid = frozenset(self._occupied(k + 1) - {entering})
        inner = Forward(
            slot.inner,
            loop.body.result,
            self.attributes,
            main=entering,
            entering=entering,
            avoid=avoid,
            loops=(*self.loops, variable),
        )
        used = inner.turn()
        if used:
            self.body.append(ast.For(name(variable), turns(loop.count), used, []))

    def _optional(self, run: list[Slot], k: int) -> None:
        """Statements under a flag: what they make is first the value that is taken where they are not there."""
        if self.pending:
            self._flush(k)
        last = k + len(run)
        fallback = run[-1].fallback
        assert fallback is not None and run[-1].present is not None
        target = self.names[fallback]
        if target in self._occupied(last):
            target = self._free(self.roles[last], last)
            self.body.append(assign(name(target), name(self.names[fallback])))
        outer, self.body = self.body, []
        for i, slot in enumerate(run):
            self._step(slot, k + i)
        end = self._operand(last)
        if not (isinstance(end, ast.Name) and end.id == target):
            self.body.append(assign(name(target), end))
        self.names[last] = target
        self.body = [*outer, ast.If(self.attributes.flags[run[-1].present], self.body, [])]

    # --- values and their names ---

    def _pend(self, pending: _Pending) -> None:
        self.pending = pending
        if len(self.readers.get(pending.value, [])) > 1:
            self._flush(pending.value)

    def _operand(self, value: int) -> ast.expr:
        if self.pending and self.pending.value == value:
            node, self.pending = self.pending.node, None
            return node
        return name(self.names[value])

    def _flush(self, k: int) -> None:
        """Assign what is pending, before statement k."""
        assert self.pending is not None
        value, base = self.pending.value, self.pending.base
        kept = self.names[base] not in self._occupied(k) and self.roles[value] == self.roles[base]
        self.names[value] = self.names[base] if kept else self._free(self.roles[value], k)
        self.names = {
            v: text for v, text in self.names.items() if v == value or self._is_read(v, k)
        }
        statement = assign(name(self.names[value]), self.pending.node)
        self._comment(statement, value)
        self.body.append(statement)
        self.pending = None

    def _occupied(self, k: int) -> set[str]:
        """Names of values that statement k or one after it reads."""
        return {text for value, text in self.names.items() if self._is_read(value, k)} | self.avoid

    def _is_read(self, value: int, k: int) -> bool:
        return value in self.readers and self.readers[value][-1] >= k

    def _free(self, wanted: str, k: int) -> str:
        occupied = self._occupied(k)
        return next(
            text
            for text in chain([wanted], (f"{wanted}{i}" for i in count(2)))
            if text not in occupied
        )

    def _roles(self) -> dict[int, str]:
        """What to call each value, by where it goes."""
        roles = {self.result: self.main}
        for k in reversed(range(len(self.slots))):
            role = roles.setdefault(k + 1, self.main)
            match self.slots[k].statement:
                case MergeStatement() as merge:
                    roles.update(self._paths(merge, role))
                case statement:
                    roles.update(dict.fromkeys(sources(statement), role))
        for value in self.readers:
            if value and self._is_forked(value):
                roles[value] = "preact" if self._follows(self.slots[value - 1]) else "skip"
        return roles

    def _is_forked(self, value: int) -> bool:
        return (
            len(
                {
                    k
                    for k in self.readers[value]
                    if k == len(self.slots) or value in sources(self.slots[k].statement)
                }
            )
            > 1
        )

    def _paths(self, merge: MergeStatement, role: str) -> dict[int, str]:
        """What to call the values that come together: the main one as their result."""
        values = merge.sources
        forked = [v for v in values if v == 0 or self._is_forked(v)]
        if merge.kind == "concat":
            alone = len(values) - len(forked) == 1
            return {
                v: role if alone or v in forked else f"branch{i + 1}" for i, v in enumerate(values)
            }
        main = merge.residual or 0
        if merge.kind == "mul" and forked and values[0] not in forked:
            main = 1
        other = {"add": "shortcut", "mul": "scale"}[merge.kind]
        return {v: role if i == main else other for i, v in enumerate(values)}

    def _comment(self, statement: ast.stmt, value: int) -> None:
        if self.comments is not None and value:
            self.comments[statement] = str(self.slots[value - 1].statement.output)
