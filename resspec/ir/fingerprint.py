"""The hash of what a network means: its parameters, their names and initial values, its outputs and gradients.

Layout, comments, templates, abbreviations, the division into stages, names of what has no parameters, and where a
repeat is written out do not count. The tree is brought to one normal form on the way: rows flat, scopes of one name
joined, equal neighbours counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.shape import Name

VERSION = "resspec.hash/1"


def fingerprint(network: Network, digests: Digests | None = None) -> str:
    """SHA-256, in hexadecimal. Digests that are given are filled, and serve for more than one network."""
    digest = (digests or Digests()).row((network.body,), ())
    return sha256("\n".join([VERSION, str(network.input), digest]).encode()).hexdigest()


class _Entry(NamedTuple):
    """A run of equal neighbours, whose names count up; `prefix` None has no name that matters."""

    prefix: str | None
    number: int | None
    times: int
    digest: str | tuple[Node, ...]  # of an op or merge; or the bodies of a scope, still to be joined
    turn: int | None


class Digests:
    """Digests of shared subtrees are computed once."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int | None, ...], tuple[str, tuple[Node, ...]]] = {}
        self._plain: dict[int, tuple[bool, bool, Node]] = {}
        self._ops: dict[tuple[int, int, int | None], tuple[str, Op]] = {}

    def op(self, op: Op, turn: int | None) -> str:
        """As `op_digest`; layers that are one object share theirs."""
        key = (id(op.layer), id(op.init), turn)
        if key not in self._ops:
            self._ops[key] = op_digest(op, turn), op
        return self._ops[key][0]

    def row(self, nodes: tuple[Node, ...], turns: tuple[int, ...], turn: int | None = None) -> str:
        """The digest of what runs in one scope. `turns` are of the scope's repeats, `turn` of the nearest repeat at all."""
        relevant = turn if any(self._traits(node)[1] for node in nodes) else None
        key = (relevant, *turns, None, *map(id, nodes))
        if key not in self._rows:
            entries = [entry for node in nodes for entry in self._entries(node, turns, relevant)]
            lines = [f"{e.prefix} {e.number} {e.times} {e.digest}" for e in _counted(self._joined(entries))]
            self._rows[key] = sha256("\n".join(lines).encode()).hexdigest(), nodes
        return self._rows[key][0]

    def _entries(self, node: Node, turns: tuple[int, ...], turn: int | None) -> Iterator[_Entry]:
        has_tensors, has_ramps, _ = self._traits(node)
        match node:
            case Op():
                if node.kind != "identity":
                    prefix, number = _place(node, turns) if has_tensors else (None, None)
                    yield _Entry(prefix, number, 1, self.op(node, turn if has_ramps else None), None)
            case Scope(body=body) if not has_tensors:
                yield from self._entries(body, turns, turn)
            case Scope(body=body):
                yield _Entry(*_place(node, turns), 1, (body,), turn)
            case Series(children=children):
                for child in children:
                    yield from self._entries(child, turns, turn)
            case Parallel(paths=(path,)):
                yield from self._entries(path, turns, turn)
            case Parallel(merge=merge, paths=paths):
                rows = [self.row((path,), turns, turn) for path in paths]
                yield _Entry(None, None, 1, f"{merge} {' '.join(rows)}", None)
            case Repeat(count=count, body=Op() | Scope() as body) if not turns and not has_ramps and _counts_up(body):
                for entry in self._entries(body, (0,), turn):
                    yield entry._replace(times=count * entry.times)
            case Repeat(count=count, body=body):
                for i in range(count):
                    yield from self._entries(body, (*turns, i), i)

    def _joined(self, entries: list[_Entry]) -> Iterator[_Entry]:
        """Neighbouring parts of one scope become one, and then each scope its digest."""
        for place, group in groupby(entries, key=lambda entry: None if isinstance(entry.digest, str) else entry[:3]):
            parts = list(group)
            first = parts[0]
            if place is None:
                yield from parts
            elif first.times == 1:
                bodies = tuple(body for part in parts for body in part.digest if not isinstance(body, str))
                yield first._replace(digest=self.row(bodies, (), first.turn))
            else:
                yield from (part._replace(digest=self.row(tuple(part.digest), (), part.turn)) for part in parts)  # type: ignore[arg-type]

    def _traits(self, node: Node) -> tuple[bool, bool, Node]:
        """Whether anything in it has parameters or buffers, and whether anything varies from turn to turn."""
        if (known := self._plain.get(id(node))) is not None:
            return known
        match node:
            case Op():
                layer = node.layer
                tensors = layer.weighted or bool(layer.parameters(node.input) or layer.buffers(node.input))
                traits = tensors, layer.varies
            case Scope(body=body) | Repeat(body=body):
                traits = self._traits(body)[:2]
            case Series(children=parts) | Parallel(paths=parts):
                traits = False, False
                for part in parts:
                    tensors, ramps, _ = self._traits(part)
                    traits = traits[0] or tensors, traits[1] or ramps
        self._plain[id(node)] = (*traits, node)
        return self._plain[id(node)]


def _counted(entries: Iterator[_Entry]) -> Iterator[_Entry]:
    """Equal neighbours whose numbers follow each other as one entry."""
    last: _Entry | None = None
    for entry in entries:
        if last and (last.prefix, last.digest) == (entry.prefix, entry.digest) and (
            entry.number == (None if last.number is None else last.number + last.times)
        ) and (entry.prefix is None or entry.number is not None):
            last = last._replace(times=last.times + entry.times)
            continue
        if last:
            yield last
        last = entry
    if last:
        yield last


def _place(node: Op | Scope, turns: tuple[int, ...]) -> tuple[str | None, int | None]:
    name = node.name
    if name is None:
        return None, None
    if not name.steps:
        return name.prefix, name.number
    if name.prefix[-1:].isdigit():  # number 1 of `relu6` and number 61 of `relu` are one name
        prefix, number, _ = Name.parse(name.at(*turns))
        return prefix, number
    assert name.number is not None
    return name.prefix, name.number + sum(step * turn for step, turn in zip(name.steps, turns, strict=False))


def _counts_up(node: Op | Scope) -> bool:
    return node.name is not None and node.name.steps[-1:] == (1,) and not node.name.prefix[-1:].isdigit()


def op_digest(op: Op, turn: int | None) -> str:
    """A layer with its fields and initial values; neither its name nor the shapes."""
    layer = op.layer if turn is None else op.layer.at(turn)
    fields = " ".join(f"{name}={value}" for name, value in vars(layer).items() if name != "inplace")
    init = op.init
    if init is not None and "bias" not in layer.parameters(op.input):
        init = init._replace(bias=Fraction(0))
    return f"{layer.kind} {fields} init={init}"
