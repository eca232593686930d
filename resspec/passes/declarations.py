"""Declarations beside the tree that was lowered from them: which formula stands behind each number
of a layer.

A declaration is read once more, step by step with the layers that it became. Its formulas are kept
where they give the tree's values; where the steps do not match, the tree's own numbers stand.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from resspec.ir.formulas import (
    ENTERING,
    STRIDE,
    FormulaValue,
    binary,
    constant,
)
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope
from resspec.ir.ops import OPS
from resspec.ir.ops.arrange import Identity
from resspec.ir.outputs import whole as whole_tree
from resspec.lowering.arguments import sort
from resspec.lowering.block import is_only
from resspec.lowering.network import Declared
from resspec.lowering.scope import Library
from resspec.lowering.values import BlockRef
from resspec.passes.call_levels import (
    UNKNOWN,
    CallLevel,
    DeclarationMismatch,
    NamesInScope,
    block_scope,
    choose_arm,
    ignore,
    layer_fields,
    network_scopes,
    whole,
)
from resspec.passes.channels import channels_after, checked
from resspec.passes.declared import (
    AbbreviationSpan,
    DeclaredBody,
    DeclaredLayer,
    DeclaredModule,
)
from resspec.passes.declared_sections import clauses_of
from resspec.passes.tree_rows import TreeRow, items
from resspec.syntax import ast

MAX_STEPS = 200_000


def read(network: Network, declared: Declared) -> DeclaredBody | None:
    """Return what a network's declaration says of its tree; None where they do not match."""
    try:
        return _Reader().network(network, declared)
    except DeclarationMismatch:
        return None


class _Reader:
    def __init__(self) -> None:
        self.option: FormulaValue = UNKNOWN
        self.replaced: dict[str, tuple[ast.LayerCall, NamesInScope]] = {}
        self.templates: dict[Hashable, DeclaredBody | None] = {}
        self.template = DeclaredBody(CallLevel())
        self.steps = 0

    def network(self, network: Network, declared: Declared) -> DeclaredBody:
        clauses = clauses_of(network_scopes(declared))
        self.option, self.replaced = clauses.option, clauses.replaced
        self.template = DeclaredBody(clauses.level)
        row = TreeRow(items(whole_tree(network)), 0)
        x = constant(network.input.channels)
        for each in clauses.sections:
            try:
                x = self._chain(each.chain, each.env, x, row)
            except DeclarationMismatch:
                if row.next or not network.outputs:  # after the last of which there is nothing
                    raise
                break
        if row.next:
            raise DeclarationMismatch
        return self.template

    def _block(
        self,
        body: Located,
        block: ast.Block,
        library: Library,
        given: dict[str, FormulaValue],
        bare: frozenset[str],
    ) -> DeclaredBody | None:
        """Return what a block's declaration says of the body of one of its modules, once for equal
        arguments.
        """
        key = (body, id(block), *((name, known.value) for name, known in given.items()))
        if key not in self.templates:
            outer = self.template
            level = CallLevel(block.name.text, None, given, bare=bare)
            self.template = DeclaredBody(level)
            env = block_scope(level, block, library)
            row = TreeRow(items(body), 0)
            try:
                self.template.leaving = self._body(block, env, env.x, row)
                self.templates[key] = None if row.next else self.template
            except DeclarationMismatch:
                self.templates[key] = None
            self.template = outer
        return self.templates[key]

    # --- chains ---

    def _chain(
        self, chain: ast.Chain, env: NamesInScope, x: FormulaValue, row: TreeRow
    ) -> FormulaValue:
        for step in chain.steps:
            x = self._step(step.item, env, x, row)
        return x

    def _step(
        self,
        step: ast.Item,
        env: NamesInScope,
        x: FormulaValue,
        row: TreeRow,
        strided: bool = True,
    ) -> FormulaValue:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise DeclarationMismatch
        match step:
            case ast.LayerCall():
                return self._call(step, env, x, row, strided)
            case ast.Group(chain=chain) | ast.Sequential(chain=chain):
                return self._chain(chain, env, x, row)
            case ast.MergeCall():
                return self._merge(step, env, x, row)
            case ast.RepeatedStep():
                return self._repeat(step, env, x, row, strided)

    def _merge(
        self, merge: ast.MergeCall, env: NamesInScope, x: FormulaValue, row: TreeRow
    ) -> FormulaValue:
        item = row.take(Parallel)
        if len(item.rows) != len(merge.paths):
            raise DeclarationMismatch
        leaving = [
            self._path(path, env, x, TreeRow(steps, item.first))
            for path, steps in zip(merge.paths, item.rows, strict=True)
        ]
        first, *others = leaving
        if merge.name.text == "concat":
            for other in others:
                first = first.plus(other)
        return first

    def _path(
        self, chain: ast.Chain, env: NamesInScope, x: FormulaValue, row: TreeRow
    ) -> FormulaValue:
        if row.next is None and is_only(chain, "identity"):
            return x
        x = self._chain(chain, env, x, row)
        if row.next:
            raise DeclarationMismatch
        return x

    def _repeat(
        self,
        times: ast.RepeatedStep,
        env: NamesInScope,
        x: FormulaValue,
        row: TreeRow,
        strided: bool,
    ) -> FormulaValue:
        count = env.known(times.turns)
        env.level.fix(count.formula)
        turn = 0
        while turn < whole(count):
            position, item = row.position, row.next
            step = times.step.item
            if (
                item
                and isinstance(repeat := item.part.node, Repeat)
                and repeat.count <= whole(count) - turn
            ):
                inside = TreeRow(item.rows[0], item.first)
                try:
                    y = self._step(step, env, x, inside, strided and not turn)
                    if inside.next:
                        raise DeclarationMismatch
                    if y.formula != x.formula:
                        env.level.fix(x.formula)
                        env.level.fix(y.formula)
                    row.position += 1
                    turn += repeat.count
                    x = y
                    continue
                except DeclarationMismatch:
                    row.position = position
            x = self._step(step, env, x, row, strided and not turn)
            if row.position == position:
                break
            turn += 1
        return x

    # --- calls ---

    def _call(
        self, call: ast.LayerCall, env: NamesInScope, x: FormulaValue, row: TreeRow, strided: bool
    ) -> FormulaValue:
        callee = (
            BlockRef(call.name.text, None, None)
            if call.name.text in OPS and call.name.text not in env.names
            else env.known(call.name).value
        )
        if not isinstance(callee, BlockRef):
            raise DeclarationMismatch
        if callee.block is None:
            return self._layer(callee, call, env, x, row, strided)
        assert callee.library is not None
        given = sort(call.arguments, ignore)
        arguments = {
            ENTERING: x,
            STRIDE: env.known(given.stride.value) if given.stride and strided else constant(1),
        }
        arguments |= {name: constant(value) for name, (value, _) in callee.presets.items()}
        names = [parameter.name.text for parameter in callee.block.parameters]
        left = [name for name in names if name not in callee.presets]
        bare = dict(zip(left, given.bare, strict=False))
        stated = bare | {name: keyword.value for name, keyword in given.keywords.items()}
        arguments |= {name: env.known(stated[name]) for name in names if name in stated}
        if callee.block.is_module:
            return self._module(callee, arguments, frozenset(bare), env, row)
        level = CallLevel(callee.name, env.level, arguments, bare=frozenset(bare))
        inner = block_scope(level, callee.block, callee.library)
        first = row.next.first if row.next else row.end
        splice = len(self.template.splices)
        leaving = self._body(callee.block, inner, inner.x, row)
        self.template.splices.insert(splice, AbbreviationSpan(first, row.end, level))
        return level.outside(leaving)

    def _module(
        self,
        callee: BlockRef,
        arguments: dict[str, FormulaValue],
        bare: frozenset[str],
        env: NamesInScope,
        row: TreeRow,
    ) -> FormulaValue:
        item = row.take(Scope)
        scope = item.part
        assert callee.block is not None and callee.library is not None
        if scope.block != callee.block.name.text:
            raise DeclarationMismatch
        arguments[ENTERING] = checked(arguments[ENTERING], scope.node.input.channels)
        template = self._block(scope.body, callee.block, callee.library, arguments, bare)
        if template is None:
            return constant(scope.node.output.channels)
        here = CallLevel(arguments=arguments, lets=template.level.lets)
        for name, default in template.level.defaults.items():
            arguments.setdefault(name, here.outside(default))
        for name in template.level.fixed:
            env.level.fix(arguments[name].formula)
        self.template.calls[item.first] = DeclaredModule(env.level, template, arguments)
        return checked(here.outside(template.leaving), scope.node.output.channels)

    def _layer(
        self,
        callee: BlockRef,
        call: ast.LayerCall,
        env: NamesInScope,
        x: FormulaValue,
        row: TreeRow,
        strided: bool,
    ) -> FormulaValue:
        item, kind = row.next, callee.name
        if item is None or not isinstance(op := item.part.node, Op):
            if kind in ("identity", "none"):
                return x
            raise DeclarationMismatch
        home = env
        if kind in self.replaced:
            call, home = self.replaced[kind]
            kind, callee = call.name.text, BlockRef(call.name.text, None, None)
        if op.kind != kind:
            if kind == "drop_path" and isinstance(op.layer, Identity):
                kind, call = "identity", call._replace(arguments=[])
                callee = BlockRef("identity", None, None)
            else:
                raise DeclarationMismatch
        row.position += 1
        fields = {
            name: known if home is env else constant(known.value)
            for name, known in layer_fields(callee, call, home, strided).items()
        }
        entering, wide = checked(x, op.input.channels), op.input.channels
        if wide != x.value and x.value and wide % x.value == 0 and wide == op.input.elements:
            entering = FormulaValue(wide, binary("*", wide // x.value, x.formula))  # flattened
        self.template.calls[item.first] = DeclaredLayer(env.level, fields, entering)
        if kind == "drop_path":
            self.template.optional.add(item.first)
        return channels_after(kind, fields, entering, op.output.channels)

    # --- residual blocks ---

    def _body(
        self, block: ast.Block, env: NamesInScope, x: FormulaValue, row: TreeRow
    ) -> FormulaValue:
        parts = {
            clause.kind: clause.chain
            for clause in block.clauses
            if isinstance(clause, ast.ChainClause)
        }
        if "chain" in parts:
            return self._chain(parts["chain"], env, x, row)
        if "residual" not in parts:
            raise DeclarationMismatch
        named = next(
            (clause.option for clause in block.clauses if isinstance(clause, ast.Shortcut)), None
        )
        option = self.option if named is None else env.given(named)
        y = self._residual(parts, option, env, x, row)
        return self._chain(parts["after"], env, y, row) if "after" in parts else y

    def _residual(
        self,
        parts: Mapping[str, ast.Chain],
        option: FormulaValue,
        env: NamesInScope,
        x: FormulaValue,
        row: TreeRow,
    ) -> FormulaValue:
        """Read what stands before the merge, in its first path or, where there is no shortcut,
        alone.
        """
        before = parts.get("preact")
        if before and not _is_sum(row):
            entered = self._chain(before, env, x, row)
            before = None
        else:
            entered = x
        if not _is_sum(row):
            y = self._chain(parts["residual"], env, entered, row)
            choose_arm(option, env, y)
            return y
        item = row.take(Parallel)
        assert isinstance(item.part.node, Parallel)
        residual = item.part.node.residual
        assert residual is not None
        inside = TreeRow(item.rows[residual], item.first)
        if before:
            entered = self._chain(before, env, x, inside)
        y = self._path(parts["residual"], env, entered, inside)
        arm = choose_arm(option, env, y)
        for path in item.rows[:residual] + item.rows[residual + 1 :]:
            if path and arm:
                self._arm(arm, option, env, entered, y, TreeRow(path, path[0].first))
                self.template.optional.update(range(path[0].first, path[-1].last))
            elif path:
                raise DeclarationMismatch
        return y

    def _arm(
        self,
        arm: ast.Chain,
        option: FormulaValue,
        env: NamesInScope,
        x: FormulaValue,
        y: FormulaValue,
        row: TreeRow,
    ) -> None:
        inner = NamesInScope(env.level, option.value.library, x=x, stride=env.stride, out=y)
        inner.names |= {name: constant(value) for name, (value, _) in option.value.presets.items()}
        for parameter in option.value.option.parameters:
            if parameter.default is not None and parameter.name.text not in inner.names:
                inner.names[parameter.name.text] = inner.known(parameter.default)
        self._path(arm, inner, x, row)


def _is_sum(row: TreeRow) -> bool:
    """Return whether the sum of a residual block comes next."""
    node = row.next.part.node if row.next else None
    return isinstance(node, Parallel) and node.residual is not None
