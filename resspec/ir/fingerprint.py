"""The hash of what a network means: its parameters, their names and initial values, its outputs and gradients.

Layout, comments, templates, abbreviations, the division into stages, names of what has no parameters, and where a
repeat is written out do not count. The tree is brought to one normal form on the way: rows flat, scopes of one name
joined, equal neighbours counted.
"""

from __future__ import annotations

from fractions import Fraction
from hashlib import sha256

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.shape import Name

VERSION = "resspec.hash/1"


def fingerprint(network: Network, digests: Digests | None = None) -> str:
    """SHA-256, in hexadecimal. Digests that are given are filled, and serve for more than one network."""
    digest = (digests or Digests()).row((network.body,), ())
    return sha256("\n".join([VERSION, str(network.input), digest]).encode()).hexdigest()


_Entry = tuple[str | None, int | None, int, str | tuple[Node, ...], int | None]
"""A run of equal neighbours: the prefix of their names (None has no name that matters) and the number from which they count
up, how many they are, the digest of an op or merge, or the bodies of a scope that are still to be joined, and the turn."""


class Digests:
    """Digests of shared subtrees are computed once."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int | None, ...], tuple[str, tuple[Node, ...]]] = {}
        self._tensors: dict[int, tuple[bool, Node | Layer]] = {}
        self._ramps: dict[int, tuple[bool, Node]] = {}
        self._ops: dict[tuple[int, int, int | None], tuple[str, Op]] = {}
        self._inits: dict[tuple[int, bool], str] = {}

    def op(self, op: Op, turn: int | None) -> str:
        """A layer with its fields and initial values, neither its name nor the shapes; found once for those that are one
        object."""
        key = (id(op.layer), id(op.init), turn)
        if (known := self._ops.get(key)) is None:
            known = self._ops[key] = self._digest(op, turn), op
        return known[0]

    def _digest(self, op: Op, turn: int | None) -> str:
        layer = op.layer if turn is None else op.layer.at(turn)
        fields = " ".join(
            [f"{name}={value}" for name, value in vars(layer).items() if name != "inplace"]
        )
        has_bias = op.init is not None and "bias" in layer.parameters(op.input)
        key = id(op.init), has_bias
        if (init := self._inits.get(key)) is None:
            init = self._inits[key] = str(
                op.init if op.init is None or has_bias else op.init._replace(bias=Fraction(0))
            )
        return f"{layer.kind} {fields} init={init}"

    def row(self, nodes: tuple[Node, ...], turns: tuple[int, ...], turn: int | None = None) -> str:
        """The digest of what runs in one scope. `turns` are of the scope's repeats, `turn` of the nearest repeat at all."""
        relevant = turn if turn is not None and any(map(self._has_ramps, nodes)) else None
        key = (relevant, *turns, None, *map(id, nodes))
        if (known := self._rows.get(key)) is None:
            entries: list[_Entry] = []
            for node in nodes:
                self._collect(node, turns, relevant, entries)
            known = self._rows[key] = (
                sha256("\n".join(_lines(self._joined(entries))).encode()).hexdigest(),
                nodes,
            )
        return known[0]

    def _collect(
        self, node: Node, turns: tuple[int, ...], turn: int | None, entries: list[_Entry]
    ) -> None:
        """The entries of a node, added to those of what runs before it."""
        match node:
            case Op():
                if node.kind != "identity":
                    prefix, number = (
                        _place(node, turns) if self._has_tensors(node) else (None, None)
                    )
                    digest = self.op(node, turn if turn is not None and node.layer.varies else None)
                    entries.append((prefix, number, 1, digest, None))
            case Series(children=children):
                for child in children:
                    self._collect(child, turns, turn, entries)
            case Scope(body=body) if not self._has_tensors(body):
                self._collect(body, turns, turn, entries)
            case Scope(body=body):
                entries.append((*_place(node, turns), 1, (body,), turn))
            case Parallel(paths=(path,)):
                self._collect(path, turns, turn, entries)
            case Parallel(merge=merge, paths=paths):
                rows = [self.row((path,), turns, turn) for path in paths]
                entries.append((None, None, 1, f"{merge} {' '.join(rows)}", None))
            case Repeat(count=count, body=Op() | Scope() as body) if (
                not turns and _counts_up(body) and (not self._has_ramps(body))
            ):
                own: list[_Entry] = []
                self._collect(body, (0,), turn, own)
                entries += [
                    (prefix, number, count * times, digest, at)
                    for prefix, number, times, digest, at in own
                ]
            case Repeat(count=count, body=body):
                for i in range(count):
                    self._collect(body, (*turns, i), i, entries)

    def _joined(self, entries: list[_Entry]) -> list[_Entry]:
        """Neighbouring parts of one scope become one, and then each scope its digest."""
        joined: list[_Entry] = []
        i = 0
        while i < len(entries):
            prefix, number, times, bodies, turn = entries[i]
            i += 1
            if isinstance(bodies, str):
                joined.append(entries[i - 1])
                continue
            while times == 1 and i < len(entries) and entries[i][:3] == (prefix, number, times):
                more = entries[i][3]
                if isinstance(more, str):
                    break
                bodies += more
                i += 1
            joined.append((prefix, number, times, self.row(bodies, (), turn), None))
        return joined

    def _has_tensors(self, node: Node) -> bool:
        """Whether anything in it has parameters or buffers; of a layer its fields alone decide that."""
        one = node.layer if isinstance(node, Op) else node
        if (known := self._tensors.get(id(one))) is not None:
            return known[0]
        match node:
            case Op(layer=layer):
                found = layer.weighted or bool(
                    layer.parameters(node.input) or layer.buffers(node.input)
                )
            case Scope(body=body) | Repeat(body=body):
                found = self._has_tensors(body)
            case Series(children=parts) | Parallel(paths=parts):
                found = any(map(self._has_tensors, parts))
        self._tensors[id(one)] = found, one
        return found

    def _has_ramps(self, node: Node) -> bool:
        """Whether anything in it varies from turn to turn."""
        if isinstance(node, Op):
            return node.layer.varies
        if (known := self._ramps.get(id(node))) is not None:
            return known[0]
        match node:
            case Scope(body=body) | Repeat(body=body):
                found = self._has_ramps(body)
            case Series(children=parts) | Parallel(paths=parts):
                found = any(map(self._has_ramps, parts))
        self._ramps[id(node)] = found, node
        return found


def _lines(entries: list[_Entry]) -> list[str]:
    """Equal neighbours whose numbers follow each other as one."""
    lines: list[str] = []
    prefix: str | None = None
    number: int | None = None
    digest: str | tuple[Node, ...] = ()
    times = 0
    for own, at, more, other, _ in entries:
        follows = at == (None if number is None else number + times) and (
            own is None or number is not None
        )
        if times and follows and own == prefix and other == digest:
            times += more
            continue
        if times:
            lines.append(f"{prefix} {number} {times} {digest}")
        prefix, number, times, digest = own, at, more, other
    return [*lines, f"{prefix} {number} {times} {digest}"] if times else lines


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
    return name.prefix, name.number + sum(
        step * turn for step, turn in zip(name.steps, turns, strict=False)
    )


def _counts_up(node: Op | Scope) -> bool:
    return (
        node.name is not None
        and node.name.steps[-1:] == (1,)
        and not node.name.prefix[-1:].isdigit()
    )
