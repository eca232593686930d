"""IR to terms: which scopes are rows of modules, which need a `forward` of their own; and with each
number its formula.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from resspec.passes.declared import AbbreviationSpan, DeclaredBody, DeclaredModule
from resspec.ir.formulas import (
    ENTERING,
    STRIDE,
    FormulaValue,
    Variable,
    constant,
    variables,
)
from resspec.passes.call_levels import UNKNOWN, CallLevel
from resspec.backends.source.torch_layers import BodyPlace, torch_layer
from resspec.backends.source.terms import (
    ModuleBody,
    ModuleCall,
    RowItem,
    TorchLayer,
    RowRepeat,
    RowModule,
    SequentialRow,
    Term,
    knowns,
)
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Repeat, Scope
from resspec.ir.ops.layer import plain
from resspec.ir.outputs import whole
from resspec.ir.shape import Name
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


def collect(network: Network, template: DeclaredBody | None) -> list[ModuleBody]:
    """Return all bodies of a network, each after those of the modules in it; the network's own is
    the last.
    """
    collector = _Collector()
    level = template.level if template else CallLevel(network.name)
    place = BodyPlace(template, level, level, is_fixed=True)
    collector.body(network.name, whole(network), 0, place)
    return collector.bodies


class _Collector:
    def __init__(self) -> None:
        self.bodies: list[ModuleBody] = []
        self._used: dict[tuple[str, bool], dict[str, None]] = {}
        self._made: dict[Hashable, ModuleBody | Term] = {}

    def body(self, kind: str, body: Located, first: int, place: BodyPlace) -> ModuleBody:
        """Return the body of a class."""

        def make(part: Located, index: int, depth: int) -> tuple[Path, Any] | None:
            if isinstance(part.node, Op):
                return self._op(part, part.node, index, place, depth)
            assert part.name is not None
            term = self._term(part, index, place, depth)
            return None if term == SequentialRow(()) else ((part.name,), term)

        program = schedule(body, make, first)
        leaving = place.template.leaving if place.template else UNKNOWN
        channels = (
            place.known(body.node.input.channels, place.level.entering, place.level),
            place.known(body.node.output.channels, leaving, place.level),
        )
        optional = frozenset(place.template.optional) if place.template else frozenset[int]()
        return self._added(ModuleBody(kind, program, place.own, channels, {}, optional=optional))

    def _added(self, body: ModuleBody) -> ModuleBody:
        body.used = self._used.setdefault((body.kind, body.is_row), {})
        level = body.level
        tested = [Variable(ENTERING), Variable(STRIDE), level.leaving.formula] if level.arm else []
        for formula in (*(known.formula for known in knowns(body.program)), *tested):
            body.used.update(dict.fromkeys(variables(level.expanded(formula))))
        self.bodies.append(body)
        return body

    # --- modules ---

    def _term(self, scope: Located, index: int, place: BodyPlace, depth: int) -> Term:
        """Return what the module of a scope is; shared subtrees are looked at once."""
        assert scope.name is not None
        call = place.call(index) if scope.block is not None else None
        if isinstance(call, DeclaredModule):
            level = call.template.level
            inner = BodyPlace(call.template, level, level.copy())
            key: Hashable = (call.template, scope.body)
            found = self._once(key, lambda: self._block(scope, inner))
            level, arguments = call.level, call.arguments
        else:
            is_fixed = not place.is_varying(depth)
            where = (place.level, index) if place.template else ()
            key = (scope.body, scope.block, scope.name.prefix, is_fixed, *where)
            found = self._once(key, lambda: self._group(scope, index, place, is_fixed))
            level, own = place.level, place.own.values.items()
            arguments = {name: FormulaValue(value, Variable(name)) for name, value in own}
        if isinstance(found, ModuleBody):
            return self._instance(found, arguments, level, place, depth)
        return found

    def _once(self, key: Hashable, make: Callable[[], ModuleBody | Term]) -> ModuleBody | Term:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def _block(self, scope: Located, place: BodyPlace) -> ModuleBody:
        """Return the module of a block: a row of numbered modules, or more."""
        items = self._items(scope.body, 0, place)
        if items is not None and _is_plain(items):
            return self._function(items, scope, place)
        assert scope.block is not None
        return self.body(scope.block, scope.body, 0, place)

    def _group(
        self, scope: Located, index: int, place: BodyPlace, is_fixed: bool
    ) -> ModuleBody | Term:
        """Return the module that no block is called for, or a block of which no declaration is
        known: all of its own place.
        """
        template = place.template if scope.block is None else None
        inside = BodyPlace(template, place.level, place.own, is_fixed=is_fixed)
        items = self._items(scope.body, index, inside)
        match items:
            case [RowModule(term=ModuleCall() as term, is_spread=True)] if _has_own_names(items):
                return term
            case tuple() if scope.block is None or _is_plain(items):
                return SequentialRow(items)
        own = replace(place.own.copy(), arm="", defaults={}) if template else CallLevel()
        assert scope.name is not None
        kind = scope.block or scope.name.prefix
        return self.body(kind, scope.body, index, BodyPlace(template, place.level, own))

    def _instance(
        self,
        body: ModuleBody,
        arguments: Mapping[str, FormulaValue],
        level: CallLevel,
        place: BodyPlace,
        depth: int,
    ) -> ModuleCall:
        """Return a module of a class, its arguments in the variables of this place."""
        given = {
            name: place.known(plain(known.value), known, level) for name, known in arguments.items()
        }
        for name, value in body.level.varying.items():
            role = name.partition(":")[0]
            given[name] = place.varying(value, role) if place.is_varying(depth) else constant(value)
        return ModuleCall(body, given, body.level.bare)

    # --- rows ---

    def _items(self, body: Located, first: int, place: BodyPlace) -> tuple[RowItem, ...] | None:
        """Return a body as modules in a row, or None where it is more than that."""
        if shared_scopes(body):
            return None
        name = numbering(step.name or "" for step in walk.unrolled(body))
        numbered = name is not None and not name.prefix
        return self._in_row(steps((first, body), 0, ROW), place, 0, numbered)

    def _in_row(
        self, parts: list[Step], place: BodyPlace, depth: int, numbered: bool
    ) -> tuple[RowItem, ...] | None:
        """`numbered`: whether the modules of the row have numbers that follow each other."""
        items: list[RowItem] = []
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
            match part.node:
                case Op() as op if part.name is not None and not op.layer.is_parameter:
                    layer = torch_layer(op, index, place, depth)
                    items.append(RowModule((part.name,), layer, op.output))
                case Scope(output=output) if part.name is not None:
                    term = self._term(part, index, place, depth)
                    items.append(RowModule((part.name,), term, output))
                case Repeat(count=count):
                    turn = steps((index, part.body), depth + 1, ROW)
                    inner = self._in_row(turn, place, depth + 1, numbered)
                    if not inner:
                        return None
                    items.append(RowRepeat(count, inner))
                case _:
                    return None
            position += 1
        return tuple(items if numbered or depth else _renamed(items))

    def _call(
        self,
        parts: list[Step],
        splice: AbbreviationSpan,
        place: BodyPlace,
        depth: int,
        numbered: bool,
    ) -> RowModule | None:
        """Return the row of an abbreviation."""
        inner = BodyPlace(place.template, splice.level, splice.level.copy(), depth)
        items = self._in_row(parts, inner, depth, numbered)
        if items is None:
            return None
        names = tuple(_names(items))
        if numbered:
            items = _moved(items, names[0].number or 0, depth)
        body = self._function(items, parts[-1][1], inner)
        term = self._instance(body, splice.level.arguments, place.level, place, depth)
        return RowModule(names, term, items[-1].output, is_spread=True)

    def _function(self, items: tuple[RowItem, ...], part: Located, place: BodyPlace) -> ModuleBody:
        program = Schedule((ApplyStatement(part, (), SequentialRow(items), 0),), 1)
        channels = (UNKNOWN, UNKNOWN)
        return self._added(
            ModuleBody(place.level.name, program, place.own, channels, {}, is_row=True)
        )

    # --- layers ---

    def _op(
        self, part: Located, op: Op, index: int, place: BodyPlace, depth: int
    ) -> tuple[Path, TorchLayer]:
        term = torch_layer(op, index, place, depth)
        if depth and op.layer.varies:  # a loop makes one for each turn
            term = replace(term, free=part.name is None)
        if term.free:
            return (Name(part.name.prefix if part.name and part.name.prefix else op.kind),), term
        assert part.name is not None, part.span
        return (part.name,), term


def _spliced(
    parts: list[Step], start: int, place: BodyPlace
) -> tuple[AbbreviationSpan | None, int]:
    """Return the abbreviation whose layers begin here, and where they end; None where there is
    none, or it is one layer.
    """
    for splice in place.template.splices if place.template else ():
        if splice.level.caller is not place.level or splice.first != parts[start][0]:
            continue
        for stop in range(start + 2, len(parts) + 1):
            index, part = parts[stop - 1]
            if index + leaves(part) == splice.last:
                return splice, stop
    return None, start + 1


# --- names in rows ---


def numbering(names: Iterable[str]) -> Name | None:
    """Return the first of names with consecutive numbers, such as `conv3` and `conv4`, or None if
    they are not consecutive.
    """
    parsed = [Name.parse(name) for name in names]
    first = parsed[0] if parsed else Name("", 0)
    if first.number is None:
        return None
    counted = [Name(first.prefix, first.number + i) for i in range(len(parsed))]
    return first if parsed == counted else None


def row_names(items: Iterable[RowItem], turns: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the names of the modules in a row, repeats written out."""
    for item in items:
        match item:
            case RowModule(names=names):
                yield from (name.at(*turns) for name in names)
            case RowRepeat(count=count, items=inner):
                for turn in range(count):
                    yield from row_names(inner, (*turns, turn))


def _is_plain(items: Iterable[RowItem]) -> bool:
    """Return whether the names are 0, 1, 2, …: those that nn.Sequential gives by itself."""
    return numbering(row_names(items)) == Name("", 0)


def _has_own_names(items: tuple[RowItem, ...]) -> bool:
    """Return whether the modules of a function's row have the names under which it returns them."""
    first = numbering(row_names(items))
    return first is None or bool(first.prefix) or first.number == 0


def _names(items: Iterable[RowItem]) -> Iterator[Name]:
    for item in items:
        match item:
            case RowModule(names=names):
                yield from names
            case RowRepeat(items=inner):
                yield from _names(inner)


def _moved(items: Iterable[RowItem], first: int, depth: int) -> tuple[RowItem, ...]:
    """Return items with names that count from 0, without the repeats around them."""
    found: list[RowItem] = []
    for item in items:
        match item:
            case RowModule(names=names):
                moved = [Name("", (name.number or 0) - first, name.steps[depth:]) for name in names]
                found.append(replace(item, names=tuple(moved)))
            case RowRepeat(items=inner):
                found.append(replace(item, items=_moved(inner, first, depth)))
    return tuple(found)


def _renamed(items: list[RowItem]) -> list[RowItem]:
    """Return items with names for layers that leave no trace in a state dict and only have a
    number, unless another item has the name.
    """
    taken = {name for item in items if isinstance(item, RowModule) for name in item.names}
    found: list[RowItem] = []
    for item in items:
        match item:
            case RowModule(names=[Name(prefix="")], term=TorchLayer(free=True, layer=layer)):
                name = Name(layer.kind)
                found.append(item if name in taken else replace(item, names=(name,)))
                taken.add(name)
            case _:
                found.append(item)
    return found
