"""The clauses of a network: what it sets for all its layers, and its sections in order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, cast

from resspec.diagnostics import Diagnostic
from resspec.ir.init import LAWS, STARTS_AS_ONE, Init
from resspec.ir.network import Network, Section, SectionKind
from resspec.ir.ops import OPS
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Shape
from resspec.lowering import clause_errors, foreign_layers, name_errors
from resspec.lowering.binding import BoundLevel
from resspec.lowering.block import misspelt_clause
from resspec.lowering.chain import Lowerer
from resspec.lowering.context import MAX_LAYERS
from resspec.lowering.expectations import Expectation, expectation
from resspec.lowering.frame import Frame
from resspec.lowering.inputs import input_shape
from resspec.lowering.laws import bind_init
from resspec.lowering.names import Namer
from resspec.lowering.options import resolve_option
from resspec.lowering.outputs import Given, with_outputs
from resspec.lowering.parts import Draft, row
from resspec.lowering.stages import each_stage
from resspec.source import Span
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.errors import NETWORK_CLAUSES

_INIT_PARTS = ("residual", "stem", "head")  # what `init` can name beside a kind of layer


class _Section(NamedTuple):
    kind: SectionKind
    name: str
    chain: ast.Chain | None  # None where it could not be read
    label: ast.Identifier | None
    span: Span
    frame: Frame


class Clauses:
    """The clauses of a template, then those of the networks derived from it, which replace some."""

    def __init__(
        self,
        lowerer: Lowerer,
        levels: Sequence[BoundLevel],
        given: Given | None = None,
    ) -> None:
        self.lowerer, self.given = lowerer, given or Given()
        self.owner = levels[0].level.declared.name
        self.frame = levels[0].frame
        self.expectations: list[Expectation] = []
        self.input: Shape | None = None
        self.output = self.given.output
        self.output_frame = levels[-1].frame
        self.sections: list[_Section] = []
        self.once: dict[str, Span] = {}
        self.has_misspelt = False  # a clause that may be the one that is missing
        self.is_derived = False
        for i, each in enumerate(levels):
            replaced = _keys(levels[i + 1 :])
            self._level(each, replaced)
        self.frame = levels[0].frame

    def _level(self, bound: BoundLevel, replaced: Collection[str]) -> None:
        """Set the clauses of a network, but for those that one derived from it replaces."""
        before, self.once, self.frame = self.once, {}, bound.frame
        self.is_derived = isinstance(bound.level.declared, ast.Derived)
        clauses = bound.level.declared.clauses
        self.frame.define(clauses)
        for clause in clauses:
            if _key(clause) not in replaced:
                self._set(clause)
        self.once = before | self.once

    def network(self, name: str, place: Span) -> Network | None:
        report = self.frame.report
        examples = {"input": "input 3x224x224", "head": "head avgpool -> fc 1000"}
        for clause, example in examples.items():
            if (
                clause not in self.once
                and not (clause == "head" and self.sections)
                and not self.has_misspelt
            ):
                owner = self.owner
                help = f"add one, such as `{example}`"
                what = f"network `{owner.text}`"
                report(clause_errors.missing_clause(owner.span, what, f"`{clause}`", help))
        order = {"stem": 0, "stage": 1, "head": 2}
        self.sections.sort(key=lambda section: order[section.kind])
        self.lowerer.recall()
        x, parts, size = self.input, list[Draft](), 0
        self.lowerer.rows.append(parts)
        for section in self.sections:
            part = self._section(section, x)
            x = part.node.output if part else None
            if part and self.input:
                parts.append(part)
                size += self.lowerer.size(part)
                if size > MAX_LAYERS:
                    self.lowerer.bounded(row(parts, self.input, place), self.frame)
        if self.input is None or len(parts) < len(self.sections) or not parts:
            return None
        namer = Namer(by_position=False, report=report)
        bodies = namer.close(*parts)
        sections = tuple(
            Section(each.kind, _numbered(each, namer), body, str(each.span))
            for each, body in zip(self.sections, bodies, strict=True)
        )
        network = Network(name, self.input, parts[-1].node.output, sections, str(place))
        if self.output is None:
            return network
        return with_outputs(network, self.output, self.output_frame.report)

    def _section(self, section: _Section, x: Shape | None) -> Draft | None:
        """Return the steps of a section, those of a stage under its label."""
        chain, label = section.chain, section.label
        self.lowerer.start(section.kind)
        if chain is None:
            return None
        if label is None:
            return self.lowerer.chain(chain, x, section.frame)
        item: ast.Item = ast.Group(chain, chain.span)
        if len(chain.steps) == 1 and chain.steps[0].label is None:
            item = chain.steps[0].item
        return self.lowerer.step(ast.ChainStep(label, item, chain.span), x, section.frame)

    def _add(
        self,
        kind: SectionKind,
        span: Span,
        chain: ast.Chain | None,
        label: ast.Identifier | None = None,
    ) -> None:
        name = label.text if label else kind
        self._add_section(_Section(kind, name, chain, label, span, self.frame))

    def _add_section(self, section: _Section) -> None:
        """Add a section; a stage of a derived network takes the place of the one of its name."""
        label, name, span = section.label, section.name, section.span
        if label is None or not self.is_derived:
            self.sections.append(section)
            return
        stages = [each for each in self.sections if each.kind == "stage"]
        same = [each for each in stages if each.name == name]
        if len(same) == 1:
            self._only_once(f"stage {name}:", span)
            self.sections[self.sections.index(same[0])] = section
        elif not self.has_misspelt:
            names = [each.name for each in stages]
            near = alike(name, names)
            self.frame.report(clause_errors.unknown_stage(label.span, self.owner.text, near, names))

    def _set(self, clause: ast.Clause) -> None:
        frame, lowerer = self.frame, self.lowerer
        match clause:
            case ast.Let():
                pass
            case ast.Broken(word=word):
                self._break(word, clause.span)
            case ast.Input():
                self._only_once("input", clause.span)
                self.input = input_shape(clause, self.given.input, self.frame)
            case ast.OutputClause():
                self._only_once("output", clause.span)
                if self.given.output is None:
                    self.output, self.output_frame = clause, self.frame
            case ast.ChainClause(kind="stem" | "head" as kind):
                self._only_once(kind, clause.span)
                self._add(cast(SectionKind, kind), clause.span, clause.chain)
            case ast.Stage(label=label):
                self._add("stage", clause.span, clause.chain, label)
            case ast.Stages():
                for stage, inner in each_stage(clause, frame):
                    section = _Section("stage", stage.text, clause.chain, stage, clause.span, inner)
                    self._add_section(section)
            case ast.Shortcut(option=ast.LayerCall() as option):
                self._only_once("shortcut", clause.span)
                if clause.label:
                    owner, help = (
                        "a network's `shortcut`",
                        "write the label in the block, `shortcut proj: B`",
                    )
                    frame.report(
                        clause_errors.misplaced(
                            clause.label.span, f"{clause.label.text}:", owner, help
                        )
                    )
                lowerer.settings.option = resolve_option(option, frame)
                lowerer.settings.chooses_option = True
            case ast.Shortcut():
                help = "name one, such as `shortcut B`"
                frame.report(
                    clause_errors.missing_clause(clause.span, "this `shortcut`", "option", help)
                )
            case ast.InitClause():
                self._init(clause)
            case ast.Replace():
                self._replace(clause)
            case ast.Expect():
                expected = expectation(clause, frame)
                self.expectations += [expected] if expected else []
            case ast.ChainClause(kind="chain", chain=chain):
                self._loose(chain, clause.span)
            case _:
                word = clause.span.text.split()[0]
                help = "it belongs to a block"
                frame.report(clause_errors.misplaced(clause.span, word, "a network", help))

    def _loose(self, chain: ast.Chain, span: Span) -> None:
        """Report layers in no clause: where its first word is misspelt, has a colon, or is of
        another language.
        """
        label, item = chain.steps[0].label, chain.steps[0].item
        if label is not None and label.text in NETWORK_CLAUSES:
            self._break(label.text, span)
            self.frame.report(clause_errors.clause_with_colon(label.span))
            return
        mistake = misspelt_clause(chain, NETWORK_CLAUSES, self.frame, is_sure=True)
        if mistake:
            self._break(mistake.fix.text if mistake.fix else "", span)
        elif isinstance(item, ast.LayerCall | ast.MergeCall):
            from resspec.syntax.constructs import of_word

            mistake = of_word(item.name.span)
        self.frame.report(mistake or clause_errors.loose_chain(span))

    def _break(self, word: str, span: Span) -> None:
        """A clause that cannot be read: nothing is said of what it may have set."""
        self.has_misspelt = True
        if word in ("stem", "stage", "head"):
            section = _Section(cast(SectionKind, word), word, None, None, span, self.frame)
            self.sections.append(section)
        self.lowerer.settings.chooses_option |= word == "shortcut"

    def _only_once(self, word: str, span: Span) -> None:
        if word in self.once:
            self.frame.report(clause_errors.clause_twice(span, word, self.once[word]))
        self.once.setdefault(word, span)

    def _init(self, clause: ast.InitClause) -> None:
        law = bind_init(clause.law, clause.arguments, self.frame.value, self.frame.report)
        kind = clause.kind.text if clause.kind else ""
        self._only_once(f"init {kind}:" if kind else "init", clause.span)
        if clause.kind and kind not in {*OPS, *_INIT_PARTS}:
            self.frame.report(_unknown_kind(clause.kind, {*OPS, *_INIT_PARTS}))
        elif law is None:
            return
        elif unfit := _unfit(law, kind):
            self.frame.report(
                clause_errors.unfit_law(clause.law.span, clause.law.text, kind, *unfit)
            )
        elif kind == "residual":
            self.lowerer.settings.residual_init = (
                None if law == STARTS_AS_ONE else (law, clause.span)
            )
        else:
            self.lowerer.settings.inits[kind] = law

    def _replace(self, clause: ast.Replace) -> None:
        name = clause.call.name
        self._only_once(f"replace {clause.kind.text}:", clause.span)
        if clause.kind.text not in OPS:
            self.frame.report(_unknown_kind(clause.kind, OPS))
        elif name.text in OPS:
            self.lowerer.settings.replaced[clause.kind.text] = (clause.call, self.frame)
        elif self.frame.library.find(name.text, ast.Block):
            self.frame.report(name_errors.bad_replacement(name.span))
        else:
            self.frame.report(_unknown_kind(name, OPS))


def _numbered(section: _Section, namer: Namer) -> str:
    """Return a section's name, with the number from which a run counts on."""
    starts = namer.starts.get(section.label, []) if section.label else []
    return f"{section.name.removesuffix('..')}.{starts.pop(0)}.." if starts else section.name


def _keys(levels: Iterable[BoundLevel]) -> set[str]:
    """Return which clauses some networks replace."""
    clauses = (clause for level in levels for clause in level.level.declared.clauses)
    return {key for key in map(_key, clauses) if key}


def _key(clause: ast.Clause) -> str:
    """Return which clause of the base this one of a derived network replaces; stages are apart."""
    match clause:
        case ast.Input():
            return "input"
        case ast.OutputClause():
            return "output"
        case ast.ChainClause(kind="stem" | "head" as kind):
            return kind
        case ast.Shortcut():
            return "shortcut"
        case ast.InitClause(kind=kind):
            return f"init {kind.text}" if kind else "init"
        case ast.Replace(kind=kind):
            return f"replace {kind.text}"
        case _:
            return ""


def _unknown_kind(name: ast.Identifier, known: Collection[str]) -> Diagnostic:
    instead = foreign_layers.instead(name.text)
    near = () if instead else alike(name.text, known)
    return name_errors.unknown_kind(name.span, near, foreign_layers.names(name.text), instead)


def _unfit(law: Init, kind: str) -> tuple[str, str | None] | None:
    """Why layers of this kind cannot start by a law, and what would help."""
    if kind == "residual":
        if law.law != "constant" or law.bias != 0:
            return (
                "a residual's last norm starts at a constant",
                "use `zeros`, `ones` or `constant value=…`",
            )
    elif kind in OPS and not (OPS[kind].weighted or issubclass(OPS[kind], Norm)):
        return "it has no weight", None
    elif (
        kind in OPS
        and not OPS[kind].weighted
        and "mode" in LAWS[law.law] | ({"mode": 0} if "gain" in LAWS[law.law] else {})
    ):
        return (
            "its weight has one axis, but this initialization needs two",
            "use `ones`, or `normal mean=1, std=…`",
        )
    return None
