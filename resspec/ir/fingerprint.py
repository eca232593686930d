"""The hash of what a network means: its parameters, their names and initial values, its outputs and
gradients.

Layout, comments, templates, abbreviations, the division into stages, names and scopes of what has
no parameters, and whether a repeat is written out do not count. Nor does the order of the two
operands of a sum or product where it changes no bit. The tree that is hashed is that of
`resspec.ir.hoisted`; here neighbors whose names count up are counted, and such operands sorted.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.hoisted import Hoisting
from resspec.ir.init import Init
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.regularize import Dropout, DropPathOp
from resspec.ir.outputs import marked
from resspec.ir.shape import Name

VERSION = "resspec.hash/2"


def fingerprint(network: Network, digests: Digests | None = None) -> str:
    """Return the SHA-256 of a network, in hexadecimal.

    Args:
        network: The network.
        digests: Those of other networks; they are filled, and serve for more than one.
    """
    digests = digests or Digests()
    sections = [section.located for section in marked(network).sections]
    digest = digests.row((digests.hoisting.whole(sections, network.input),), ())
    return sha256("\n".join([VERSION, str(network.input), digest]).encode()).hexdigest()


class _Entry(NamedTuple):
    """A run of equal neighbors.

    Attributes:
        prefix: Of their names; None where no name matters.
        number: The first, from which they count up.
        times: How many they are.
        holds: The digest of a layer or merge, or the bodies of a scope that are still to be joined.
        turn: Of the nearest repeat.
        at_fork: Whether another path also reads its input.
    """

    prefix: str | None
    number: int | None
    times: int
    holds: str | tuple[Located, ...]
    turn: int | None
    at_fork: bool = False


class Digests:
    """The digests of parts of networks, each computed once.

    Attributes:
        in_any_order: Whether the order of operands never counts, even where it changes bits.
    """

    def __init__(self, hoisting: Hoisting | None = None, *, in_any_order: bool = False) -> None:
        self.hoisting = hoisting or Hoisting()
        self.in_any_order = in_any_order
        self._rows: dict[tuple[object, ...], str] = {}
        self._draws: dict[Node, bool] = {}
        self._ops: dict[tuple[Op, int | None], str] = {}

    def op(self, op: Op, turn: int | None) -> str:
        """Return the digest of a layer's fields and initial values; neither name nor shapes
        count.
        """
        key = op, turn
        if (known := self._ops.get(key)) is None:
            known = self._ops[key] = _digest(op, turn)
        return known

    def row(
        self,
        parts: tuple[Located, ...],
        turns: tuple[int, ...],
        turn: int | None = None,
        *,
        at_fork: bool = False,
    ) -> str:
        """Return the digest of what runs in one scope.

        Args:
            parts: The steps.
            turns: Of the scope's repeats, outermost first.
            turn: Of the nearest repeat at all.
            at_fork: Whether another path also reads the input.
        """
        relevant = turn if turn is not None and any(map(self._has_ramps, parts)) else None
        key = (relevant, turns, at_fork, parts)
        if (known := self._rows.get(key)) is None:
            entries: list[_Entry] = []
            for part in parts:
                self._collect(part, turns, relevant, entries, at_fork=at_fork)
            text = "\n".join(_lines(self._with_digests(entries)))
            known = self._rows[key] = sha256(text.encode()).hexdigest()
        return known

    def _collect(
        self,
        part: Located,
        turns: tuple[int, ...],
        turn: int | None,
        entries: list[_Entry],
        *,
        at_fork: bool = False,
    ) -> None:
        """Add the entries of a part to those of what runs before it."""
        node = part.node
        at_fork = at_fork and not entries
        match node:
            case Op():
                if node.kind != "identity":
                    prefix, number = (
                        _place(part, turns) if self.hoisting.has_tensors(node) else (None, None)
                    )
                    digest = self.op(node, turn if turn is not None and node.layer.varies else None)
                    entries.append(_Entry(prefix, number, 1, digest, None))
            case Series():
                for inner in part.parts:
                    self._collect(inner, turns, turn, entries, at_fork=at_fork)
            case Scope():
                if self.hoisting.has_tensors(node):
                    place = _place(part, turns)
                    entries.append(_Entry(*place, 1, (part.body,), turn, at_fork))
                else:
                    self._collect(part.body, turns, turn, entries, at_fork=at_fork)
            case Parallel(merge=merge):
                rows = [self.row((path,), turns, turn, at_fork=True) for path in part.parts]
                if self._may_swap(node, at_fork=at_fork):
                    rows.sort()
                entries.append(_Entry(None, None, 1, f"{merge} {' '.join(rows)}", None))
            case Repeat(count=count) if at_fork and _begins_with_merge(node):
                for i in range(count):
                    self._collect(part.body, (*turns, i), i, entries, at_fork=True)
            case Repeat(count=count):
                self._repeat(part.body, count, turns, turn, entries)

    def _repeat(
        self,
        body: Located,
        count: int,
        turns: tuple[int, ...],
        turn: int | None,
        entries: list[_Entry],
    ) -> None:
        if not turns and _counts_up(body) and not self._has_ramps(body):
            own: list[_Entry] = []
            self._collect(body, (0,), turn, own)
            entries += [entry._replace(times=count * entry.times) for entry in own]
            return
        for i in range(count):
            self._collect(body, (*turns, i), i, entries)

    def _may_swap(self, merge: Parallel, *, at_fork: bool) -> bool:
        """Return whether the order of a merge's operands changes no bit of outputs and gradients.

        It could where three or more read one value, whose gradients are added up in order.
        """
        if merge.merge == "concat":
            return False
        if self.in_any_order:
            return True
        if at_fork or len(merge.paths) > 2 or any(map(_begins_with_merge, merge.paths)):
            return False
        with_tensors = sum(map(self.hoisting.has_tensors, merge.paths))
        with_draws = sum(walk.fold(path, _draws, self._draws) for path in merge.paths)
        return with_tensors < 2 and with_draws < 2

    def _with_digests(self, entries: list[_Entry]) -> list[_Entry]:
        """Join neighbors of one scope, and give each scope its digest."""
        return [
            entry if isinstance(entry.holds, str) else self._with_digest(entry, entry.holds)
            for entry in walk.joined(entries, _scope, _together)
        ]

    def _with_digest(self, scope: _Entry, bodies: tuple[Located, ...]) -> _Entry:
        digest = self.row(bodies, (), scope.turn, at_fork=scope.at_fork)
        return _Entry(scope.prefix, scope.number, scope.times, digest, None)

    def _has_ramps(self, part: Located) -> bool:
        """Return whether anything in it varies from turn to turn."""
        return self.hoisting.has_ramps(part.node)


def _digest(op: Op, turn: int | None) -> str:
    layer = op.layer if turn is None else op.layer.at(turn)
    has_bias = op.init is not None and "bias" in layer.parameters(op.input)
    return f"{_layer(layer)} init={_init(op.init, has_bias=has_bias)}"


@lru_cache(1 << 12)
def _layer(layer: Layer) -> str:
    counting = {name: value for name, value in vars(layer).items() if _counts(layer, name, value)}
    fields = [f"{name}={value}" for name, value in counting.items()]
    return f"{layer.kind} {' '.join(fields)}"


def _counts(layer: Layer, name: str, value: object) -> bool:
    if name in layer.later_fields:
        return bool(value != getattr(type(layer), name))
    return name != "inplace"


@lru_cache(1 << 12)
def _init(init: Init | None, *, has_bias: bool) -> str:
    if init is not None and not has_bias:
        init = init._replace(bias=Fraction(0))
    return str(init)


def _draws(node: Node, parts: list[bool]) -> bool:
    return (isinstance(node, Op) and isinstance(node.layer, Dropout | DropPathOp)) or any(parts)


def _begins_with_merge(node: Node) -> bool:
    match node:
        case Series(children=(first, *_)) | Scope(body=first) | Repeat(body=first):
            return _begins_with_merge(first)
        case _:
            return isinstance(node, Parallel)


def _scope(entry: _Entry) -> tuple[str | None, int | None] | None:
    """Return what a single scope shares with neighbors that are the same scope."""
    if isinstance(entry.holds, str) or entry.times > 1:
        return None
    return entry.prefix, entry.number


def _together(first: _Entry, second: _Entry) -> _Entry:
    assert isinstance(first.holds, tuple) and isinstance(second.holds, tuple)
    return first._replace(holds=first.holds + second.holds)


def _lines(entries: list[_Entry]) -> list[str]:
    """Return a line for each run of equal neighbors whose numbers follow each other."""
    runs: list[_Entry] = []
    for entry in entries:
        last = runs[-1] if runs else None
        if last is not None and _follows(entry, last):
            times = last.times + entry.times
            runs[-1] = _Entry(last.prefix, last.number, times, last.holds, None)
        else:
            runs.append(entry)
    return [f"{run.prefix} {run.number} {run.times} {run.holds}" for run in runs]


def _follows(entry: _Entry, last: _Entry) -> bool:
    if (entry.prefix, entry.holds) != (last.prefix, last.holds):
        return False
    if last.number is None:
        return entry.number is None and entry.prefix is None
    return entry.number == last.number + last.times


def _place(part: Located, turns: tuple[int, ...]) -> tuple[str | None, int | None]:
    name = part.name
    if name is None:
        return None, None
    if not name.steps:
        return name.prefix, name.number
    if name.prefix[-1:].isdigit():  # number 1 of `relu6` and number 61 of `relu` are one name
        prefix, number, _ = Name.parse(name.at(*turns))
        return prefix, number
    assert name.number is not None
    steps = zip(name.steps, turns, strict=False)
    return name.prefix, name.number + sum(step * turn for step, turn in steps)


def _counts_up(part: Located) -> bool:
    """Return whether the names of a repeated layer or module count up by one."""
    name = part.name
    return name is not None and name.steps[-1:] == (1,) and not name.prefix[-1:].isdigit()
