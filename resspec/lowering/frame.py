"""The meaning of names at a place: parameters and constants, and the words `in`, `stride`, `out`,
`index`, `count`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from resspec.diagnostics import Diagnostic
from resspec.ir.ops import OPS
from resspec.ir.shape import Shape
from resspec.lowering import argument_errors, name_errors, shape_errors
from resspec.lowering.evaluation import entry_of, evaluate
from resspec.lowering.functions import FUNCTIONS, unknown
from resspec.lowering.scope import Library, find_one, report_unknown, suggestion
from resspec.lowering.values import UNKNOWN, BlockRef, Entries, OptionRef, Unknown, Value
from resspec.source import Span
from resspec.syntax import ast
from resspec.syntax.build import MAX_DEPTH

Trail = tuple[
    tuple[str, Span, Shape | None], ...
]  # the calls that led to a place, as written, and what entered each

MANY = 1 << 20  # blocks, while nobody knows how many: no formula of a depth divides by zero


@dataclass(eq=False, repr=False, slots=True)
class Numbering:
    """The outermost residual blocks of a network: the present one's index, and how many there
    are.
    """

    index: int = 0
    count: int | None = None  # unknown in a first pass
    inside: int = 0  # depth of residual blocks around this place
    reads: int = 0  # how often a value depended on it
    place: Span | None = None  # where `count` was read
    is_known: bool = True  # False where a declaration is looked at by itself


@dataclass(eq=False, repr=False, slots=True)
class Frame:
    """The body of one call: its file, its names, and what enters it. Outside of blocks `inside` is
    False.
    """

    library: Library
    collect: Callable[[Diagnostic, Trail], None]
    numbering: Numbering
    names: dict[str, Value] = field(default_factory=dict)
    inside: bool = False
    x: Shape | None = None
    stride: Value = 1
    stride_read: bool = False
    out: Value | None = None
    trail: Trail = ()
    constants: dict[Span, Value] = field(default_factory=dict)  # of files, each evaluated once
    defining: tuple[Span, ...] = ()  # the constants that are being evaluated
    lets: dict[str, ast.Let] = field(default_factory=dict)  # constants of this body
    # parameters of the networks that this one is derived from
    inherited: dict[str, Value] = field(default_factory=dict)
    residual: bool = False  # the body is a residual block's
    stage: int | None = None  # of `stages`, whose entries of lists are taken

    def report(self, diagnostic: Diagnostic) -> None:
        self.collect(diagnostic, self.trail)

    def announce(self, clauses: Iterable[ast.Clause]) -> None:
        """Note the constants of a body, which may stand in any order."""
        self.lets = {clause.name.text: clause for clause in clauses if isinstance(clause, ast.Let)}
        self.names |= {
            clause.name.text: UNKNOWN
            for clause in clauses
            if isinstance(clause, ast.Broken) and clause.word == "let"
        }

    def define(self, clauses: Iterable[ast.Clause]) -> None:
        """Note the constants of a body, and evaluate each."""
        self.announce(clauses)
        for let in self.lets.values():
            self._named(let.name)

    def value(self, node: ast.Value, *, in_bytes: bool = False) -> Value:
        return evaluate(node, self.lookup, self.report, in_bytes=in_bytes, stage=self.stage)

    def single(self, node: ast.Value) -> Value:
        """Return the value of an argument of a block, which takes no lists."""
        value = self.value(node)
        if isinstance(value, Entries):
            self.report(argument_errors.misplaced_list(node.span))
            return UNKNOWN
        return value

    def count(self, node: ast.Value) -> Value:
        """As `value`, where only a number can stand: no layer is suggested for a name that is
        unknown.
        """

        def lookup(name: ast.Identifier) -> Value:
            return self.lookup(name, is_count=True)

        return evaluate(node, lookup, self.report, stage=self.stage)

    def lookup(self, name: ast.Identifier, *, is_count: bool = False) -> Value:
        """Return the value of a name, or a list's entry for the stage; UNKNOWN once reported."""
        return entry_of(self._meaning(name, is_count=is_count), self.stage)

    def _meaning(self, name: ast.Identifier, *, is_count: bool) -> Value:
        if (own := self.names.get(name.text)) is not None:
            return own
        match name.text:
            case "true" | "false":
                return name.text == "true"
            case "in" | "stride" if not self.inside:
                self.report(
                    argument_errors.not_here(
                        name.span, "outside of blocks", "write a number, or use it in a block"
                    )
                )
                return UNKNOWN
            case "in":
                return self.x.channels if self.x else UNKNOWN
            case "stride":
                self.stride_read = True
                return self.stride
            case "out":
                if self.out is None:
                    help = "write the channels as a number"
                    self.report(
                        argument_errors.not_here(name.span, "outside of shortcut options", help)
                    )
                return UNKNOWN if self.out is None else self.out
            case "index" | "count":
                return self._number(name)
        return self._named(name, is_count=is_count)

    def _number(self, name: ast.Identifier) -> Value:
        """`index` or `count`: of the residual block around this place."""
        numbering = self.numbering
        if not (self.residual or (self.inside and numbering.inside)):
            help = f"write a number, or use `{name.text}` in a block that has a `residual`"
            self.report(argument_errors.not_here(name.span, "outside of residual blocks", help))
            return UNKNOWN
        numbering.reads += 1
        if not numbering.is_known:
            return UNKNOWN
        if name.text == "index":
            return numbering.index
        numbering.place = name.span
        return MANY if numbering.count is None else numbering.count

    def _named(self, name: ast.Identifier, *, is_count: bool = False) -> Value:
        if name.text in self.names:
            return self.names[name.text]
        if name.text in self.lets:
            return self._own_constant(self.lets[name.text], name)
        found = find_one(self.library, name, self.report, ast.Let, ast.Block, ast.Option)
        match found:
            case (ast.Let() as let, library):
                return self._constant(let, library, name)
            case (ast.Block() as block, library):
                return BlockRef(name.text, block, library)
            case (ast.Option() as option, library):
                return OptionRef(name.text, option, library)
            case (ast.Broken(), _):
                return UNKNOWN
        if name.text in self.inherited:
            return self.inherited[name.text]
        if name.text == "none":
            return OptionRef("none", None, None)
        if name.text in OPS:
            return BlockRef(name.text, None, None)
        if is_count:
            own = {
                known
                for known, value in self.names.items()
                if not isinstance(value, BlockRef | OptionRef)
            }
            known = {*own, *self.lets, *self.inherited, *self._words()}
            near = suggestion(self.library, name.text, known, ast.Let)
        else:
            own = {*self.names, *self.lets, *self.inherited}
            legal = {*own, *OPS, *self._words(), "none"}
            near = suggestion(self.library, name.text, legal, ast.Let, ast.Block, ast.Option)
        if name.span.source.text.startswith("(", name.span.end):
            report_unknown(self.library, unknown(name, near), self.report)
            return UNKNOWN
        function = FUNCTIONS.get(name.text)
        instead = function and f"a function takes its numbers in parentheses: {function.example}"
        mistake = name_errors.unknown_name(name.span, near, instead)
        report_unknown(self.library, mistake, self.report)
        return UNKNOWN

    def _words(self) -> set[str]:
        """The words of the language that have a value here."""
        inside = {"in", "stride", "index", "count"} if self.inside else set[str]()
        return inside | ({"true", "false"} if self.out is None else {"true", "false", "out"})

    def callable_names(self) -> set[str]:
        """Return the names of this body that may be blocks."""
        return {
            *self.lets,
            *(name for name, value in self.names.items() if isinstance(value, BlockRef | Unknown)),
        }

    def _own_constant(self, let: ast.Let, name: ast.Identifier) -> Value:
        """A constant of this body."""
        if self._is_endless(let, name):
            return UNKNOWN
        outer, self.defining = self.defining, (*self.defining, let.name.span)
        value = self.names[let.name.text] = self.value(let.value)
        self.defining = outer
        return value

    def _constant(self, let: ast.Let, library: Library, name: ast.Identifier) -> Value:
        """A constant of a file, in that file's own names."""
        place = let.name.span
        if place not in self.constants and not self._is_endless(let, name):
            frame = Frame(
                library,
                self.collect,
                self.numbering,
                trail=self.trail,
                constants=self.constants,
                defining=(*self.defining, place),
            )
            self.constants[place] = frame.value(let.value)
        return self.constants.get(place, UNKNOWN)

    def _is_endless(self, let: ast.Let, name: ast.Identifier) -> bool:
        """Reports a constant that is defined by itself, or through too many others."""
        if let.name.span in self.defining:
            self.report(name_errors.circular(name.span, let.name.text, self.defining))
        elif len(self.defining) >= MAX_DEPTH:
            self.report(shape_errors.too_deep(name.span, "constants refer to constants", MAX_DEPTH))
        else:
            return False
        return True
