"""Chains to drafts: rows of steps, groups, merges and repeats, with shapes inferred on the way."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, cast

from resspec.diagnostics import Diagnostic
from resspec.ir.init import Init
from resspec.ir.shape import Shape
from resspec.lowering import calls, foreign_layers, name_errors, naming, shape_errors
from resspec.lowering.arguments import convert
from resspec.lowering.block import is_only
from resspec.lowering.draft import Called, Draft, Loop, Made, Run, empty, fork, row
from resspec.lowering.frame import Frame, Numbering, Trail
from resspec.lowering.memory import Memory
from resspec.lowering.merges import merged_shape
from resspec.lowering.ramps import fold_ramps
from resspec.lowering.scope import MERGES, Library
from resspec.lowering.tensors import fits
from resspec.lowering.values import OptionRef, Value
from resspec.source import Span
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.constructs import of_word

MAX_LAYERS = 1_000_000  # of a network, repeats counted
MAX_NAMES = 1_100_000  # of layers and scopes, where what a block holds counts once
MAX_NESTING = (
    180  # levels of the IR, which whoever walks over it recurses into; JSON readers stop at 200
)

MAX_TRAIL = 8  # calls that are shown

Merge = Literal["add", "concat", "mul"]


class Exhausted(Exception):
    """Raised once, after it was reported that a spec expands beyond all bounds: there is no use in going on."""


class Lowerer:
    """One network's lowering: what its clauses set for all layers, and what has been lowered already."""

    def __init__(self, library: Library, memory: Memory | None = None) -> None:
        self.memory = memory
        self.diagnostics: dict[tuple[str, Span], Diagnostic] = {}
        self.numbering = Numbering()
        self.option: OptionRef | None = None
        self.chooses_option = False  # also where the choice is unknown, or was wrong
        self.place: Span | None = None  # of the network
        self.inits: dict[str, Init] = {}  # by kind; "" for every layer with weights
        self.residual_init: tuple[Init, Span] | None = None
        self.replaced: dict[str, tuple[ast.Call, Frame]] = {}
        # layers that may still be lowered one by one: a generous multiple of what the texts could say themselves
        self.allowance = 10_000 + sum(len(used.source.text) for used in library.all())
        self.names = MAX_NAMES  # that all scopes together may still hold
        self.made: dict[Hashable, Made] = {}
        self.numbered_made: dict[Hashable, Made] = {}  # of blocks that read `index` or `count`
        self.constants: dict[Span, Value] = {}
        self.open: list[Called] = []
        self.uncertain = 0  # repeats around this place whose count is unknown, or 0
        self.reached: set[Span] = set()  # the names of blocks that were called
        self.rows: list[list[Draft]] = []  # what stands before this place, in the chains around it
        self.depth = (
            0  # a chain and a merge are two levels; a block, a repeat and each part of a label one
        )

    def recall(self) -> None:
        """Blocks that were lowered for another network which sets the same for all of them. (What a `replace` is given may
        be a block of its file.)"""
        if self.memory and not self.replaced:
            option = self.option and (
                self.option.name,
                self.option.library and self.memory.content(self.option.library),
            )
            starts = tuple(sorted(self.inits.items())), self.residual_init and self.residual_init[0]
            self.made = self.memory.table((option, starts))

    def identity(self, block: ast.Block, library: Library) -> Hashable:
        """The same for blocks that are the same."""
        return (self.memory.content(library), block.name.text) if self.memory else id(block)

    def report(self, diagnostic: Diagnostic, calls_to_here: Trail = ()) -> None:
        """Collect a mistake, once for each place, with the trail of calls that led there."""
        key = (diagnostic.code, diagnostic.labels[0].span)
        if key not in self.diagnostics:
            trail = [
                f"in `{text}`{f' on {x}' if x else ''}, called from {_place(span)}"
                for text, span, x in reversed(calls_to_here)
            ]
            if len(trail) > MAX_TRAIL:
                trail[MAX_TRAIL // 2 : -(MAX_TRAIL // 2)] = [
                    f"… and {len(trail) - MAX_TRAIL} calls in between"
                ]
            self.diagnostics[key] = diagnostic._replace(notes=(*diagnostic.notes, *trail))

    def frame(
        self,
        library: Library,
        names: dict[str, Value],
        trail: Trail = (),
        x: Shape | None = None,
        stride: Value = 1,
        inside: bool = False,
    ) -> Frame:
        return Frame(
            library,
            self.report,
            self.numbering,
            names,
            inside,
            x,
            stride,
            trail=trail,
            constants=self.constants,
        )

    def spend(self, span: Span, frame: Frame, steps: int = 1) -> None:
        """More steps that are lowered or named one by one. Raises Exhausted."""
        self.allowance -= steps
        if self.allowance < 0:
            frame.report(shape_errors.too_much(span))
            raise Exhausted

    def chain(self, chain: ast.Chain, x: Shape | None, frame: Frame) -> Draft | None:
        """The steps in a row; None where something was reported, or where the input is unknown for that reason. Raises
        Exhausted."""
        if self.depth >= MAX_NESTING:
            self._refuse_depth(chain, frame)
            return None
        self.depth += 2
        steps: list[Draft] = []
        entered, size = x, 0
        self.rows.append(steps)
        for step in chain.steps:
            draft = self.step(step, x, frame)
            x = draft.output if draft else None
            if draft and entered:
                steps.append(draft)
                size += draft.size
                if size > MAX_LAYERS:
                    self.bounded(row(steps, entered, chain.span), frame)
        self.depth -= 2
        self.rows.pop()
        if entered is None or len(steps) < len(chain.steps):
            return None
        return self.bounded(row(steps, entered, chain.span), frame)

    def _refuse_depth(self, chain: ast.Chain, frame: Frame) -> None:
        """Report that the limit of nesting is reached. Raises Exhausted where a block calls itself: it has many ways to."""
        again = [opened for opened in self.open if opened.block is self.open[-1].block]
        if len(again) > 1:
            name = again[-1].block.name.text
            calls = [opened.span for opened in again]
            frame.report(name_errors.recursion(again[-1].span, name, calls, MAX_NESTING))
            raise Exhausted
        frame.report(shape_errors.too_deep(chain.span, "blocks and braces are nested", MAX_NESTING))

    def step(
        self, step: ast.Step, x: Shape | None, frame: Frame, strided: bool = True
    ) -> Draft | None:
        """`strided` is False in all but the first turn of a repeat, where a call's own stride does not apply."""
        label = step.label
        if label is None and isinstance(step.item, ast.Call):
            rows = len(self.rows)
            draft, _ = calls.call(self, step.item, x, frame, strided, None)
            del self.rows[rows:]
            return draft
        numbers = label is not None and label.text.endswith("..")
        levels, rows = _levels(step), len(self.rows)
        self.depth += levels
        named = False  # whether the label is on the draft already: layers and modules bear theirs, abbreviations do not
        match step.item:
            case ast.Call() as call:
                draft, named = calls.call(self, call, x, frame, strided, None if numbers else label)
            case ast.Group(chain=chain):
                draft = self.chain(chain, x, frame)
            case ast.Merge() as merge:
                draft = self._merge(merge, x, frame)
            case ast.Times() as times:
                draft = self._repeat(times, x, frame, strided)
        self.depth -= levels
        del self.rows[rows:]
        if draft is None or label is None or (named and not numbers):
            return draft
        return Run(label, draft, step.span) if numbers else self.numbered(label, draft, frame)

    def numbered(self, label: ast.Name, draft: Draft, frame: Frame) -> Draft:
        """The draft in a numbered scope."""
        self._spend_names(draft, frame)
        return naming.numbered(label, draft, frame.report)

    def module(self, draft: Draft, call: ast.Call, block: ast.Block, frame: Frame) -> Draft:
        """The draft in the scope of a called block."""
        self._spend_names(draft, frame)
        return naming.module(draft, block.name.text, call.span, frame.report)

    def _merge(self, merge: ast.Merge, x: Shape | None, frame: Frame) -> Draft | None:
        paths = [
            empty(x, path.span) if x and is_only(path, "identity") else self.chain(path, x, frame)
            for path in merge.paths
        ]
        if merge.name.text not in MERGES:
            near = alike(merge.name.text, MERGES) or foreign_layers.merges(merge.name.text)
            unknown = name_errors.no_merge(merge.name.span, near, len(merge.paths))
            frame.report((None if near else of_word(merge.name.span)) or unknown)
            return None
        known = [path for path in paths if path is not None]
        if len(known) < len(paths):
            return None
        kind = cast(Merge, merge.name.text)
        output = merged_shape(kind, known, [path.span for path in merge.paths], frame.report)
        if output is None or not fits(
            f"the output of `{kind}`", output.elements, merge.span, frame.report
        ):
            return None
        return fork(kind, known, output, merge.span)

    def _repeat(
        self, times: ast.Times, x: Shape | None, frame: Frame, strided: bool
    ) -> Draft | None:
        """Symbolic from the first turn on that keeps the shape; the turns before it are written out."""
        count = convert(
            frame.count(times.turns),
            "Index",
            "the count of a repeat",
            times.turns.span,
            frame.report,
        )
        if x is None or not isinstance(count, int):
            self._unknown_turns(count if isinstance(count, int) else None, times, frame, strided)
            return None
        entered, turns, varies = x, list[Draft](), False
        self.rows.append(turns)
        allowed = self.allowance
        while len(turns) < count:
            first = strided and not turns
            index, reads = self.numbering.index, self.numbering.reads
            draft = self.step(times.step, x, frame, first)
            if draft is None:
                self._number_turns(index, count - len(turns))
                return None
            if draft.size == 0:
                break
            left = count - len(turns)
            varies |= self.numbering.reads != reads
            if (
                draft.output == x
                and self.numbering.reads == reads
                and not (first and _has_stride(times.step))
            ):
                self._number_turns(index, left)
                turns.append(Loop(left, draft, times.span) if left > 1 else draft)
                break
            if self._is_too_much(
                draft.size * left, times, frame, (allowed - self.allowance) * left
            ):
                return None
            turns.append(draft)
            x = draft.output
        return self.bounded(
            row(fold_ramps(turns, times.span) if varies else turns, entered, times.span), frame
        )

    def _unknown_turns(
        self, count: int | None, times: ast.Times, frame: Frame, strided: bool
    ) -> None:
        """Look once at what is repeated, where its input or its count is unknown."""
        before = self.numbering.index
        self.uncertain += not count
        self.step(times.step, None, frame, strided)
        self.uncertain -= not count
        self._number_turns(before, 1 if count is None else count)

    def _number_turns(self, before: int, turns: int) -> None:
        """Count the residual blocks of all turns, of which one has been counted since `before`."""
        self.numbering.index = before + turns * (self.numbering.index - before)

    def _is_too_much(self, size: int, times: ast.Times, frame: Frame, work: int) -> bool:
        if size > MAX_LAYERS:
            count = (size, times.span)
            frame.report(shape_errors.too_many_layers(times.span, size, MAX_LAYERS, [count]))
        elif work > 2 * self.allowance + MAX_LAYERS // 50:
            frame.report(shape_errors.too_much(times.span))
        else:
            return False
        return True

    def _spend_names(self, draft: Draft, frame: Frame) -> None:
        """Before a scope is closed: each name in it is looked at. Raises Exhausted."""
        self.names -= naming.names(draft)
        if self.names < 0:
            frame.report(
                shape_errors.too_many_layers(
                    draft.span, MAX_NAMES - self.names, MAX_LAYERS, draft.factors
                )
            )
            raise Exhausted

    def bounded(self, draft: Draft, frame: Frame) -> Draft:
        """The draft. Raises Exhausted, by arithmetic, where it is too large for anybody to walk over it."""
        if draft.size > MAX_LAYERS:
            frame.report(
                shape_errors.too_many_layers(draft.span, draft.size, MAX_LAYERS, draft.factors)
            )
            raise Exhausted
        return draft


def _levels(step: ast.Step) -> int:
    """How much deeper the IR may be inside a step than around it; blocks and chains count themselves."""
    dots = step.label.text.count(".") if step.label else 0
    match step.item:
        case ast.Call():
            return dots
        case ast.Group():
            return dots + (step.label is not None)
        case ast.Merge():
            return dots + (step.label is not None) + 2
        case ast.Times():
            return dots + (step.label is not None) + 1


def _has_stride(step: ast.Step) -> bool:
    match step.item:
        case ast.Call(arguments=given):
            return any(isinstance(argument, ast.Stride) for argument in given)
        case ast.Times(step=inner):
            return _has_stride(inner)
        case _:
            return False


def _place(span: Span) -> str:
    line, column = span.source.place(span.start)
    return f"{span.source.name}:{line}:{column}"
