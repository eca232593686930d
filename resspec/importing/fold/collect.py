"""From the IR to rows of steps: repeats written out, and modules without parameters opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

from resspec.importing.fold.terms import Body, Call, Expr, Inline, Merge, Module, Row, Step, walk
from resspec.ir import walk as ir
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op, Parallel, Scope
from resspec.ir.ops import Layer
from resspec.ir.ops.placeholder import PlaceholderOp
from resspec.ir.ops.window import Pool

CONTAINERS = {"", "sequential", "module_list", "module", "identity"}  # classes that say nothing
_INITIAL = ("init", "init_value")  # fields that give initial values
_UNSAID = ("inplace", "stride")


def collect(network: Network, drop_path: Expr | None = None) -> Body:
    """Return the body of a network; equal bodies in it are one object.

    Args:
        network: The network.
        drop_path: What is written for the probability of each `drop_path`, if not its number.
    """
    whole = ir.whole(network)
    collector = _Collector(drop_path)
    steps = list(ir.unrolled(whole))
    row = collector.row(iter(steps), tuple(_split(steps)))
    body = Body("", row, network.input, network.output, places=1)
    _count(body, 1)
    return body


def layer_call(layer: Layer, name: str | None) -> Call:
    """Return a layer as a call."""
    stride = getattr(layer, "stride", None)
    if isinstance(layer, Pool) and layer.target is not None:
        stride = None
    said = [f.name for f in fields(layer) if f.name not in _UNSAID]
    given = tuple((each, _field(layer, each)) for each in said)
    return Call(layer.kind, given, stride, name)


def _field(layer: Layer, name: str) -> Any:
    """Return the value of a field; None where it is left out: a padding that follows from the
    kernel, and initial values that are unknown.
    """
    value = getattr(layer, name)
    if name == "padding":
        return None if value == _usual_padding(layer) else value
    if name in _INITIAL and value == 0:
        return None
    return value


def _usual_padding(layer: Layer) -> Any:
    needed = {
        each.name: getattr(layer, each.name)
        for each in fields(layer)
        if each.name != "padding" and getattr(layer, each.name) is not None
    }
    type(layer).complete(needed)
    return needed.get("padding", _default(layer, "padding"))


def _default(layer: Layer, name: str) -> Any:
    (found,) = [each.default for each in fields(layer) if each.name == name]
    return None if found is MISSING else found


class _Collector:
    def __init__(self, drop_path: Expr | None) -> None:
        self._drop_path = drop_path
        self._bodies: dict[Hashable, Body] = {}
        self._known: dict[tuple[Located, int | None], Body] = {}
        self._varies: dict[Node, bool] = {}
        self._tensors: dict[Node, bool] = {}

    def row(self, steps: Iterator[ir.Step], split: tuple[str, ...]) -> Row:
        """Return the steps of a part of a scope.

        Args:
            steps: The steps of the IR.
            split: The modules of this scope that several places add steps to.
        """
        found: list[Step] = []
        for step in steps:
            found += self._step(step, split)
        return _without_flattening(found)

    def _step(self, step: ir.Step, split: tuple[str, ...]) -> Iterator[Step]:
        match step.node:
            case Op() as op if op.kind != "identity":
                yield self._layer(step, op)
            case Scope() if not self._has_tensors(step.node):
                yield from self.row(step.contents, ())
            case Scope() if step.name in split:
                for inner in self.row(step.contents, split):
                    yield within(step.name or "", inner)
            case Scope():
                yield self._module(step)
            case Parallel(merge=merge):
                yield Merge(merge, tuple(self.row(path, split) for path in step.paths))
            case _:
                pass

    def _layer(self, step: ir.Step, op: Op) -> Call:
        call = layer_call(step.layer, step.name if self._has_tensors(op) else None)
        if self._drop_path is None or op.kind != "drop_path":
            return call
        return replace(call, fields=(("p", self._drop_path),))

    def _module(self, step: ir.Step) -> Step:
        body = self._body(step)
        if body.kind in CONTAINERS:
            return Inline(body.row, step.name or "")
        return Module(body, step.name or "")

    def _body(self, step: ir.Step) -> Body:
        scope = step.located
        turn = step.turn if ir.varies(scope.node, self._varies, inside_repeats=True) else None
        if (scope, turn) not in self._known:
            inside = list(step.contents)
            row = self.row(iter(inside), tuple(_split(inside)))
            kind = scope.block or ""
            key = kind, row, scope.node.input, scope.node.output
            body = Body(kind, row, scope.node.input, scope.node.output)
            self._known[scope, turn] = self._bodies.setdefault(key, body)
        return self._known[scope, turn]

    def _has_tensors(self, node: Node) -> bool:
        return ir.fold(node, _tensors, self._tensors)


def _tensors(node: Node, parts: list[bool]) -> bool:
    if isinstance(node, Op) and isinstance(node.layer, PlaceholderOp):
        return True  # it stands for layers that may have some
    if isinstance(node, Op):
        return bool(node.layer.parameters(node.input) or node.layer.buffers(node.input))
    return any(parts)


def _split(steps: list[ir.Step]) -> Iterator[str]:
    """Yield the names of modules that stand at several places of a scope."""
    counts = Counter(_names(steps))
    yield from (name for name, n in counts.items() if n > 1)


def _names(steps: list[ir.Step]) -> Iterator[str]:
    for step in steps:
        if isinstance(step.node, Scope) and step.name:
            yield step.name
        if isinstance(step.node, Parallel):
            for path in step.paths:
                yield from _names(list(path))


def within(path: str, step: Step) -> Step:
    """Return a step under a dotted name."""
    match step:
        case Call(name=str() as name) | Module(name=name) | Inline(name=name):
            return replace(step, name=f"{path}.{name}")
        case Merge(paths=paths):
            rows = tuple(tuple(within(path, inner) for inner in row) for row in paths)
            return replace(step, paths=rows)
        case _:
            return step


def _without_flattening(row: list[Step]) -> Row:
    """Return a row without the flattening that `fc` implies."""
    kept = []
    for i, step in enumerate(row):
        following = row[i + 1] if i + 1 < len(row) else None
        if not (_is(step, "flatten") and _is(_first(following), "fc")):
            kept.append(step)
    return tuple(kept)


def _first(step: Step | None) -> Step | None:
    if isinstance(step, Inline):
        return _first(step.row[0]) if step.row else None
    return step


def _is(step: Step | None, kind: str) -> bool:
    return isinstance(step, Call) and step.kind == kind


def _count(body: Body, places: int) -> None:
    """Count the modules that have each body."""
    for step in walk(body.row):
        if isinstance(step, Module):
            step.body.places += places
            _count(step.body, places)
