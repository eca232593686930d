"""IR to terms: which scopes are rows of modules, which need a `forward` of their own; and with each number its formula."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from resspec.passes.declarations import (
    DeclaredModule,
    AbbreviationSpan,
    DeclaredBody,
)
from resspec.ir.formulas import (
    ENTERING,
    STRIDE,
    FormulaValue,
    Variable,
    constant,
    plain,
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
from resspec.diagnostics import InternalError
from resspec.ir.network import Network
from resspec.ir.shape import Name
from resspec.passes.named import NamedNode, NamedOp, NamedRepeat, NamedScope, NamedSeries, named
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
    """Return all bodies of a network, each after those of the modules in it; the network's own is the last."""
    collector = _Collector()
    level = template.level if template else CallLevel(network.name)
    collector.body(
        network.name, named(network), 0, BodyPlace(template, level, level, is_fixed=True)
    )
    return collector.bodies


class _Collector:
    def __init__(self) -> None:
        self.bodies: list[ModuleBody] = []
        self._used: dict[tuple[str, bool], dict[str, None]] = {}
        self._made: dict[Hashable, tuple[NamedNode, ModuleBody | Term]] = {}

    def body(self, kind: str, node: NamedNode, first: int, place: BodyPlace) -> ModuleBody:
        """Return the body of a class."""

        def make(part: NamedOp | NamedScope, index: int, depth: int) -> tuple[Path, Any] | None:
            if isinstance(part, NamedScope):
                term = self._term(part, index, place, depth)
                return None if term == SequentialRow(()) else ((part.name,), term)
            return self._op(part, index, place, depth)

        program = schedule(node, make, first)
        leaving = place.template.leaving if place.template else UNKNOWN
        channels = (
            place.known(node.input.channels, place.level.entering, place.level),
            place.known(node.output.channels, leaving, place.level),
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

    def _term(self, scope: NamedScope, index: int, place: BodyPlace, depth: int) -> Term:
        """Return what the module of a scope is; shared subtrees are looked at once."""
        call = place.call(index) if scope.block is not None else None
        if isinstance(call, DeclaredModule):
            level = call.template.level
            inner = BodyPlace(call.template, level, level.copy())
            key = (id(call.template), id(scope.body))
            body = self._once(key, scope, lambda: self._block(scope, inner))
            assert isinstance(body, ModuleBody)
            return self._instance(body, call.arguments, call.level, place, depth)
        looped = not place.is_varying(depth)
        where = (id(place.level), index) if place.template else ()
        kind = (id(scope.body), scope.block, scope.name.prefix, looped)
        found = self._once((*kind, *where), scope, lambda: self._group(scope, index, place, looped))
        if isinstance(found, ModuleBody):
            given = {
                name: FormulaValue(value, Variable(name))
                for name, value in place.own.values.items()
            }
            return self._instance(found, given, place.level, place, depth)
        return found

    def _once(
        self, key: Hashable, scope: NamedScope, make: Callable[[], ModuleBody | Term]
    ) -> ModuleBody | Term:
        if key not in self._made:
            self._made[key] = scope, make()
        return self._made[key][1]

    def _block(self, scope: NamedScope, place: BodyPlace) -> ModuleBody:
        items = None if shared_scopes(scope.body) else self._items(scope.body, 0, place)
        if items is not None and _is_numbered(items):
            return self._function(items, place)
        assert scope.block is not None
        return self.body(scope.block, scope.body, 0, place)

    def _group(
        self, scope: NamedScope, index: int, place: BodyPlace, looped: bool
    ) -> ModuleBody | Term:
        """What no block is called for, or a block of which no declaration is known: all of its own place."""
        template = place.template if scope.block is None else None
        inside = BodyPlace(template, place.level, place.own, is_fixed=looped)
        items = None if shared_scopes(scope.body) else self._items(scope.body, index, inside)
        if items is not None and (scope.block is None or _is_numbered(items)):
            return _row(items)
        own = replace(place.own.copy(), arm="", defaults={}) if template else CallLevel()
        kind = scope.block or scope.name.prefix
        return self.body(kind, scope.body, index, BodyPlace(template, place.level, own))

    def _instance(
        self, body: ModuleBody, arguments: Any, level: CallLevel, place: BodyPlace, depth: int
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

    def _items(self, node: NamedNode, first: int, place: BodyPlace) -> tuple[RowItem, ...] | None:
        """Return the node as modules in a row, or None where it is more than that."""
        parts = list(steps((first, node), 0, ROW))
        numbered = all(_has_numbers(part) for _, part in parts)
        items = self._in_row(parts, place, 0, numbered)
        if numbered and items and not _counts_up(items):
            return self._in_row(parts, place, 0, numbered=False)
        return items

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
            match part:
                case NamedOp(name=Name() as name):
                    items.append(
                        RowModule((name,), torch_layer(part, index, place, depth), part.output)
                    )
                case NamedScope(name=name):
                    items.append(
                        RowModule((name,), self._term(part, index, place, depth), part.output)
                    )
                case NamedRepeat(count=count, body=body):
                    turn = list(steps((index, body), depth + 1, ROW))
                    inner = self._in_row(turn, place, depth + 1, numbered)
                    if not inner:
                        return None
                    items.append(RowRepeat(count, inner))
                case _:
                    return None
            position += 1
        return tuple(items)

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
        if not numbered:
            items = _renamed(items)
        names = tuple(name for item in items for name in _all_names(item))
        if numbered:
            first = names[0].number or 0
            items = tuple([_moved(item, first, depth) for item in items])
        body = self._function(items, inner)
        term = self._instance(body, splice.level.arguments, place.level, place, depth)
        return RowModule(names, term, _output(items[-1]), is_spread=True)

    def _function(self, items: tuple[RowItem, ...], place: BodyPlace) -> ModuleBody:
        program = Schedule((ApplyStatement((), SequentialRow(items), 0, _output(items[-1])),), 1)
        return self._added(
            ModuleBody(place.level.name, program, place.own, (UNKNOWN, UNKNOWN), {}, is_row=True)
        )

    # --- layers ---

    def _op(self, op: NamedOp, index: int, place: BodyPlace, depth: int) -> tuple[Path, Any]:
        term = torch_layer(op, index, place, depth)
        if depth and op.layer.varies:  # a loop makes one for each turn
            term = replace(term, free=op.name is None)
        if term.free:
            return (Name(op.name.prefix if op.name and op.name.prefix else op.kind),), term
        if op.name is None:
            raise InternalError(f"{op.span}: {op.kind} has weights, and no name to keep them under")
        return (op.name,), term


def _spliced(
    parts: list[Step], start: int, place: BodyPlace
) -> tuple[AbbreviationSpan | None, int]:
    """The abbreviation whose layers begin here, and where they end; None where there is none, or it is one layer."""
    for splice in place.template.splices if place.template else ():
        if splice.level.caller is not place.level or splice.first != parts[start][0]:
            continue
        for stop in range(start + 2, len(parts) + 1):
            index, part = parts[stop - 1]
            if index + leaves(part) == splice.last:
                return splice, stop
    return None, start + 1


def _has_numbers(part: NamedNode) -> bool:
    """Whether the modules of a step in a row have no names."""
    match part:
        case NamedOp(name=Name("", int())) | NamedScope(name=Name("", int())):
            return True
        case NamedSeries(children=children):
            return all(map(_has_numbers, children))
        case NamedRepeat(body=body):
            return _has_numbers(body)
        case _:
            return False


def _row(items: tuple[RowItem, ...]) -> Term:
    """A row of modules; that of a function alone is what the function returns."""
    match items:
        case [RowModule(names=names, term=ModuleCall() as term, is_spread=True)] if _is_plain(
            term, names
        ):
            return term
        case _:
            return SequentialRow(_renamed(items))


def _is_plain(term: ModuleCall, names: Path) -> bool:
    """Whether modules have the names under which a function returns them."""
    row = term.body.program.statements[0]
    assert isinstance(row, ApplyStatement)
    return names == tuple(name for item in row.what.items for name in _all_names(item))


# --- names in rows ---


def _is_numbered(items: Iterable[RowItem]) -> bool:
    """Whether the names are 0, 1, 2, …: those that nn.Sequential gives by itself."""
    return all(name == str(i) for i, name in enumerate(row_names(items)))


def _counts_up(items: Sequence[RowItem]) -> bool:
    """Whether the names are numbers that follow each other."""
    names = list(row_names(items))
    return names == [str(i) for i in range(int(names[0]), int(names[0]) + len(names))]


def row_names(items: Iterable[RowItem], turns: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the names of the modules in a row, repeats written out."""
    for item in items:
        match item:
            case RowModule(names=names):
                yield from (name.at(*turns) for name in names)
            case RowRepeat(count=count, items=inner):
                for turn in range(count):
                    yield from row_names(inner, (*turns, turn))


def _all_names(item: RowItem) -> Iterator[Name]:
    match item:
        case RowModule(names=names):
            yield from names
        case RowRepeat(items=items):
            for inner in items:
                yield from _all_names(inner)


def _output(item: RowItem) -> Any:
    return _output(item.items[-1]) if isinstance(item, RowRepeat) else item.output


def _moved(item: RowItem, first: int, depth: int) -> RowItem:
    """The item with names that count from 0, without the repeats around it."""
    match item:
        case RowModule(names=names):
            moved = [Name("", (name.number or 0) - first, name.steps[depth:]) for name in names]
            return replace(item, names=tuple(moved))
        case RowRepeat(items=items):
            return replace(item, items=tuple([_moved(inner, first, depth) for inner in items]))


def _renamed(items: tuple[RowItem, ...]) -> tuple[RowItem, ...]:
    """With names for layers that leave no trace in a state dict and only have a number, as far as nothing else has them."""
    if _is_numbered(items):
        return items
    taken = Counter(name for item in items if isinstance(item, RowModule) for name in item.names)
    found: list[RowItem] = []
    for item in items:
        match item:
            case RowModule(names=[Name(prefix="")], term=TorchLayer(free=True, layer=layer)):
                kind = Name(layer.kind)
                taken[kind] += 1
                found.append(replace(item, names=(kind,)) if taken[kind] == 1 else item)
            case _:
                found.append(item)
    return tuple(found)
