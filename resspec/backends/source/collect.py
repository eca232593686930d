"""IR to terms: which scopes are rows of modules, which need a `forward` of their own; and with each number its formula."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from resspec.backends.source.copied import positions
from resspec.backends.source.declared import BlockCall, LayerCall, Splice, Template
from resspec.ir.formulas import (
    ENTERING,
    STRIDE,
    Known,
    Variable,
    binary,
    constant,
    evaluate,
    plain,
    variables,
)
from resspec.backends.source.levels import UNKNOWN, Level
from resspec.backends.source.terms import Body, Instance, Item, Leaf, Many, One, Row, Term, knowns
from resspec.diagnostics import InternalError
from resspec.ir.init import STARTS_AS_ONE, Init
from resspec.ir.network import Network
from resspec.ir.ops.layer import Ramp
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Name
from resspec.passes.named import Node, Op, Repeat, Scope, Series, named
from resspec.passes.schedule import (
    ROW,
    ApplyStatement,
    Path,
    Schedule,
    Step,
    leaves,
    schedule,
    shared_scopes,
    steps,
)

# What torch's constructors call the channels that enter.
_ENTERING = "in_channels in_features num_features num_channels normalized_shape channels".split()
# Fields that a call leaves out where they are torch's default.
_OPTIONAL = (
    "stride padding output_padding dilation groups bias inplace eps momentum affine elementwise_affine ceil_mode "
    "count_include_pad track_running_stats"
).split()


@dataclass(eq=False)
class Place:
    """A scope's body while its terms are made: what its declaration says, at which level, and whose variables its class has."""

    template: Template | None
    level: Level
    own: Level
    depth: int = 0  # of repeats around all of it
    is_fixed: bool = False  # nothing depends on where the module stands: it is the network, or a repeat in its class is around

    def is_varying(self, depth: int) -> bool:
        """Return whether numbers at this depth of repeats may depend on where the module stands."""
        return not self.is_fixed and depth == self.depth

    def call(self, index: int) -> LayerCall | BlockCall | None:
        return self.template.calls.get(index) if self.template else None

    def known(self, value: Any, said: Known, level: Level) -> Known:
        """Return the value with the formula that is said of it at a level inside, if that holds."""
        while level is not self.level:
            if level.caller is None:
                return constant(value)
            said, level = level.outside(said), level.caller
        formula = plain(said.formula)
        if said.is_constant or plain(evaluate(formula, self.own.values)) != value:
            return constant(value)
        return Known(value, formula)

    def varying(self, value: Any, role: str) -> Known:
        """Return a value that depends on where the module stands: a variable that the declaration does not have."""
        name = f"{role}:{len(self.own.varying)}"
        self.own.values[name] = self.own.varying[name] = value
        return Known(value, Variable(name))


def collect(network: Network, template: Template | None) -> list[Body]:
    """Return all bodies of a network, each after those of the modules in it; the network's own is the last."""
    collector = _Collector()
    level = template.level if template else Level(network.name)
    collector.body(network.name, named(network), 0, Place(template, level, level, is_fixed=True))
    return collector.bodies


class _Collector:
    def __init__(self) -> None:
        self.bodies: list[Body] = []
        self._used: dict[tuple[str, bool], dict[str, None]] = {}
        self._made: dict[Hashable, tuple[Node, Body | Term]] = {}

    def body(self, kind: str, node: Node, first: int, place: Place) -> Body:
        """Return the body of a class."""

        def make(part: Op | Scope, index: int, depth: int) -> tuple[Path, Any] | None:
            if isinstance(part, Scope):
                term = self._term(part, index, place, depth)
                return None if term == Row(()) else ((part.name,), term)
            return self._op(part, index, place, depth)

        program = schedule(node, make, first)
        leaving = place.template.leaving if place.template else UNKNOWN
        channels = (
            place.known(node.input.channels, place.level.entering, place.level),
            place.known(node.output.channels, leaving, place.level),
        )
        optional = frozenset(place.template.optional) if place.template else frozenset[int]()
        return self._added(Body(kind, program, place.own, channels, {}, optional=optional))

    def _added(self, body: Body) -> Body:
        body.used = self._used.setdefault((body.kind, body.is_row), {})
        level = body.level
        tested = [Variable(ENTERING), Variable(STRIDE), level.leaving.formula] if level.arm else []
        for formula in (*(known.formula for known in knowns(body.program)), *tested):
            body.used.update(dict.fromkeys(variables(level.expanded(formula))))
        self.bodies.append(body)
        return body

    # --- modules ---

    def _term(self, scope: Scope, index: int, place: Place, depth: int) -> Term:
        """Return what the module of a scope is; shared subtrees are looked at once."""
        call = place.call(index) if scope.block is not None else None
        if isinstance(call, BlockCall):
            level = call.template.level
            inner = Place(call.template, level, level.copy())
            key = (id(call.template), id(scope.body))
            body = self._once(key, scope, lambda: self._block(scope, inner))
            assert isinstance(body, Body)
            return self._instance(body, call.arguments, call.level, place, depth)
        looped = not place.is_varying(depth)
        where = (id(place.level), index) if place.template else ()
        kind = (id(scope.body), scope.block, scope.name.prefix, looped)
        found = self._once((*kind, *where), scope, lambda: self._group(scope, index, place, looped))
        if isinstance(found, Body):
            given = {name: Known(value, Variable(name)) for name, value in place.own.values.items()}
            return self._instance(found, given, place.level, place, depth)
        return found

    def _once(self, key: Hashable, scope: Scope, make: Callable[[], Body | Term]) -> Body | Term:
        if key not in self._made:
            self._made[key] = scope, make()
        return self._made[key][1]

    def _block(self, scope: Scope, place: Place) -> Body:
        items = None if shared_scopes(scope.body) else self._items(scope.body, 0, place)
        if items is not None and _is_numbered(items):
            return self._function(items, place)
        assert scope.block is not None
        return self.body(scope.block, scope.body, 0, place)

    def _group(self, scope: Scope, index: int, place: Place, looped: bool) -> Body | Term:
        """What no block is called for, or a block of which no declaration is known: all of its own place."""
        template = place.template if scope.block is None else None
        inside = Place(template, place.level, place.own, is_fixed=looped)
        items = None if shared_scopes(scope.body) else self._items(scope.body, index, inside)
        if items is not None and (scope.block is None or _is_numbered(items)):
            return _row(items)
        own = replace(place.own.copy(), arm="", defaults={}) if template else Level()
        kind = scope.block or scope.name.prefix
        return self.body(kind, scope.body, index, Place(template, place.level, own))

    def _instance(
        self, body: Body, arguments: Any, level: Level, place: Place, depth: int
    ) -> Instance:
        """Return a module of a class, its arguments in the variables of this place."""
        given = {
            name: place.known(plain(known.value), known, level) for name, known in arguments.items()
        }
        for name, value in body.level.varying.items():
            role = name.partition(":")[0]
            given[name] = place.varying(value, role) if place.is_varying(depth) else constant(value)
        return Instance(body, given, body.level.bare)

    # --- rows ---

    def _items(self, node: Node, first: int, place: Place) -> tuple[Item, ...] | None:
        """Return the node as modules in a row, or None where it is more than that."""
        parts = list(steps((first, node), 0, ROW))
        return self._in_row(parts, place, 0, all(_has_numbers(part) for _, part in parts))

    def _in_row(
        self, parts: list[Step], place: Place, depth: int, numbered: bool
    ) -> tuple[Item, ...] | None:
        """`numbered`: whether no module of the row has a name."""
        items: list[Item] = []
        position = 0
        while position < len(parts):
            index, part = parts[position]
            splice, stop = _spliced(parts, position, place)
            if splice is not None and (numbered or (stop - position == len(parts) and not depth)):
                called = self._call(parts[position:stop], splice, place, depth, numbered)
                if called is None:
                    return None
                items.append(called)
                position = stop
                continue
            match part:
                case Op(name=Name() as name):
                    items.append(One((name,), self._leaf(part, index, place, depth), part.output))
                case Scope(name=name):
                    items.append(One((name,), self._term(part, index, place, depth), part.output))
                case Repeat(count=count, body=body):
                    turn = list(steps((index, body), depth + 1, ROW))
                    inner = self._in_row(turn, place, depth + 1, numbered)
                    if not inner:
                        return None
                    items.append(Many(count, inner))
                case _:
                    return None
            position += 1
        return tuple(items)

    def _call(
        self, parts: list[Step], splice: Splice, place: Place, depth: int, numbered: bool
    ) -> One | None:
        """Return the row of an abbreviation."""
        inner = Place(place.template, splice.level, splice.level.copy(), depth)
        items = self._in_row(parts, inner, depth, numbered)
        if items is None:
            return None
        if not numbered:
            items = _renamed(items)
        names = tuple(name for item in items for name in _all_names(item))
        if numbered:
            first = names[0].number or 0
            items = tuple([_moved(item, first, depth) for item in items])
        body = self._function(items, inner)
        term = self._instance(body, splice.level.arguments, place.level, place, depth)
        return One(names, term, _output(items[-1]), is_spread=True)

    def _function(self, items: tuple[Item, ...], place: Place) -> Body:
        program = Schedule((ApplyStatement((), Row(items), 0, _output(items[-1])),), 1)
        return self._added(
            Body(place.level.name, program, place.own, (UNKNOWN, UNKNOWN), {}, is_row=True)
        )

    # --- layers ---

    def _op(self, op: Op, index: int, place: Place, depth: int) -> tuple[Path, Any]:
        term = self._leaf(op, index, place, depth)
        if depth and op.layer.varies:  # a loop makes one for each turn
            term = replace(term, free=op.name is None)
        if term.free:
            return (Name(op.name.prefix if op.name and op.name.prefix else op.kind),), term
        if op.name is None:
            raise InternalError(f"{op.span}: {op.kind} has weights, and no name to keep them under")
        return (op.name,), term

    def _leaf(self, op: Op, index: int, place: Place, depth: int) -> Leaf:
        """Return the torch call of a layer, its arguments by name; numbers that grow over a repeat stay ramps."""
        call = place.call(index)
        said = dict(_said(op, call)) if isinstance(call, LayerCall) else {}
        given, left_out = _given(op), set[str]()
        for name in _OPTIONAL:
            if name in said and name not in given and isinstance(call, LayerCall):
                value = plain(getattr(op.layer, name))
                if not place.known(value, said[name], call.level).is_constant:
                    given[name] = value
                    left_out.add(name)
        values = []
        names = _ordered(given, op)
        for name in names:
            value, known = given[name], constant(given[name])
            if name in said and isinstance(call, LayerCall):
                known = place.known(value, said[name], call.level)
            depends = said.get(name) == UNKNOWN or isinstance(value, Ramp)
            if known.is_constant and depends and place.is_varying(depth):
                known = place.varying(value, op.kind if name == "p" else name)
            values.append(known)
        tensors = op.layer.parameters(op.input)
        free = not tensors and not op.layer.buffers(op.input)
        module = op.layer.at(0).call(op.input).module
        return Leaf(
            module,
            names,
            start(op),
            "bias" in tensors,
            free,
            tuple(values),
            frozenset(left_out),
            op.layer,
        )


def _given(op: Op) -> dict[str, Any]:
    """The arguments of a layer's call by name."""
    layer, x = op.layer, op.input
    calls = [layer.at(turn).call(x) for turn in (0, 1)]
    names = positions(calls[0].module)
    ramps = [value for value in vars(layer).values() if isinstance(value, Ramp)]
    given: dict[str, Any] = {}
    for i, value in enumerate(calls[0].args):
        grows = calls[1].args[i] != value
        given[names[i]] = next(r for r in ramps if float(r.start) == value) if grows else value
    for keyword, value in (*calls[0].kwargs, *calls[1].kwargs):
        field = getattr(layer, keyword, None)
        given[keyword] = field if isinstance(field, Ramp) else value
    return given


def _ordered(given: Iterable[str], op: Op) -> tuple[str, ...]:
    """Arguments in the order in which they are written: by position, then as the fields of the layer stand."""
    positional = positions(op.layer.at(0).call(op.input).module)
    order = [*positional, *(field.name for field in fields(op.layer))]
    return tuple(
        sorted(given, key=lambda name: (order.index(name) if name in order else len(order), name))
    )


def _said(op: Op, call: LayerCall) -> Iterator[tuple[str, Known]]:
    """What a call says of the arguments of torch's constructor."""
    yield from call.fields.items()
    for name in _ENTERING:
        yield name, call.entering
    if op.kind == "pad_channels":
        formula = binary("-", call.fields["out_channels"].formula, call.entering.formula)
        yield "amount", Known(None, formula)
    if op.kind == "chunk":
        width = binary("//", call.entering.formula, call.fields["chunks"].formula)
        part = call.fields["part"].formula
        yield "start", Known(None, binary("*", part, width))
        yield "stop", Known(None, binary("*", binary("+", part, 1), width))


def start(op: Op) -> Init | None:
    """Return how a layer's tensors start, None where that is as torch's constructor makes them."""
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


def _spliced(parts: list[Step], start: int, place: Place) -> tuple[Splice | None, int]:
    """The abbreviation whose layers begin here, and where they end; None where there is none, or it is one layer."""
    for splice in place.template.splices if place.template else ():
        if splice.level.caller is not place.level or splice.first != parts[start][0]:
            continue
        for stop in range(start + 2, len(parts) + 1):
            index, part = parts[stop - 1]
            if index + leaves(part) == splice.last:
                return splice, stop
    return None, start + 1


def _has_numbers(part: Node) -> bool:
    """Whether the modules of a step in a row have no names."""
    match part:
        case Op(name=Name(prefix="")) | Scope(name=Name(prefix="")):
            return True
        case Series(children=children):
            return all(map(_has_numbers, children))
        case Repeat(body=body):
            return _has_numbers(body)
        case _:
            return False


def _row(items: tuple[Item, ...]) -> Term:
    """A row of modules; that of a function alone is what the function returns."""
    match items:
        case [One(names=names, term=Instance() as term, is_spread=True)] if _is_plain(term, names):
            return term
        case _:
            return Row(_renamed(items))


def _is_plain(term: Instance, names: Path) -> bool:
    """Whether modules have the names under which a function returns them."""
    row = term.body.program.statements[0]
    assert isinstance(row, ApplyStatement)
    return names == tuple(name for item in row.what.items for name in _all_names(item))


# --- names in rows ---


def _is_numbered(items: Iterable[Item]) -> bool:
    """Whether the names are 0, 1, 2, …: those that nn.Sequential gives by itself."""
    return all(name == str(i) for i, name in enumerate(row_names(items)))


def row_names(items: Iterable[Item], turns: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the names of the modules in a row, repeats written out."""
    for item in items:
        match item:
            case One(names=names):
                yield from (name.at(*turns) for name in names)
            case Many(count=count, items=inner):
                for turn in range(count):
                    yield from row_names(inner, (*turns, turn))


def _all_names(item: Item) -> Iterator[Name]:
    match item:
        case One(names=names):
            yield from names
        case Many(items=items):
            for inner in items:
                yield from _all_names(inner)


def _output(item: Item) -> Any:
    return _output(item.items[-1]) if isinstance(item, Many) else item.output


def _moved(item: Item, first: int, depth: int) -> Item:
    """The item with names that count from 0, without the repeats around it."""
    match item:
        case One(names=names):
            moved = [Name("", (name.number or 0) - first, name.steps[depth:]) for name in names]
            return replace(item, names=tuple(moved))
        case Many(items=items):
            return replace(item, items=tuple([_moved(inner, first, depth) for inner in items]))


def _renamed(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """With names for layers that leave no trace in a state dict and only have a number, as far as nothing else has them."""
    if _is_numbered(items):
        return items
    taken = Counter(name for item in items if isinstance(item, One) for name in item.names)
    found: list[Item] = []
    for item in items:
        match item:
            case One(names=[Name(prefix="")], term=Leaf(free=True, layer=layer)):
                kind = Name(layer.kind)
                taken[kind] += 1
                found.append(replace(item, names=(kind,)) if taken[kind] == 1 else item)
            case _:
                found.append(item)
    return tuple(found)
