"""Declarations beside the tree that was lowered from them: which formula stands behind each number of a layer.

A declaration is read once more, step by step with the layers that it became. Its formulas are kept where they give the
tree's values; where the steps do not match, the tree's own numbers stand.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from resspec.ir.formulas import (
    ENTERING,
    STRIDE,
    Known,
    binary,
    constant,
    plain,
)
from resspec.backends.source.levels import UNKNOWN, Env, Level, Mismatch, ignore
from resspec.ir.network import Network
from resspec.passes.named import Node, Op, Parallel, Repeat, Scope, Series, named
from resspec.ir.ops import OPS
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.lowering.arguments import sort
from resspec.lowering.block import is_only
from resspec.lowering.network import Declared
from resspec.lowering.scope import Library, find_one
from resspec.lowering.values import BlockRef, OptionRef
from resspec.syntax import ast

MAX_STEPS = 200_000


class LayerCall(NamedTuple):
    """What a call says of a layer: its fields, and the channels that enter, in the variables of its level."""

    level: Level
    fields: Mapping[str, Known]
    entering: Known


class BlockCall(NamedTuple):
    """A call of a block with a module of its own."""

    level: Level
    template: Template
    arguments: Mapping[str, Known]


class Splice(NamedTuple):
    """The layers from `first` up to `last` are those of an abbreviation."""

    first: int
    last: int
    level: Level


@dataclass(eq=False)
class Template:
    """What a declaration says of a scope's body. Layers and modules are numbered in order, those in repeats once."""

    level: Level
    leaving: Known = UNKNOWN
    calls: dict[int, LayerCall | BlockCall] = field(default_factory=dict)
    splices: list[Splice] = field(default_factory=list)
    optional: set[int] = field(
        default_factory=set
    )  # what stands there in some arms of the shortcut option alone


class Item(NamedTuple):
    """A step of the tree: a layer, a module, a repeat with its row, or a merge with a row for each path."""

    first: int
    last: int
    node: Node
    rows: list[list[Item]]


def items(node: Node, first: int = 0) -> list[Item]:
    """Return the steps of a scope's body in a row; labels leave no trace in it."""
    match node:
        case Op():
            implied = node.name is None and isinstance(node.layer, Flatten)
            return [] if implied else [Item(first, first + 1, node, [])]
        case Scope(block=str()):
            return [Item(first, first + 1, node, [])]
        case Scope(body=body):
            return items(body, first)
        case Series(children=children):
            return [item for row in _rows(children, first) for item in row]
        case Repeat(body=body):
            rows = [items(body, first)]
            return [Item(first, first + leaves(body), node, rows)]
        case Parallel(paths=paths):
            return [Item(first, first + leaves(node), node, _rows(paths, first))]


def _rows(nodes: Sequence[Node], first: int) -> list[list[Item]]:
    found = []
    for node in nodes:
        found.append(items(node, first))
        first += leaves(node)
    return found


def leaves(node: Node) -> int:
    """Return how many layers and modules of declared blocks stand in a node, those in repeats once."""
    match node:
        case Op() | Scope(block=str()):
            return 1
        case Series(children=parts) | Parallel(paths=parts):
            return sum(map(leaves, parts))
        case Scope(body=body) | Repeat(body=body):
            return leaves(body)


class Row:
    """The steps of a path, taken one by one."""

    def __init__(self, steps: list[Item], first: int) -> None:
        self.steps, self.position, self.first = steps, 0, first

    @property
    def next(self) -> Item | None:
        return self.steps[self.position] if self.position < len(self.steps) else None

    @property
    def end(self) -> int:
        """The number after that of the last layer taken."""
        return self.steps[self.position - 1].last if self.position else self.first

    def take(self, kind: type[Node]) -> Item:
        step = self.next
        if step is None or not isinstance(step.node, kind):
            raise Mismatch
        self.position += 1
        return step


def read(network: Network, declared: Declared) -> Template | None:
    """Return what a network's declaration says of its tree; None where they do not match."""
    try:
        return _Reader().network(network, declared)
    except Mismatch:
        return None


class _Reader:
    def __init__(self) -> None:
        self.option: Known = UNKNOWN
        self.replaced: dict[str, tuple[ast.LayerCall, Env]] = {}
        self.templates: dict[Hashable, Template | None] = {}
        self.template = Template(Level())
        self.steps = 0

    def network(self, network: Network, declared: Declared) -> Template:
        env, clauses = _network_env(declared)
        self.template = Template(env.level)
        chains = []
        for clause in clauses:
            match clause:
                case ast.Shortcut(option=ast.Identifier() as name):
                    self.option = env.known(name)
                case ast.Replace(kind=kind, call=call):
                    self.replaced[kind.text] = (call, env)
                case ast.ChainClause(kind=kind, chain=chain):
                    chains.append(("stem stage head".split().index(kind), chain))
                case ast.Stage(chain=chain):
                    chains.append((1, chain))
                case _:
                    pass
        row = Row(items(named(network)), 0)
        x = constant(network.input.channels)
        for _, chain in sorted(chains, key=lambda pair: pair[0]):
            x = self._chain(chain, env, x, row)
        if row.next:
            raise Mismatch
        return self.template

    def _block(
        self,
        body: Node,
        block: ast.Block,
        library: Library,
        given: dict[str, Known],
        bare: frozenset[str],
    ) -> Template | None:
        """Return what a block's declaration says of the body of one of its modules, once for equal arguments."""
        key = (id(body), id(block), *((name, known.value) for name, known in given.items()))
        if key not in self.templates:
            outer = self.template
            level = Level(block.name.text, None, given, bare=bare)
            self.template = Template(level)
            env = _block_env(level, block, library)
            row = Row(items(body), 0)
            try:
                self.template.leaving = self._body(block, env, env.x, row)
                self.templates[key] = None if row.next else self.template
            except Mismatch:
                self.templates[key] = None
            self.template = outer
        return self.templates[key]

    # --- chains ---

    def _chain(self, chain: ast.Chain, env: Env, x: Known, row: Row) -> Known:
        for step in chain.steps:
            x = self._step(step.item, env, x, row)
        return x

    def _step(
        self,
        step: ast.LayerCall | ast.MergeCall | ast.Group | ast.RepeatedStep,
        env: Env,
        x: Known,
        row: Row,
        strided: bool = True,
    ) -> Known:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Mismatch
        match step:
            case ast.LayerCall():
                return self._call(step, env, x, row, strided)
            case ast.Group(chain=chain):
                return self._chain(chain, env, x, row)
            case ast.MergeCall():
                return self._merge(step, env, x, row)
            case ast.RepeatedStep():
                return self._repeat(step, env, x, row, strided)

    def _merge(self, merge: ast.MergeCall, env: Env, x: Known, row: Row) -> Known:
        item = row.take(Parallel)
        if len(item.rows) != len(merge.paths):
            raise Mismatch
        leaving = [
            self._path(path, env, x, Row(steps, item.first))
            for path, steps in zip(merge.paths, item.rows, strict=True)
        ]
        first, *others = leaving
        if merge.name.text == "concat":
            for other in others:
                first = _sum(first, other)
        return first

    def _path(self, chain: ast.Chain, env: Env, x: Known, row: Row) -> Known:
        if row.next is None and is_only(chain, "identity"):
            return x
        x = self._chain(chain, env, x, row)
        if row.next:
            raise Mismatch
        return x

    def _repeat(
        self, times: ast.RepeatedStep, env: Env, x: Known, row: Row, strided: bool
    ) -> Known:
        count = env.known(times.turns)
        env.level.fix(count.formula)
        turn = 0
        while turn < _whole(count):
            position, item = row.position, row.next
            step = times.step.item
            if item and isinstance(item.node, Repeat) and item.node.count <= count.value - turn:
                inside = Row(item.rows[0], item.first)
                try:
                    y = self._step(step, env, x, inside, strided and not turn)
                    if inside.next:
                        raise Mismatch
                    if y.formula != x.formula:
                        env.level.fix(x.formula)
                        env.level.fix(y.formula)
                    row.position += 1
                    turn += item.node.count
                    x = y
                    continue
                except Mismatch:
                    row.position = position
            x = self._step(step, env, x, row, strided and not turn)
            if row.position == position:
                break
            turn += 1
        return x

    # --- calls ---

    def _call(self, call: ast.LayerCall, env: Env, x: Known, row: Row, strided: bool) -> Known:
        callee = (
            BlockRef(call.name.text, None, None)
            if call.name.text in OPS and call.name.text not in env.names
            else env.known(call.name).value
        )
        if not isinstance(callee, BlockRef):
            raise Mismatch
        if callee.block is None:
            return self._layer(callee.name, call, env, x, row, strided)
        assert callee.library is not None
        given = sort(call.arguments, ignore)
        arguments = {
            ENTERING: x,
            STRIDE: env.known(given.stride.value) if given.stride and strided else constant(1),
        }
        names = [parameter.name.text for parameter in callee.block.parameters]
        bare = dict(zip(names, given.bare, strict=False))
        stated = bare | {name: keyword.value for name, keyword in given.keywords.items()}
        arguments |= {name: env.known(stated[name]) for name in names if name in stated}
        if callee.block.is_module:
            return self._module(callee, arguments, frozenset(bare), env, row)
        level = Level(callee.name, env.level, arguments, bare=frozenset(bare))
        inner = _block_env(level, callee.block, callee.library)
        first = row.next.first if row.next else row.end
        splice = len(self.template.splices)
        leaving = self._body(callee.block, inner, inner.x, row)
        self.template.splices.insert(splice, Splice(first, row.end, level))
        return level.outside(leaving)

    def _module(
        self,
        callee: BlockRef,
        arguments: dict[str, Known],
        bare: frozenset[str],
        env: Env,
        row: Row,
    ) -> Known:
        item = row.take(Scope)
        scope = item.node
        assert isinstance(scope, Scope) and callee.block is not None and callee.library is not None
        if scope.block != callee.block.name.text:
            raise Mismatch
        arguments[ENTERING] = _checked(arguments[ENTERING], scope.input.channels)
        template = self._block(scope.body, callee.block, callee.library, arguments, bare)
        if template is None:
            return constant(scope.output.channels)
        here = Level(arguments=arguments, lets=template.level.lets)
        for name, default in template.level.defaults.items():
            arguments.setdefault(name, here.outside(default))
        for name in template.level.fixed:
            env.level.fix(arguments[name].formula)
        self.template.calls[item.first] = BlockCall(env.level, template, arguments)
        return _checked(here.outside(template.leaving), scope.output.channels)

    def _layer(
        self, kind: str, call: ast.LayerCall, env: Env, x: Known, row: Row, strided: bool
    ) -> Known:
        item = row.next
        if item is None or not isinstance(op := item.node, Op):
            if kind in ("identity", "none"):
                return x
            raise Mismatch
        home = env
        if kind in self.replaced:
            call, home = self.replaced[kind]
            kind = call.name.text
        if op.kind != kind:
            if kind == "drop_path" and isinstance(op.layer, Identity):
                kind, call = "identity", call._replace(arguments=[])
            else:
                raise Mismatch
        row.position += 1
        fields = {
            name: known if home is env else constant(known.value)
            for name, known in _fields(kind, call, home, strided).items()
        }
        entering, wide = _checked(x, op.input.channels), op.input.channels
        if wide != x.value and x.value and wide % x.value == 0 and wide == op.input.elements:
            entering = Known(wide, binary("*", wide // x.value, x.formula))  # flattened
        self.template.calls[item.first] = LayerCall(env.level, fields, entering)
        if kind == "drop_path":
            self.template.optional.add(item.first)
        out = fields.get("out_channels") or fields.get("out_features")
        if out is not None:
            return _checked(out, op.output.channels)
        if kind == "flatten" and op.output.channels % entering.value == 0:
            return Known(
                op.output.channels,
                binary("*", op.output.channels // entering.value, entering.formula),
            )
        if kind == "chunk":
            entering = Known(
                op.output.channels, binary("//", entering.formula, fields["chunks"].formula)
            )
        return _checked(entering, op.output.channels)

    # --- residual blocks ---

    def _body(self, block: ast.Block, env: Env, x: Known, row: Row) -> Known:
        parts = {
            clause.kind: clause.chain
            for clause in block.clauses
            if isinstance(clause, ast.ChainClause)
        }
        if "chain" in parts:
            return self._chain(parts["chain"], env, x, row)
        if "residual" not in parts:
            raise Mismatch
        named = next(
            (clause.option for clause in block.clauses if isinstance(clause, ast.Shortcut)), None
        )
        option = self.option if named is None else env.known(named)
        y = self._residual(parts, option, env, x, row)
        return self._chain(parts["after"], env, y, row) if "after" in parts else y

    def _residual(
        self, parts: Mapping[str, ast.Chain], option: Known, env: Env, x: Known, row: Row
    ) -> Known:
        """What stands before the merge, in its first path or, where there is no shortcut, alone."""
        before = parts.get("preact")
        if before and not _is_sum(row):
            entered = self._chain(before, env, x, row)
            before = None
        else:
            entered = x
        if not _is_sum(row):
            y = self._chain(parts["residual"], env, entered, row)
            self._choose(option, env, y)
            return y
        item = row.take(Parallel)
        assert isinstance(item.node, Parallel) and item.node.residual is not None
        inside = Row(item.rows[item.node.residual], item.first)
        if before:
            entered = self._chain(before, env, x, inside)
        y = self._path(parts["residual"], env, entered, inside)
        arm = self._choose(option, env, y)
        for path in item.rows[: item.node.residual] + item.rows[item.node.residual + 1 :]:
            if path and arm:
                self._arm(arm, option, env, entered, y, Row(path, path[0].first))
                self.template.optional.update(range(path[0].first, path[-1].last))
            elif path:
                raise Mismatch
        return y

    def _arm(self, arm: ast.Chain, option: Known, env: Env, x: Known, y: Known, row: Row) -> None:
        inner = Env(env.level, option.value.library, x=x, stride=env.stride, out=y)
        self._path(arm, inner, x, row)

    def _choose(self, option: Known, env: Env, y: Known) -> ast.Chain | None:
        """The arm that a block's change of shape takes."""
        chosen = option.value
        if not isinstance(chosen, OptionRef):
            if isinstance(chosen, BlockRef) and chosen.name == "identity":
                return None
            raise Mismatch
        if chosen.option is None:
            return None
        arms = {arm.case.text: arm.chain for arm in chosen.option.arms}
        level = env.level
        level.leaving, level.widens = y, "widen" in arms
        case = (
            "change"
            if env.stride.value not in (1, (1, 1))
            else "widen"
            if y.value != level.values[ENTERING]
            else "same"
        )
        level.arm = case if case in arms else "change"
        return arms.get(level.arm)


def _is_sum(row: Row) -> bool:
    """Whether the sum of a residual block comes next."""
    return (
        row.next is not None
        and isinstance(row.next.node, Parallel)
        and row.next.node.residual is not None
    )


def _whole(count: Known) -> int:
    if type(count.value) is not int:
        raise Mismatch
    return count.value


def _checked(known: Known, value: int) -> Known:
    """What is known where it is this value, else the value alone."""
    return known if known.value == value else constant(value)


def _sum(a: Known, b: Known) -> Known:
    if a.is_constant and b.is_constant:
        return constant(a.value + b.value)
    return Known(a.value + b.value, binary("+", a.formula, b.formula))


def _fields(kind: str, call: ast.LayerCall, env: Env, strided: bool) -> dict[str, Known]:
    """The fields of a layer that a call gives."""
    op = OPS[kind]
    given = sort(call.arguments, ignore)
    fields = {name: env.known(node) for name, node in zip(op.positional, given.bare, strict=False)}
    for word, keyword in given.keywords.items():
        fields[op.words.get(word, word)] = env.known(keyword.value)
    if given.stride is not None and strided:
        fields["stride"] = env.known(given.stride.value)
    kernel, dilation = fields.get("kernel_size"), fields.get("dilation", constant(1))
    if kernel is not None and "padding" not in fields:
        half = binary("//", plain(kernel.formula), 2)
        fields["padding"] = Known(None, binary("*", plain(dilation.formula), half))
    return fields


# --- names ---


def _block_env(level: Level, block: ast.Block, library: Library) -> Env:
    """The names in a block's body: its parameters are variables."""
    given = level.arguments
    env = Env(level, library, x=level.variable(ENTERING), stride=level.variable(STRIDE))
    level.names = tuple([parameter.name.text for parameter in block.parameters])
    for parameter in block.parameters:
        name = parameter.name.text
        if parameter.default is not None:
            level.defaults[name] = env.known(parameter.default)
            given.setdefault(name, level.outside(level.defaults[name]))
        env.names[name] = level.variable(name)
    env.define(block.clauses)
    return env


def _network_env(declared: Declared) -> tuple[Env, list[ast.Clause]]:
    """The names in a network's clauses, at the end of all derivations."""
    library, values = declared.library, dict[str, Known]()
    network = library.own[declared.name]
    outer = Env(Level(), library)
    while isinstance(network, ast.Derived):
        env = Env(Level(), library)
        given = sort(network.arguments, ignore)
        values = {
            word: env.known(keyword.value) for word, keyword in given.keywords.items()
        } | values
        found = find_one(library, network.base, ignore, ast.NetworkDecl, ast.Derived)
        if found is None:
            raise Mismatch
        network, library = found
    if not isinstance(network, ast.NetworkDecl):
        raise Mismatch
    values |= {let.name.text: outer.known(let.value) for let in declared.overrides}
    names = tuple([parameter.name.text for parameter in network.parameters])
    level = Level(declared.name, arguments=values, names=names)
    env = Env(level, library)
    for parameter in network.parameters:
        name = parameter.name.text
        if name not in values and parameter.default is not None:
            values[name] = env.known(parameter.default)
        env.names[name] = level.variable(name)
        level.defaults[name] = constant(values[name].value)
    env.define(network.clauses)
    return env, network.clauses
