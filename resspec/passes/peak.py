"""The memory that inference takes as the emitted code runs it: a value lives while CPython counts a
reference to it.

A module's input lives until the module returns. A row of modules holds the value between two of
them; other modules hold what their statements assign, each until its name is assigned again, and a
statement is a layer with the norms and activations around it
(`resspec/backends/source/forward.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from math import prod
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.activation import Activation, Gelu, Sigmoid
from resspec.ir.ops.layer import Strides, dense
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Name
from resspec.passes.inference import Peak

_DEEPEST = 3  # calls in calls, of a statement
_AROUND = (Activation, Gelu, Sigmoid, Norm)


def inference_peak(network: Network, frames: Frames | None = None) -> Peak:
    """What is alive at once. Neither parameters nor the network's input, which is its caller's, nor
    what an operation needs while it runs.
    """
    body = walk.whole(network)
    modules = (frames or Frames()).of(frozenset(_forking_blocks(body)))
    return modules.run(_Body(body, network.name, None), 0, dense(network.input.dims)).peak


class Frames:
    """What was run before, of nodes that are still there."""

    def __init__(self) -> None:
        self._modules: dict[frozenset[str], _Modules] = {}

    def of(self, forking: frozenset[str]) -> _Modules:
        return self._modules.setdefault(forking, _Modules(forking))


class _Body(NamedTuple):
    """What a module runs: the contents of a scope."""

    contents: Located
    block: str | None
    name: Name | None

    @property
    def is_row(self) -> bool:
        """Whether it is emitted as an nn.Sequential: modules one after the other that a block gives
        no names.
        """
        return _is_row(self.contents, self.block is not None)


class _Run(NamedTuple):
    """Of a module on its input: its peak, with the input's elements; the output's storage and
    strides; whether that is the input's storage.
    """

    peak: Peak
    storage: int
    strides: Strides
    within: bool


class _Value(NamedTuple):
    """A value in a frame: the number of its storage there; its strides; how many calls its
    expression nests, 0 where it is assigned to a name; whether a norm or an activation may be
    written around it.
    """

    storage: int
    strides: Strides
    depth: int = 0
    wraps: bool = True


class _Modules:
    """What modules with the same contents do with the same input is found once."""

    def __init__(self, forking: frozenset[str]) -> None:
        self.forking = forking
        self._known: dict[tuple[Located, str | None, int, Strides], _Run] = {}

    def run(self, body: _Body, storage: int, strides: Strides) -> _Run:
        key = (body.contents, body.block, storage, strides)
        if key not in self._known:
            self._known[key] = _Frame(self, body, storage, strides).run()
        return self._known[key]


class _Frame:
    """One call of a module. Storages are numbered, the input's is 0; `reserved` are names of values
    to be read later.
    """

    def __init__(self, modules: _Modules, body: _Body, storage: int, strides: Strides) -> None:
        self.modules, self.body, self.strides = modules, body, strides
        self.is_row = body.is_row
        self.sizes = [storage]
        self.names: dict[str, int] = {}
        self.reserved: list[str] = []
        self.turns: list[int] = []  # of the repeats around the present step
        self.peak = Peak(storage)

    def run(self) -> _Run:
        y = self._chain([self.body.contents], _Value(0, self.strides), "out")
        return _Run(self.peak, self.sizes[y.storage], y.strides, y.storage == 0)

    def _chain(self, parts: Iterable[Located], value: _Value, role: str) -> _Value:
        for step in _flat(parts):
            match step.node:
                case Op() as op:
                    value = self._op(step, op, value, role)
                case Parallel() as node:
                    value = self._merge(step, node, value, role)
                case Repeat(count=count):
                    for turn in range(min(count, 3)):  # the same from then on
                        self.turns.append(turn)
                        value = self._chain([step.body], value, role)
                        self.turns.pop()
                case _:
                    value = self._module(_Body(step.body, step.block, step.name), value, role)
        return value

    def _op(self, located: Located, op: Op, x: _Value, role: str) -> _Value:
        layer = op.layer
        if self.is_row or not (_is_around(located) and 0 < x.depth < _DEEPEST and x.wraps):
            x = self._assigned(x, role)
        depth = x.depth + 1
        if layer.output == "same" or (isinstance(layer, Activation) and layer.inplace):
            return _Value(x.storage, x.strides, depth)
        if (strides := layer.view(op.input, x.strides)) is not None:
            return _Value(x.storage, strides, depth)
        y = self._new(located, layer.order(x.strides), x.storage, depth=depth)
        if layer.copies(op.input, x.strides, self.sizes[x.storage]):
            sums = op.output.elements if "bias" in layer.parameters(op.input) else 0
            self._hold(
                _peak(located, self._live(x.storage, y.storage) + max(op.input.elements, sums))
            )
        return y

    def _module(self, body: _Body, x: _Value, role: str) -> _Value:
        x = self._assigned(x, role)
        size = self.sizes[x.storage]
        run = self.modules.run(body, size, x.strides)
        assert body.name is not None
        self._hold(run.peak.at(body.name).beside(self._live(x.storage) - size))
        if run.within:
            return _Value(x.storage, run.strides, 1, wraps=False)
        self.sizes.append(run.storage)
        return _Value(len(self.sizes) - 1, run.strides, 1, wraps=False)

    def _merge(self, located: Located, node: Parallel, x: _Value, role: str) -> _Value:
        if len(node.paths) == 1:
            return self._chain(located.parts, x, role)
        outer = len(self.reserved)
        x = self._assigned(x, "preact" if node.merge == "add" and role == "out" else "skip")
        self._reserve(x)
        values: list[_Value] = []
        for i, path in enumerate(located.parts):
            name = self._role(node, i, role)
            value = self._path(path, x, name, i == (node.residual or 0))
            last = not any(map(_has_steps, node.paths[i + 1 :]))
            taken = value.depth == 1 and last and (i > 0 or not node.inplace)
            values.append(value if taken else self._assigned(value, name))
            self._reserve(values[-1])
        del self.reserved[outer:]
        if node.merge == "add" and node.inplace:
            for other in values[1:]:
                self._hold(_peak(located, self._live(values[0].storage, other.storage)))
            return values[0]
        if node.merge == "concat":
            return self._new(located, values[0].strides, *(value.storage for value in values))
        left, *rest = values
        for i in range(len(rest)):
            left = self._new(
                located, left.strides, left.storage, *(value.storage for value in rest[i:])
            )
        return left

    def _path(self, path: Located, x: _Value, role: str, main: bool) -> _Value:
        """Where other instances of the block read what is activated first from both paths, it has a
        name here, too.
        """
        nodes = tuple(_flat([path]))
        if main and x.storage == 0 and self.body.block in self.modules.forking:
            first = tuple(takewhile(_is_around, nodes))
            x, nodes = (
                self._assigned(self._chain(first, x, "preact"), "preact"),
                nodes[len(first) :],
            )
        return self._chain(nodes, x, role)

    @staticmethod
    def _role(node: Parallel, i: int, role: str) -> str:
        """What the value of a path is called."""
        if node.merge == "concat" and len(node.paths) > 2:
            return f"branch{i + 1}"
        main = node.residual or 0
        if node.merge == "mul" and not _has_steps(node.paths[0]):
            main = 0
        return (
            role
            if i == main
            else {"add": "shortcut", "mul": "scale", "concat": "other"}[node.merge]
        )

    def _assigned(self, value: _Value, role: str) -> _Value:
        if value.depth == 0:
            return value
        while role in self.reserved:
            role += "'"
        self.names[role] = value.storage
        return _Value(value.storage, value.strides, 0, value.wraps)

    def _reserve(self, value: _Value) -> None:
        self.reserved += [name for name, storage in self.names.items() if storage == value.storage]

    def _new(self, located: Located, like: Strides, *read: int, depth: int = 1) -> _Value:
        self.sizes.append(prod(located.node.output.dims))
        y = len(self.sizes) - 1
        if (elements := self._live(y, *read)) > self.peak.elements:
            self._hold(_peak(located, elements))
        return _Value(y, dense(located.node.output.dims, like), depth)

    def _hold(self, peak: Peak) -> None:
        if peak.elements > self.peak.elements:
            self.peak = Peak(peak.elements, (*self.turns, *peak.trail), peak.span)

    def _live(self, *storages: int) -> int:
        return sum([self.sizes[storage] for storage in {0, *self.names.values(), *storages}])


def _peak(located: Located, elements: int) -> Peak:
    return Peak(elements, (located.name,) if located.name else (), located.span)


def _is_row(located: Located, numbered: bool) -> bool:
    match located.node:
        case Op() | Scope():
            name = located.name
            return name is not None and not (numbered and name.prefix)
        case Parallel(paths=paths) if len(paths) > 1:
            return False
        case _:
            return all(_is_row(part, numbered) for part in located.parts)


def _is_around(located: Located) -> bool:
    """Return whether it is written around the expression before it."""
    return isinstance(located.node, Op) and isinstance(located.node.layer, _AROUND)


def _has_steps(node: Node) -> bool:
    return not isinstance(node, Series) or any(map(_has_steps, node.children))


def _forking_blocks(root: Located) -> set[str]:
    """Return the blocks of which an instance activates its input first and reads that from several
    paths.
    """
    found: dict[str, None] = {}
    _add_forking_blocks(root, found, set())
    return set(found)


def _add_forking_blocks(located: Located, found: dict[str, None], seen: set[Located]) -> None:
    if located in seen:
        return
    seen.add(located)
    if located.block and located.block not in found and _forks(located.body):
        found[located.block] = None
    for part in located.parts:
        if not isinstance(part.node, Op):
            _add_forking_blocks(part, found, seen)


def _forks(body: Located) -> bool:
    first, *rest = [*_flat([body]), body]
    return _is_around(first) and any(
        isinstance(step.node, Parallel) and len(step.node.paths) > 1 for step in rest
    )


def _flat(parts: Iterable[Located]) -> Iterator[Located]:
    for part in parts:
        if isinstance(part.node, Series):
            yield from part.parts
        else:
            yield part
