"""What names mean at a place: parameters and constants, and the words `in`, `stride`, `out`, `index`, `count`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from resspec.diagnostics import Diagnostic
from resspec.ir.ops import OPS
from resspec.ir.shape import Shape
from resspec.lowering import errors
from resspec.lowering.scope import Library, find_one, report_unknown, suggestion
from resspec.lowering.values import UNKNOWN, BlockRef, OptionRef, Value, evaluate
from resspec.source import Span
from resspec.syntax import ast
from resspec.syntax.build import MAX_DEPTH

Report = Callable[[Diagnostic], None]

MANY = 1 << 20  # blocks, while nobody knows how many: no formula of a depth divides by zero


@dataclass(eq=False, repr=False)
class Numbering:
    """The outermost residual blocks of a network: the present one's index, and how many there are."""

    index: int = 0
    count: int | None = None  # unknown in a first pass
    inside: int = 0  # depth of residual blocks around this place
    reads: int = 0  # how often a value depended on it


@dataclass(eq=False, repr=False)
class Frame:
    """The body of one call: its file, its names, and what enters it. Outside of blocks `inside` is False."""

    library: Library
    report: Report
    numbering: Numbering
    names: dict[str, Value] = field(default_factory=dict)
    inside: bool = False
    x: Shape | None = None
    stride: Value = 1
    stride_read: bool = False
    out: Value | None = None
    trail: tuple[tuple[str, Span], ...] = ()
    constants: dict[Span, Value] = field(default_factory=dict)  # of files, each evaluated once
    defining: tuple[Span, ...] = ()  # the constants that are being evaluated

    def value(self, node: ast.Value) -> Value:
        return evaluate(node, self.lookup, self.report)

    def lookup(self, name: ast.Name) -> Value:
        """The value of a name; UNKNOWN once it was reported."""
        match name.text:
            case "true" | "false":
                return name.text == "true"
            case "in" | "stride" if not self.inside:
                self.report(errors.not_here(name.span, "outside of blocks", "a number, or a block that reads it"))
                return UNKNOWN
            case "in":
                return self.x.channels if self.x else UNKNOWN
            case "stride":
                self.stride_read = True
                return self.stride
            case "out":
                if self.out is None:
                    self.report(errors.not_here(name.span, "outside of shortcut options", "the channels as a number"))
                return UNKNOWN if self.out is None else self.out
            case "index" | "count":
                return self._number(name)
        return self._named(name)

    def _number(self, name: ast.Name) -> Value:
        if not self.inside:
            self.report(errors.not_here(name.span, "outside of blocks", "a number, or a block that reads it"))
            return UNKNOWN
        self.numbering.reads += 1
        return self.numbering.index if name.text == "index" else MANY if self.numbering.count is None else self.numbering.count

    def _named(self, name: ast.Name) -> Value:
        if name.text in self.names:
            return self.names[name.text]
        found = find_one(self.library, name, self.report, ast.Let, ast.Block, ast.Option)
        match found:
            case (ast.Let() as let, library):
                return self._constant(let, library, name)
            case (ast.Block() as block, library):
                return BlockRef(name.text, block, library)
            case (ast.Option() as option, library):
                return OptionRef(name.text, option, library)
        if name.text == "none":
            return OptionRef("none", None, None)
        if name.text in OPS:
            return BlockRef(name.text, None, None)
        near = suggestion(self.library, name.text, {*self.names, *OPS}, ast.Let, ast.Block, ast.Option)
        report_unknown(self.library, errors.unknown_name(name.span, near), self.report)
        return UNKNOWN

    def _constant(self, let: ast.Let, library: Library, name: ast.Name) -> Value:
        """A constant of a file, in that file's own names."""
        place = let.name.span
        if place in self.defining:
            self.report(errors.circular(name.span, let.name.text, self.defining))
        elif len(self.defining) >= MAX_DEPTH:
            self.report(errors.too_deep(name.span, "constants refer to constants", MAX_DEPTH))
        elif place not in self.constants:
            frame = Frame(library, self.report, self.numbering, constants=self.constants, defining=(*self.defining, place))
            self.constants[place] = frame.value(let.value)
        return self.constants.get(place, UNKNOWN)
