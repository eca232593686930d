"""IR to terms: which scopes are rows of modules, which need a `forward` of their own, and the distinct bodies of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from resspec.backends.source.chains import Chains, list_key, repeated_chains, row_key, segments
from resspec.backends.source.copied import positions
from resspec.backends.source.steps import PROGRAM, ROW, ramps, shared_scopes, steps
from resspec.backends.source.terms import (
    Apply,
    Body,
    Flat,
    Instance,
    Item,
    Leaf,
    Loop,
    Many,
    Merge,
    One,
    Path,
    Program,
    Row,
    Statement,
    Term,
    Value,
)
from resspec.diagnostics import InternalError
from resspec.ir.init import STARTS_AS_ONE, Init
from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.layer import Ramp
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Name


def collect(network: Network) -> Body:
    """The body of a network. Chains of layers that it has in many places are bodies too."""
    chains = repeated_chains(_Collector({}).network(network))
    return _Collector(chains).network(network)


def leaf(op: Op) -> Leaf:
    """The torch call of a layer, its arguments by name; numbers that grow over a repeat stay ramps."""
    layer, x = op.layer, op.input
    calls = [layer.at(turn).call(x) for turn in (0, 1)]
    names = positions(calls[0].module)
    arguments: dict[str, Value] = {}
    for i, value in enumerate(calls[0].args):
        grows = calls[1].args[i] != value
        arguments[names[i]] = (
            next(ramp for ramp in ramps(layer) if float(ramp.start) == value) if grows else value
        )
    for keyword, value in (*calls[0].kwargs, *calls[1].kwargs):
        field = getattr(layer, keyword, None)
        arguments[keyword] = field if isinstance(field, Ramp) else value
    tensors = layer.parameters(x)
    free = not tensors and not layer.buffers(x)
    return Leaf(
        calls[0].module, tuple(arguments.items()), _start(op), "bias" in tensors, free, layer
    )


def _start(op: Op) -> Init | None:
    """How a layer's tensors start, None where that is as torch's constructor makes them."""
    if op.init is None:
        return None
    tensors = op.layer.parameters(op.input)
    law, arguments, bias = op.init if "weight" in tensors else Init("default", (), op.init.bias)
    bias = bias if "bias" in tensors else None
    if isinstance(op.layer, Norm):
        law, arguments = (
            ("default", ()) if (law, arguments) == STARTS_AS_ONE[:2] else (law, arguments)
        )
        bias = bias or None
    return None if (law, bias) == ("default", None) else Init(law, arguments, bias)


class _Collector:
    """Terms of scopes; equal bodies are one object."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._bodies: dict[Hashable, Body] = {}
        self._terms: dict[Hashable, tuple[Scope, Term]] = {}

    def network(self, network: Network) -> Body:
        return self._body(network.name, network.body)

    def term(self, scope: Scope) -> Term:
        """What the module of a scope is; shared subtrees are looked at once."""
        key = (id(scope.body), scope.block, scope.name.prefix)
        if key not in self._terms:
            self._terms[key] = scope, self._term(scope)
        return self._terms[key][1]

    def _term(self, scope: Scope) -> Term:
        items = None if shared_scopes(scope.body) else self._items(scope.body)
        if items is not None and (scope.block is None or _is_numbered(items)):
            return self._row(items)
        return Instance(self._body(scope.block or scope.name.prefix, scope.body))

    def _items(self, node: Node, depth: int = 0) -> tuple[Item, ...] | None:
        """The node as modules in a row, or None where it is more than that."""
        items: list[Item] = []
        for part in steps(node, depth, ROW):
            match part:
                case Op(name=Name() as name):
                    items.append(One((name,), leaf(part), part.input, part.output))
                case Scope(name=name):
                    items.append(One((name,), self.term(part), part.input, part.output))
                case Repeat(count=count, body=body) if inner := self._items(body, depth + 1):
                    items.append(Many(count, inner))
                case _:
                    return None
        return tuple(items)

    def _row(self, items: tuple[Item, ...]) -> Term:
        if not _is_numbered(items):
            items = _renamed(items)
        elif row_key(items) not in self._chains:
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
                case [One() as first, *_, One() as last] if (
                    key := list_key(segment)
                ) in self._chains:
                    term = self._chain(tuple(segment), self._chains[key], "list")
                    names = tuple(
                        name for item in segment if isinstance(item, One) for name in item.names
                    )
                    found.append(One(names, term, first.input, last.output))
                case _:
                    found += segment
        return tuple(found)

    def _chain(self, items: tuple[Item, ...], kind: str, form: Literal["row", "list"]) -> Instance:
        ones = [item for item in items if isinstance(item, One)]
        if form == "list":
            ones = [replace(one, names=(Name("", i),)) for i, one in enumerate(ones)]
        program = Program((Apply((Name(kind),), Row(tuple(ones)), 0, ones[-1].output),), 1)
        return Instance(
            self._interned(kind, program, (ones[0].input.channels, ones[-1].output.channels), form)
        )

    def _body(self, kind: str, node: Node) -> Body:
        program = _Flow(self, shared_scopes(node)).program(node)
        return self._interned(kind, program, (node.input.channels, node.output.channels), "class")

    def _interned(self, *parts: Any) -> Body:
        return self._bodies.setdefault(parts, Body(*parts))


class _Flow:
    """The program of one scope's body."""

    def __init__(self, collector: _Collector, shared: set[Path]) -> None:
        self.collector = collector
        self.shared = shared
        self.entered: dict[Path, int] = {}

    def program(self, node: Node, path: Path = (), depth: int = 0) -> Program:
        made: list[Statement] = []
        result = self._flow(node, 0, path, depth, made)
        return Program(tuple(made), result, tuple(self.entered.items()) if depth == 0 else ())

    def _flow(self, node: Node, x: int, path: Path, depth: int, made: list[Statement]) -> int:
        """The value that the node makes of value x. `path`: the shared scopes around it."""
        for part in steps(node, depth, PROGRAM):
            match part:
                case Op():
                    x = self._op(part, x, path, depth, made)
                case Parallel(paths=paths, merge=merge, inplace=inplace):
                    values = tuple(self._flow(inner, x, path, depth, made) for inner in paths)
                    merged = Merge(
                        merge,
                        values,
                        part.residual,
                        bool(inplace),
                        -1 if part.output.last else 1,
                        part.output,
                    )
                    x = values[0] if len(values) == 1 else _add(made, merged)
                case Repeat(count=count, body=body):
                    x = _add(
                        made, Loop(path, count, self.program(body, path, depth + 1), x, part.output)
                    )
                case Scope(name=name, body=body) if (*path, name) in self.shared:
                    self.entered.setdefault((*path, name), len(made))
                    x = self._flow(body, x, (*path, name), 0, made)
                case Scope(name=name):
                    term = self.collector.term(part)
                    x = (
                        x
                        if term == Row(())
                        else _add(made, Apply((*path, name), term, x, part.output))
                    )
        return x

    def _op(self, op: Op, x: int, path: Path, depth: int, made: list[Statement]) -> int:
        if isinstance(op.layer, Identity):
            return x
        if isinstance(op.layer, Flatten):
            return _add(made, Flat(x, op.output))
        term = leaf(op)
        if depth and ramps(op.layer):  # a loop makes one for each turn
            term = replace(term, free=op.name is None)
        if term.free:
            name = Name(op.name.prefix if op.name and op.name.prefix else op.kind)
            return _add(made, Apply((name,), term, x, op.output))
        if op.name is None:
            raise InternalError(f"{op.span}: {op.kind} has weights, and no name to keep them under")
        return _add(made, Apply((*path, op.name), term, x, op.output))


def _add(made: list[Statement], statement: Statement) -> int:
    made.append(statement)
    return len(made)


# --- names in rows ---


def _is_numbered(items: Iterable[Item]) -> bool:
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
    """With names for layers that leave no trace in a state dict and only have a number, as far as nothing else has them."""
    taken = Counter(name for item in items if isinstance(item, One) for name in item.names)
    found: list[Item] = []
    for item in items:
        if (
            isinstance(item, One)
            and isinstance(item.term, Leaf)
            and item.term.free
            and not item.names[0].prefix
        ):
            kind = Name(item.term.layer.kind)
            taken[kind] += 1
            found.append(replace(item, names=(kind,)) if taken[kind] == 1 else item)
        else:
            found.append(item)
    return tuple(found)
