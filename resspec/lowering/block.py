"""The body of a block: one chain, or `after(F(P(x)) + h(x))` with its residual F, shortcut h and
pre-activation P.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from resspec.diagnostics import Diagnostic
from resspec.ir.ops import OPS
from resspec.ir.shape import Shape
from resspec.lowering import clause_errors, shape_errors
from resspec.lowering.context import Context
from resspec.lowering.frame import Frame
from resspec.lowering.options import bind_option, resolve_option
from resspec.lowering.parts import Draft, fork, row
from resspec.lowering.residual import with_last_norm, without_drop_path
from resspec.lowering.scope import CASES, MERGES
from resspec.lowering.shrinking import shrinking
from resspec.lowering.values import UNKNOWN, OptionRef
from resspec.source import Span
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.errors import BLOCK_CLAUSES, misspelt

_CLAUSES = ("preact", "residual", "after", "chain")


def lower_body(context: Context, block: ast.Block, frame: Frame) -> Draft | None:
    """Return what the block makes of its input, not yet named."""
    parts, shortcuts, sound = _clauses(block, frame)
    shortcut = shortcuts[0] if shortcuts else None
    if not sound:
        for part in parts.values():
            context.chain(part.chain, None, frame)
        for each in shortcuts:
            if each.option:
                resolve_option(each.option, frame)
        # what has clauses is a residual block
        context.numbering.index += context.numbering.inside == 0
        return None
    if "chain" in parts:
        others = [part.span for kind, part in parts.items() if kind != "chain"] + (
            [shortcut.span] if shortcut else []
        )
        if others:
            frame.report(clause_errors.mixed_body(parts["chain"].span, others[0]))
        return context.chain(parts["chain"].chain, frame.x, frame)
    if "residual" not in parts:
        owner = f"block `{block.name.text}`"
        help = "add `residual …`, or write only one chain"
        frame.report(clause_errors.missing_clause(block.name.span, owner, "residual", help))
        return None
    return _residual_block(context, block, parts, shortcut, frame)


def _clauses(
    block: ast.Block, frame: Frame
) -> tuple[dict[str, ast.ChainClause], list[ast.Shortcut], bool]:
    """The chains by their word, the shortcuts, and whether all clauses are known; constants are set
    on the way.
    """
    sound = True
    parts: dict[str, ast.ChainClause] = {}
    shortcuts: list[ast.Shortcut] = []
    frame.define(block.clauses)
    for clause in block.clauses:
        match clause:
            case ast.Let():
                pass
            case ast.Broken(word=word):
                sound &= word == "let"
            case ast.Shortcut():
                shortcuts.append(clause)
                if len(shortcuts) > 1:
                    frame.report(
                        clause_errors.clause_twice(clause.span, "shortcut", shortcuts[0].span)
                    )
            case ast.ChainClause(kind=kind) if kind in _CLAUSES:
                if kind == "chain" and (
                    mistake := misspelt_clause(clause.chain, BLOCK_CLAUSES, frame)
                ):
                    frame.report(mistake)
                    sound = False
                    continue
                if kind in parts:
                    twice = (
                        clause_errors.two_chains if kind == "chain" else clause_errors.clause_twice
                    )
                    frame.report(twice(clause.span, kind, parts[kind].span))
                parts.setdefault(kind, clause)
            case _:
                word = clause.span.text.split()[0]
                frame.report(
                    clause_errors.misplaced(clause.span, word, "a block", "it belongs to a network")
                )
    return parts, shortcuts, sound


def _residual_block(
    context: Context,
    block: ast.Block,
    parts: dict[str, ast.ChainClause],
    shortcut: ast.Shortcut | None,
    frame: Frame,
) -> Draft | None:
    x, numbering = frame.x, context.numbering
    numbering.inside += 1
    context.depth += 4  # the chain of F + h and what is before and after, and the sum
    before = context.chain(parts["preact"].chain, x, frame) if "preact" in parts else None
    entered = before.node.output if before else None if "preact" in parts else x
    residual = context.chain(parts["residual"].chain, entered, frame)
    h = _Shortcut(context, block, shortcut, frame, residual.node.output if residual else None)
    summed = (
        _sum(context, before, residual, h, parts["residual"], frame) if residual and x else None
    )
    after = (
        context.chain(parts["after"].chain, summed.node.output if summed else None, frame)
        if "after" in parts
        else None
    )
    numbering.inside -= 1
    context.depth -= 4
    if numbering.inside == 0:
        numbering.index += 1
    if "after" not in parts:
        return summed
    return row([summed, after], summed.node.input, block.span) if summed and after else None


class _Shortcut:
    """The arm that the block's option has for its change of shape."""

    def __init__(
        self,
        context: Context,
        block: ast.Block,
        clause: ast.Shortcut | None,
        frame: Frame,
        output: Shape | None,
    ) -> None:
        self.clause = clause
        self.span = (
            clause.option.span
            if clause and clause.option
            else clause.span
            if clause
            else block.name.span
        )
        self.label = (
            clause.label if clause and clause.label else ast.Identifier("downsample", self.span)
        )
        self.first = clause is not None and _precedes_residual(block, clause)
        self.arm: ast.Chain | None = None
        self.option = _option(context, clause, self.span, frame)
        self.exists = self.option is not None and self.option.name != "none"
        self.strides_alone = (
            frame.stride not in (1, (1, 1)) and not frame.stride_read
        )  # the residual never asked
        if self.option and self.option.option and output and frame.x:
            self._choose(self.option.option, output, frame)
            self.exists = not self.is_only("none")

    def _choose(self, option: ast.Option, output: Shape, frame: Frame) -> None:
        assert frame.x is not None
        case = _case(frame, frame.x, output)
        arms = {arm.case.text: arm.chain for arm in option.arms}
        is_sound = not option.is_broken and set(arms) <= {*CASES}
        self.arm = arms.get(usable_case(case, arms) if is_sound else case)
        if self.arm is None and is_sound:
            stride = f", stride {frame.stride}" if case == "change" else ""
            why = f"{frame.x.channels} to {output.channels} channels{stride}"
            frame.report(
                shape_errors.missing_arm(self.span, option.name.text, case, option.name.span, why)
            )

    def is_only(self, word: str) -> bool:
        """Return whether the arm, or the option itself, is just this word."""
        if self.arm is None:
            return (
                self.option is not None and self.option.name == word and self.option.option is None
            )
        return is_only(self.arm, word)


def _case(frame: Frame, x: Shape, output: Shape) -> str:
    """Return which arm of an option a block needs, one of CASES."""
    if frame.stride not in (1, (1, 1)):
        return "change"
    if output.channels == x.channels:
        return "same"
    return "widen" if output.channels > x.channels else "narrow"


def usable_case(case: str, arms: Collection[str]) -> str:
    """Return the arm that an option has for a case: `narrow` falls back to `widen`, and that to
    `change`.
    """
    if case == "narrow" and case not in arms:
        case = "widen"
    return "change" if case == "widen" and case not in arms else case


def _option(
    context: Context, clause: ast.Shortcut | None, span: Span, frame: Frame
) -> OptionRef | None:
    """The option that the clause names, else the network's."""
    if clause is not None and clause.option is not None:
        return resolve_option(clause.option, frame)
    if not context.settings.chooses_option and context.settings.place is not None:
        frame.report(shape_errors.no_shortcut(span, context.settings.place))
    return context.settings.option


def _sum(
    context: Context,
    before: Draft | None,
    residual: Draft,
    shortcut: _Shortcut,
    part: ast.ChainClause,
    frame: Frame,
) -> Draft | None:
    """F + h in the order in which the clauses stand; F alone where there is no shortcut."""
    if shortcut.option is None or (shortcut.option.option and shortcut.arm is None):
        return None
    if not shortcut.exists:
        residual = without_drop_path(residual)
        return row([before, residual], before.node.input, part.span) if before else residual
    if context.settings.residual_init is not None:
        init, place = context.settings.residual_init
        started = with_last_norm(residual, init)
        if started is None:
            frame.report(shape_errors.no_norm(part.chain.span, place))
        residual = started or residual
    if shortcut.is_only("identity"):
        x = before.node.input if before else residual.node.input
        f = row([before, residual], before.node.input, part.span) if before else residual
        return _added(f, row([], x, shortcut.span), shortcut, part, frame)
    h = _projection(context, shortcut, residual, frame)
    if h is None:
        return None
    added = _added(residual, h, shortcut, part, frame)
    return row([before, added], before.node.input, part.span) if before and added else added


def _projection(
    context: Context, shortcut: _Shortcut, residual: Draft, frame: Frame
) -> Draft | None:
    """The arm's chain in a numbered scope, called `downsample` unless the clause has a label."""
    assert (
        shortcut.option is not None
        and shortcut.option.library is not None
        and shortcut.arm is not None
    )
    trail = (*frame.trail, (f"shortcut {shortcut.option.name}", shortcut.span, frame.x))
    inner = context.frame(shortcut.option.library, {}, trail, frame.x, frame.stride, inside=True)
    inner.out = residual.node.output.channels
    bind_option(shortcut.option, inner)
    context.depth += 3
    h = context.chain(shortcut.arm, residual.node.input, inner)
    frame.stride_read |= inner.stride_read
    context.depth -= 3
    return h and context.labeled(shortcut.label, h, frame)


def _added(
    f: Draft, h: Draft, shortcut: _Shortcut, part: ast.ChainClause, frame: Frame
) -> Draft | None:
    if f.node.output != h.node.output:
        frame.report(_mismatch(f, h, shortcut, part, frame))
        return None
    span = part.span
    if shortcut.first:
        return fork("add", [h, f], f.node.output, span, residual=1, inplace=False)
    return fork("add", [f, h], f.node.output, span, residual=0)


def _mismatch(
    f: Draft, h: Draft, shortcut: _Shortcut, part: ast.ChainClause, frame: Frame
) -> Diagnostic:
    what = "channels" if f.node.output.channels != h.node.output.channels else "sizes"
    left, kept = f"the residual outputs {f.node.output}", f"the shortcut outputs {h.node.output}"
    help = "give the shortcut's arm the stride of the residual, and `out` channels at its end"
    if what == "sizes" and shortcut.strides_alone:
        unused = "the residual never uses the stride it was called with"
        help = f"{unused}; write `/stride` on one of its convolutions"
    if shortcut.is_only("identity"):
        kept = f"identity keeps {h.node.output}"
        declared = "" if frame.library.find("B", ast.Option) else "; `use he2015` declares it"
        help = f"use `shortcut B`, which projects where the shape changes{declared}"
        if what == "sizes" and frame.stride in (1, (1, 1)):
            help = "to keep the size, use odd kernels, without `padding=` and without strides"
    notes = shrinking([f, h]) if what == "sizes" else ()
    return shape_errors.residual_mismatch(
        shortcut.span, part.chain.span, left, kept, what, help, notes
    )


def misspelt_clause(
    chain: ast.Chain, clauses: Sequence[str], frame: Frame, *, is_sure: bool = False
) -> Diagnostic | None:
    """A chain that begins with nearly one of these words of the language, and with nothing that
    could be called; `is_sure`: no chain may stand there. A constant that is declared by it may have
    any value.
    """
    item = chain.steps[0].item
    if not isinstance(item, ast.LayerCall | ast.MergeCall) or item.name.text in MERGES:
        return None
    name, library = item.name, frame.library
    known = name.text in OPS or name.text in frame.names or library.find(name.text, ast.Block)
    if known or (library.partial and not is_sure):
        return None
    near = alike(name.text, {*clauses, *OPS, *frame.callable_names(), *library.names(ast.Block)})
    if set(near).isdisjoint(clauses):
        return None
    if isinstance(item, ast.LayerCall) and "let" in near:
        frame.names |= {
            each.name.text: UNKNOWN for each in item.arguments if isinstance(each, ast.Keyword)
        }
    return misspelt(name.span, "clause", near)


def is_residual(block: ast.Block) -> bool:
    """Return whether the block adds a shortcut to a residual; a clause that could not be read may
    be one of these.
    """
    for clause in block.clauses:
        match clause:
            case ast.Shortcut():
                return True
            case ast.ChainClause(kind=kind) if kind != "chain":
                return True
            case ast.Broken(word=word) if word != "let":
                return True
    return False


def is_only(chain: ast.Chain, word: str) -> bool:
    """Return whether a chain is one unlabeled call of this name, without arguments."""
    step = chain.steps[0]
    alone = len(chain.steps) == 1 and step.label is None
    return (
        alone
        and isinstance(step.item, ast.LayerCall)
        and step.item.name.text == word
        and not step.item.arguments
    )


def _precedes_residual(block: ast.Block, clause: ast.Shortcut) -> bool:
    for other in block.clauses:
        if other is clause:
            return True
        if isinstance(other, ast.ChainClause) and other.kind == "residual":
            return False
    return False
