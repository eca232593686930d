"""Chains to nodes: rows of steps, groups, merges and repeats, with shapes inferred on the way."""

from __future__ import annotations

from typing import cast

from resspec.ir.nodes import Merge
from resspec.ir.shape import Shape
from resspec.lowering import calls, foreign_layers, name_errors, shape_errors
from resspec.lowering.block import is_only
from resspec.lowering.context import MAX_LAYERS, Context, Exhausted
from resspec.lowering.conversion import convert
from resspec.lowering.frame import Frame
from resspec.lowering.merges import merged_shape
from resspec.lowering.parts import Draft, as_several, fork, repeat, row
from resspec.lowering.ramps import fold_ramps
from resspec.lowering.scope import MERGES
from resspec.lowering.tensors import fits
from resspec.lowering.values import Value
from resspec.suggest import alike
from resspec.syntax import ast

MAX_NESTING = 180  # levels of the IR, over which whoever walks recurs; JSON readers stop at 200


class Lowerer(Context):
    """The lowering of the chains of one network."""

    def chain(self, chain: ast.Chain, x: Shape | None, frame: Frame) -> Draft | None:
        if self.depth >= MAX_NESTING:
            self._refuse_depth(chain, frame)
            return None
        self.depth += 2
        steps: list[Draft] = []
        entered, size = x, 0
        self.rows.append(steps)
        for step in chain.steps:
            part = self.step(step, x, frame)
            x = part.node.output if part else None
            if part and entered:
                steps.append(part)
                size += self.size(part)
                if size > MAX_LAYERS:
                    self.bounded(row(steps, entered, chain.span), frame)
        self.depth -= 2
        self.rows.pop()
        if entered is None or len(steps) < len(chain.steps):
            return None
        return self.bounded(row(steps, entered, chain.span), frame, size)

    def _refuse_depth(self, chain: ast.Chain, frame: Frame) -> None:
        """Report that the limit of nesting is reached. Raises Exhausted where a block calls itself:
        it has many ways to.
        """
        again = [opened for opened in self.open if opened.block is self.open[-1].block]
        if len(again) > 1:
            name = again[-1].block.name.text
            calls = [opened.span for opened in again]
            frame.report(name_errors.recursion(again[-1].span, name, calls, MAX_NESTING))
            raise Exhausted
        frame.report(shape_errors.too_deep(chain.span, "blocks and braces are nested", MAX_NESTING))

    def step(
        self, step: ast.ChainStep, x: Shape | None, frame: Frame, strided: bool = True
    ) -> Draft | None:
        """`strided` is False in all but the first turn of a repeat, where a call's own stride does
        not apply.
        """
        label = step.label
        levels, rows = _levels(step), len(self.rows)
        self.depth += levels
        match step.item:
            case ast.LayerCall() as call:
                part = calls.call(self, call, x, frame, strided)
            case ast.Group(chain=chain):
                part = as_several(self.chain(chain, x, frame))
            case ast.Sequential() as written:
                part = self._sequential(written, x, frame)
            case ast.MergeCall() as merge:
                part = self._merge(merge, x, frame)
            case ast.RepeatedStep() as times:
                part = as_several(self._repeat(times, x, frame, strided))
        self.depth -= levels
        del self.rows[rows:]
        if part is None:
            return None
        self.parts.setdefault(step.span, []).append(part.node)
        if label is None:
            return part
        return self.labeled(label, part, frame)

    def _sequential(self, written: ast.Sequential, x: Shape | None, frame: Frame) -> Draft | None:
        inside = self.chain(written.chain, x, frame)
        return inside and self.sequential(inside, written.span, frame)

    def _merge(self, merge: ast.MergeCall, x: Shape | None, frame: Frame) -> Draft | None:
        paths = [
            row([], x, path.span) if x and is_only(path, "identity") else self.chain(path, x, frame)
            for path in merge.paths
        ]
        if merge.name.text not in MERGES:
            from resspec.syntax.constructs import of_word

            words = (*MERGES, "sequential") if len(merge.paths) == 1 else MERGES
            near = alike(merge.name.text, words) or foreign_layers.merges(merge.name.text)
            unknown = name_errors.no_merge(merge.name.span, near, len(merge.paths))
            frame.report((None if near else of_word(merge.name.span)) or unknown)
            return None
        if len(merge.paths) == 1:
            frame.report(shape_errors.lone_path(merge.span, merge.name.text))
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
        self, times: ast.RepeatedStep, x: Shape | None, frame: Frame, strided: bool
    ) -> Draft | None:
        """Symbolic from the first turn on that keeps the shape; the turns before it are written
        out.
        """
        count = convert(
            _turns(frame.count(times.turns)),
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
            part = self.step(times.step, x, frame, first)
            if part is None:
                self._number_turns(index, count - len(turns))
                return None
            size = self.size(part)
            if size == 0:
                break
            left = count - len(turns)
            varies |= self.numbering.reads != reads
            if (
                part.node.output == x
                and self.numbering.reads == reads
                and not (first and _has_stride(times.step))
            ):
                self._number_turns(index, left)
                turns.append(repeat(left, part, times.span) if left > 1 else part)
                break
            work = (allowed - self.allowance) * left
            if self._is_too_much(size * left, times, frame, work):
                return None
            turns.append(part)
            x = part.node.output
        steps = fold_ramps(turns, times.span) if varies else turns
        return self.bounded(row(steps, entered, times.span), frame)

    def _unknown_turns(
        self, count: int | None, times: ast.RepeatedStep, frame: Frame, strided: bool
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

    def _is_too_much(self, size: int, times: ast.RepeatedStep, frame: Frame, work: int) -> bool:
        if size > MAX_LAYERS:
            count = (size, times.span)
            frame.report(shape_errors.too_many_layers(times.span, size, MAX_LAYERS, [count]))
        elif work > 2 * self.allowance + MAX_LAYERS // 50:
            frame.report(shape_errors.too_much(times.span))
        else:
            return False
        return True


def _turns(count: Value) -> Value:
    """Return the count of a repeat: a condition leaves out what it repeats, or has it once."""
    return int(count) if isinstance(count, bool) else count


def _levels(step: ast.ChainStep) -> int:
    """Return how much deeper the IR may be inside a step than around it; blocks and chains count
    themselves.
    """
    dots = step.label.text.count(".") if step.label else 0
    match step.item:
        case ast.LayerCall():
            return dots
        case ast.Group():
            return dots + (step.label is not None)
        case ast.Sequential():
            return dots + 1
        case ast.MergeCall():
            return dots + (step.label is not None) + 2
        case ast.RepeatedStep():
            return dots + (step.label is not None) + 1


def _has_stride(step: ast.ChainStep) -> bool:
    match step.item:
        case ast.LayerCall(arguments=given):
            return any(isinstance(argument, ast.Stride) for argument in given)
        case ast.RepeatedStep(step=inner):
            return _has_stride(inner)
        case _:
            return False
