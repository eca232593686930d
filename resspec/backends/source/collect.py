"""IR to terms: which scopes are rows of modules, which need a `forward` of their own, and the distinct bodies of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, Literal

from resspec.backends.source.chains import Chains, list_key, repeated_chains, row_key, segments
from resspec.backends.source.copied import positions
from resspec.backends.source.terms import (
    Apply, Body, Flat, Instance, Item, Leaf, Loop, Many, Merge, One, Program, Row, Statement, Term, Value,
)
from resspec.ir.init import STARTS_AS_ONE, Init
from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.layer import Ramp
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Name, Shape

# Repeats that are written out, not looped over: from so many steps in the body, up to so many in all turns.
PROGRAM, ROW, NOWHERE = (1, 12), (2, 24), (1, 0)

Path = tuple[Name, ...]
Limits = tuple[int, int]


def collect(network: Network) -> Body:
    """The body of a network. Chains of layers that it has in many places are bodies too."""
    chains = repeated_chains(_Collector({}).network(network))
    return _Collector(chains).network(network)


class _Collector:
    """Terms of scopes; equal bodies are one object."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._bodies: dict[Hashable, Body] = {}
        self._terms: dict[Hashable, tuple[Scope, Term]] = {}

    def network(self, network: Network) -> Body:
        return self._body(network.name, network.body)

    def term(self, scope: Scope) -> Term:
        key = (id(scope.body), scope.block, scope.name.prefix)
        if key not in self._terms:
            self._terms[key] = scope, self._term(scope)
        return self._terms[key][1]

    def _term(self, scope: Scope) -> Term:
        items = None if any(_shared([scope.body], ())) else self._items(scope.body)
        if items is not None and (scope.block is None or is_numbered(items)):
            return self._row(items)
        return Instance(self._body(scope.block or scope.name.prefix, scope.body))

    def _row(self, items: tuple[Item, ...]) -> Term:
        if not is_numbered(items):
            items = _renamed(items)
        elif (key := row_key(items)) not in self._chains:
            items = self._spliced(items)
        key = row_key(items)
        return self._chain(items, self._chains[key], "row") if key in self._chains else Row(items)

    def _spliced(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """A numbered row with calls of functions for the chains in it."""
        found: list[Item] = []
        for segment in segments(items):
            match segment:
                case [Many(count=count, items=inner)]:
                    found.append(Many(count, self._spliced(inner)))
                case [One() as first, *_] if (key := list_key(segment)) in self._chains:
                    term = self._chain(tuple(segment), self._chains[key], "list")
                    names = tuple(name for item in segment if isinstance(item, One) for name in item.names)
                    found.append(One(names, term, first.input, segment[-1].output))
                case _:
                    found += segment
        return tuple(found)

    def _chain(self, items: tuple[Item, ...], kind: str, form: Literal["row", "list"]) -> Instance:
        ones = [item for item in items if isinstance(item, One)]
        unnamed = tuple(replace(one, names=(Name("", i),)) for i, one in enumerate(ones))
        program = Program((Apply((Name(kind),), Row(unnamed if form == "list" else items), 0, ones[-1].output),), 1)
        return Instance(self._interned(kind, program, (ones[0].input.channels, ones[-1].output.channels), form))

    def _body(self, kind: str, node: Node) -> Body:
        program = _Flow(self, node).program(node)
        return self._interned(kind, program, (node.input.channels, node.output.channels), "class")

    def _interned(self, *parts: Any) -> Body:
        return self._bodies.setdefault(parts, Body(*parts))

    def _items(self, node: Node, depth: int = 0) -> tuple[Item, ...] | None:
        """The node as modules in a row, or None where it is more than that."""
        items: list[Item] = []
        for part in steps(node, depth, ROW):
            match part:
                case Op(name=Name() as name):
                    items.append(One((name,), leaf(part), part.input, part.output))
                case Scope(name=name):
                    items.append(One((name,), self.term(part), part.input, part.output))
                case Repeat(count=count, body=body):
                    inner = self._items(body, depth + 1)
                    if inner is None:
                        return None
                    items.append(Many(count, inner))
                case _:
                    return None
        return tuple(items)


class _Flow:
    """The program of one scope's body."""

    def __init__(self, collector: _Collector, scope: Node) -> None:
        self.collector = collector
        self.shared = set(_shared([scope], ()))
        self.entered: dict[Path, int] = {}

    def program(self, node: Node, path: Path = (), depth: int = 0) -> Program:
        statements: list[Statement] = []
        result = self._flow(node, 0, path, depth, statements)
        return Program(tuple(statements), result, tuple(self.entered.items()) if depth == 0 else ())

    def _flow(self, node: Node, x: int, path: Path, depth: int, made: list[Statement]) -> int:
        """The value that the node makes of value `x`."""
        for part in steps(node, depth, PROGRAM):
            match part:
                case Op():
                    x = self._op(part, x, path, depth, made)
                case Parallel(paths=paths, merge=merge, inplace=inplace):
                    values = tuple(self._flow(inner, x, path, depth, made) for inner in paths)
                    merged = Merge(merge, values, part.residual, bool(inplace), -1 if part.output.last else 1, part.output)
                    x = values[0] if len(values) == 1 else _add(made, merged)
                case Repeat(count=count, body=body):
                    x = _add(made, Loop(path, count, self.program(body, path, depth + 1), x, part.output))
                case Scope(name=name, body=body) if (*path, name) in self.shared:
                    self.entered.setdefault((*path, name), len(made))
                    x = self._flow(body, x, (*path, name), 0, made)
                case Scope(name=name):
                    term = self.collector.term(part)
                    x = x if term == Row(()) else _add(made, Apply((*path, name), term, x, part.output))
        return x

    def _op(self, op: Op, x: int, path: Path, depth: int, made: list[Statement]) -> int:
        if isinstance(op.layer, Identity):
            return x
        if isinstance(op.layer, Flatten):
            return _add(made, Flat(x, op.output))
        term = leaf(op)
        if term.free and depth and _ramps(op.layer):  # a loop makes one for each turn
            term = replace(term, free=op.name is None)
        if term.free:
            name = Name(op.name.prefix if op.name and op.name.prefix else op.kind)
            return _add(made, Apply((name,), term, x, op.output))
        assert op.name is not None, f"{op.kind} has weights, and no name to keep them under"
        return _add(made, Apply((*path, op.name), term, x, op.output))


def leaf(op: Op) -> Leaf:
    """The torch call of a layer, its arguments by name; numbers that grow over a repeat stay ramps."""
    layer, x = op.layer, op.input
    calls = [layer.at(turn).call(x) for turn in (0, 1)]
    names = positions(calls[0].module)
    arguments: dict[str, Value] = {}
    for i, value in enumerate(calls[0].args):
        grows = calls[1].args[i] != value
        arguments[names[i]] = next(r for r in _ramps(layer) if float(r.start) == value) if grows else value
    for keyword, value in (*calls[0].kwargs, *calls[1].kwargs):
        field = getattr(layer, keyword, None)
        arguments[keyword] = field if isinstance(field, Ramp) else value
    tensors = layer.parameters(x)
    free = not tensors and not layer.buffers(x)
    return Leaf(calls[0].module, tuple(arguments.items()), start(op), "bias" in tensors, free, layer)


def start(op: Op) -> Init | None:
    """How a layer's tensors start, None where that is as torch's constructor makes them."""
    if op.init is None:
        return None
    tensors = op.layer.parameters(op.input)
    law, arguments, bias = op.init if "weight" in tensors else Init("default", (), op.init.bias)
    bias = bias if "bias" in tensors else None
    if isinstance(op.layer, Norm):
        law, arguments = ("default", ()) if (law, arguments) == STARTS_AS_ONE[:2] else (law, arguments)
        bias = bias or None
    return None if (law, bias) == ("default", None) else Init(law, arguments, bias)


def is_numbered(items: Iterable[Item]) -> bool:
    """Whether the names are 0, 1, 2, …: those that nn.Sequential gives by itself."""
    return all(name == str(i) for i, name in enumerate(_names(items, ())))


def _names(items: Iterable[Item], turns: tuple[int, ...]) -> Iterator[str]:
    for item in items:
        match item:
            case One(names=names):
                yield from (name.at(*turns) for name in names)
            case Many(count=count, items=inner):
                for turn in range(count):
                    yield from _names(inner, (*turns, turn))


def _renamed(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Layers that leave no trace in a state dict by their kind, where they only have a number and nothing else has that name."""
    taken = Counter(name for item in items if isinstance(item, One) for name in item.names)
    found = []
    for item in items:
        if isinstance(item, One) and isinstance(item.term, Leaf) and item.term.free and not item.names[0].prefix:
            kind = Name(item.term.layer.kind)
            taken[kind] += 1
            found.append(replace(item, names=(kind,)) if taken[kind] == 1 else item)
        else:
            found.append(item)
    return tuple(found)


# --- steps of a scope ---


def steps(node: Node, depth: int, limits: Limits) -> Iterator[Node]:
    """What runs in a row, flat, `depth` repeats deep in its scope: neighbours that share a scope's name as one scope,
    repeats within the limits written out."""
    for _, group in groupby(_flat(node, depth, limits), key=lambda part: part.name if isinstance(part, Scope) else id(part)):
        first, *others = group
        yield _joined(first, *others) if others else first


def _joined(*parts: Node) -> Scope:
    """Scopes of one name, one after the other."""
    first, last = parts[0], parts[-1]
    assert isinstance(first, Scope)
    bodies = tuple(part.body for part in parts if isinstance(part, Scope))
    body = Series(input=first.input, output=last.output, span=first.span, children=bodies)
    return Scope(input=first.input, output=last.output, span=first.span, name=first.name, body=body)


def _flat(node: Node, depth: int, limits: Limits) -> Iterator[Node]:
    match node:
        case Series(children=children):
            for child in children:
                yield from _flat(child, depth, limits)
        case Repeat(count=count, body=body) if count == 1 or _is_short(body, count, depth + 1, limits):
            for turn in range(count):
                yield from _flat(_at_turn(body, turn, depth), depth, limits)
        case _:
            yield node


def _is_short(body: Node, count: int, depth: int, limits: Limits) -> bool:
    least, most = limits
    return count <= most and least <= (n := sum(1 for _ in _flat(body, depth, limits))) and n * count <= most


def _at_turn(node: Node, turn: int, depth: int | None, *, ramps: bool = True) -> Node:
    """A repeat's body at one of its turns. `depth`: which of a name's steps the repeat takes (in scopes that open inside,
    None of them); `ramps`: whether it is the nearest repeat, which resolves them."""
    match node:
        case Op(name=name, layer=layer):
            return node.model_copy(update={"name": _moved(name, turn, depth), "layer": layer.at(turn) if ramps else layer})
        case Scope(name=name, body=body):
            inner = _at_turn(body, turn, None) if ramps and _varies(body) else body
            return node.model_copy(update={"name": _moved(name, turn, depth), "body": inner})
        case Series(children=children):
            return node.model_copy(update={"children": tuple(_at_turn(c, turn, depth, ramps=ramps) for c in children)})
        case Parallel(paths=paths):
            return node.model_copy(update={"paths": tuple(_at_turn(p, turn, depth, ramps=ramps) for p in paths)})
        case Repeat(body=body):
            return node.model_copy(update={"body": _at_turn(body, turn, depth, ramps=False)})


def _moved(name: Name | None, turn: int, depth: int | None) -> Name | None:
    if name is None or name.number is None or depth is None or len(name.steps) <= depth:
        return name
    number = name.number + name.steps[depth] * turn
    return Name(name.prefix, number, (*name.steps[:depth], *name.steps[depth + 1 :]))


def _varies(node: Node) -> bool:
    """Whether a repeat around the node decides about numbers in it."""
    match node:
        case Op(layer=layer):
            return bool(_ramps(layer))
        case Scope(body=body):
            return _varies(body)
        case Series(children=parts) | Parallel(paths=parts):
            return any(map(_varies, parts))
        case Repeat():
            return False


def _shared(nodes: Iterable[Node], path: Path) -> Iterator[Path]:
    """Scopes that stand in several places, not just side by side: their paths from the scope whose body this is."""
    found: dict[Name, list[Node]] = {}
    for node in nodes:
        for scope in _scopes(node):
            found.setdefault(scope.name, []).append(scope.body)
    for name, bodies in found.items():
        if len(bodies) > 1:
            yield (*path, name)
            yield from _shared(bodies, (*path, name))


def _scopes(node: Node) -> Iterator[Scope]:
    match node:
        case Scope():
            yield node
        case Parallel(paths=paths):
            for path in paths:
                yield from _scopes(path)
        case Series():
            for step in steps(node, 0, NOWHERE):
                yield from _scopes(step)
        case Repeat(body=body):
            yield from _scopes(body)
        case Op():
            pass


def _ramps(layer: Layer) -> list[Ramp]:
    return [value for value in vars(layer).values() if isinstance(value, Ramp)]


def _add(made: list[Statement], statement: Statement) -> int:
    made.append(statement)
    return len(made)
