"""The state of the lowering of one network, and what may still be spent on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from resspec.diagnostics import Collected, Diagnostic
from resspec.ir.init import Init
from resspec.ir.nodes import Node, Op
from resspec.ir.ops.layer import Layer
from resspec.ir.shape import Shape
from resspec.lowering import names, shape_errors
from resspec.lowering.frame import Frame, Numbering, Trail
from resspec.lowering.memory import Memory
from resspec.lowering.parts import Draft, Made, OpenBlock, factors, labeled, size, steps
from resspec.lowering.parts import names as count_names
from resspec.lowering.scope import Library
from resspec.lowering.values import OptionRef, Value
from resspec.source import Span
from resspec.syntax import ast

MAX_LAYERS = 1_000_000  # of a network, repeats counted
MAX_NAMES = 1_100_000  # of layers and scopes, where what a block holds counts once
MAX_TRAIL = 8  # calls that are shown


class Exhausted(Exception):
    """Raised once, after it was reported that a spec expands beyond all bounds."""


@dataclass(eq=False, slots=True)
class Settings:
    """The settings that the clauses of a network make for all its layers.

    Attributes:
        place: The network's name, where it is declared.
        option: The shortcut option.
        chooses_option: Whether there is one, also where it is unknown or was wrong.
        inits: The initializers by the kind of layer; "" for every layer with weights, `stem` and
            `head` for those of that section.
        section: The section being lowered, if it has an initializer of its own.
        residual_init: How the last norm of each residual starts, and the clause that says so.
        replaced: What stands in place of a kind of layer, with the names that it reads.
    """

    place: Span | None = None
    option: OptionRef | None = None
    chooses_option: bool = False
    inits: dict[str, Init] = field(default_factory=dict)
    section: str | None = None
    residual_init: tuple[Init, Span] | None = None
    replaced: dict[str, tuple[ast.LayerCall, Frame]] = field(default_factory=dict)

    def init(self, layer: Layer) -> Init | None:
        """Return how a layer starts: by its section, by its kind, or like all with weights."""
        clauses = [self.section, layer.kind, ""] if layer.weighted else [layer.kind]
        found = (self.inits[clause] for clause in clauses if clause in self.inits)
        return next(found, None)


class Context(ABC):
    """One network's lowering: its settings, what has been lowered already, and where it is."""

    def __init__(self, library: Library, memory: Memory | None = None) -> None:
        self.memory = memory
        self.settings = Settings()
        self.numbering = Numbering()
        self.diagnostics = Collected()
        self.constants: dict[Span, Value] = {}
        self.reached: set[Span] = set()  # the names of blocks that were called
        self.parts: dict[Span, list[Node]] = {}  # of each step of the texts
        self.made: dict[Hashable, Made] = {}
        self.numbered_made: dict[Hashable, Made] = {}  # of blocks that read `index` or `count`
        self.open: list[OpenBlock] = []
        self.rows: list[list[Draft]] = []  # what is before this place, in the chains around it
        self.uncertain = 0  # repeats around this place whose count is unknown, or 0
        self.depth = 0  # a chain and a merge are two levels; a block, a repeat, a label's part one
        # layers that may still be lowered one by one: a generous multiple of what the texts could
        # say themselves
        self._allowance = 10_000 + sum(len(used.source.text) for used in library.all())
        self._names = MAX_NAMES  # that all scopes together may still hold
        self._sizes: dict[Node, int] = {}
        self._steps: dict[Node, int] = {}
        self._counts: dict[Node, int] = {}

    @abstractmethod
    def chain(self, chain: ast.Chain, x: Shape | None, frame: Frame) -> Draft | None:
        """Return the steps of a chain in a row; None where something was reported, or where the
        input is unknown for that reason. Raises Exhausted.
        """

    # --- what is known ---

    def start(self, section: str) -> None:
        """Start a section: one with initial values of its own shares no blocks with others."""
        own = section if section in self.settings.inits else None
        if own != self.settings.section:
            self.settings.section = own
            self.made, self.numbered_made = {}, {}
            self.recall()

    def recall(self) -> None:
        """Take up the blocks that were lowered for another network which sets the same for all of
        them.

        What a `replace` is given may be a block of its file: then there are none.
        """
        settings = self.settings
        if self.memory and not settings.replaced:
            option = settings.option and (
                settings.option.name,
                settings.option.library and self.memory.content(settings.option.library),
                settings.option.arguments,
            )
            starts = tuple(sorted(settings.inits.items()))
            residual = settings.residual_init and settings.residual_init[0]
            self.made = self.memory.table((option, (starts, settings.section, residual)))

    def identity(self, block: ast.Block, library: Library) -> Hashable:
        """Return what is the same for blocks that are the same."""
        if self.memory:
            return self.memory.content(library), block.name.text
        return block.name.span

    def frame(
        self,
        library: Library,
        names: dict[str, Value],
        trail: Trail = (),
        x: Shape | None = None,
        stride: Value = 1,
        inside: bool = False,
    ) -> Frame:
        """Return the names and values of a body."""
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

    def report(self, diagnostic: Diagnostic, calls_to_here: Trail = ()) -> None:
        """Collect a mistake, once for each place, with the trail of calls that led there."""
        if diagnostic not in self.diagnostics:
            trail = [
                f"in `{text}`{f' on {x}' if x else ''}, called from {_place(span)}"
                for text, span, x in reversed(calls_to_here)
            ]
            if len(trail) > MAX_TRAIL:
                hidden = len(trail) - MAX_TRAIL
                half = MAX_TRAIL // 2
                trail[half:-half] = [f"… and {hidden} calls in between"]
            calls = tuple(span for _, span, _ in calls_to_here)
            notes = (*diagnostic.notes, *trail)
            self.diagnostics.add(diagnostic._replace(notes=notes, calls=calls))

    # --- what may be spent ---

    @property
    def allowance(self) -> int:
        """The number of layers that may still be lowered one by one."""
        return self._allowance

    def size(self, part: Draft) -> int:
        """Return how many layers a part has, repeats written out."""
        return 1 if isinstance(part.node, Op) else size(part.node, self._sizes)

    def steps(self, part: Draft) -> int:
        """Return how many steps of its scope a part has, which are named one by one."""
        return steps(part.node, self._steps)

    def spend(self, span: Span, frame: Frame, steps: int = 1) -> None:
        """Count steps that are lowered or named one by one. Raises Exhausted."""
        self._allowance -= steps
        if self._allowance < 0:
            frame.report(shape_errors.too_much(span))
            raise Exhausted

    def bounded(self, part: Draft, frame: Frame, found: int | None = None) -> Draft:
        """Return the part. Raises Exhausted, by arithmetic, where it is too large for anybody to
        walk over it.

        Args:
            part: What to bound.
            frame: Where to report.
            found: Its size, if that is known.
        """
        if found is None:
            found = self.size(part)
        elif part.node.parts:
            self._sizes[part.node] = found
        if found > MAX_LAYERS:
            self._too_large(part, found, frame)
        return part

    def labeled(self, label: ast.Identifier, part: Draft, frame: Frame) -> Draft:
        """Return the part under a label: a layer or module of this name, a run, or a numbered
        scope.
        """
        if label.text.endswith(".."):
            return replace(part, runs=(label, *part.runs))
        if named := labeled(label, part):
            return named
        self._spend_names(part, frame)
        return names.numbered(part, part.place, frame.report, label)

    def sequential(self, part: Draft, place: Span, frame: Frame) -> Draft:
        """Return the part in a numbered scope of its own."""
        self._spend_names(part, frame)
        return names.numbered(part, place, frame.report)

    def module(self, part: Draft, call: ast.LayerCall, block: ast.Block, frame: Frame) -> Draft:
        """Return the part in the scope of a called block."""
        self._spend_names(part, frame)
        return names.module(part, block.name.text, call.span, frame.report)

    def _spend_names(self, part: Draft, frame: Frame) -> None:
        """Count the names of a scope before it is closed. Raises Exhausted."""
        self._names -= count_names(part.node, self._counts)
        if self._names < 0:
            self._too_large(part, MAX_NAMES - self._names, frame)

    def _too_large(self, part: Draft, found: int, frame: Frame) -> None:
        repeats = list(factors(part))
        frame.report(shape_errors.too_many_layers(part.place, found, MAX_LAYERS, repeats))
        raise Exhausted


def _place(span: Span) -> str:
    line, column = span.source.place(span.start)
    return f"{span.source.name}:{line}:{column}"
