"""A network's clauses to an IR: what it sets for all its layers, its sections in order, and what its author expects."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from resspec.diagnostics import Diagnostic
from resspec.ir.init import LAWS, STARTS_AS_ONE, Init
from resspec.ir.nodes import Network, Section
from resspec.ir.ops import OPS
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Shape
from resspec.lowering import arguments, errors, naming
from resspec.lowering.block import misspelt_clause, resolve_option
from resspec.lowering.chain import Exhausted, Lowerer
from resspec.lowering.draft import Draft
from resspec.lowering.frame import Frame
from resspec.lowering.scope import Library, find_one, report_unknown, suggestion
from resspec.lowering.values import UNKNOWN, Unknown, Value
from resspec.source import Span
from resspec.suggest import nearest
from resspec.syntax import ast

QUANTITIES = ("params", "buffers", "macs", "flops", "acts", "layers")


class Expectation(NamedTuple):
    """`expect quantity comparison low`, or `in low .. high`."""

    quantity: str
    comparison: str
    low: int | Fraction
    high: int | Fraction | None
    span: Span

    def is_met(self, found: int) -> bool:
        match self.comparison:
            case "==":
                return found == self.low
            case "<=":
                return found <= self.low
            case ">=":
                return found >= self.low
            case "<":
                return found < self.low
            case ">":
                return found > self.low
            case _:
                return self.high is not None and self.low <= found <= self.high


class Lowered(NamedTuple):
    """What came of a network: the IR is None where a diagnostic is an error."""

    network: Network | None
    expectations: tuple[Expectation, ...]
    diagnostics: tuple[Diagnostic, ...]


def lower(library: Library, name: str, overrides: dict[str, ast.Value] | None = None) -> Lowered:
    """The network of this name in a file, with these values for its parameters."""
    attempt = Attempt(library, name, overrides or {}, count=None)
    for _ in range(3):  # a wrong `count` may stop a pass before its last block
        if attempt.numbering.reads == 0 or attempt.numbering.count == attempt.numbering.index:
            break
        attempt = Attempt(library, name, overrides or {}, count=attempt.numbering.index)
    return attempt.lowered


def network_names(library: Library) -> list[str]:
    """The networks that a file declares itself, in its order."""
    return [name for name, declared in library.own.items() if isinstance(declared, ast.Network | ast.Derived)]


def template_parameters(library: Library, name: str) -> list[str]:
    """The parameters of a network that have no value yet."""
    declared = library.own[name]
    return [p.name.text for p in declared.parameters if p.default is None] if isinstance(declared, ast.Network) else []


class Attempt:
    """One pass; a second one knows how many residual blocks there are."""

    def __init__(self, library: Library, name: str, overrides: dict[str, ast.Value], count: int | None) -> None:
        self.lowerer = Lowerer(allowance=_allowance(library))
        self.numbering = self.lowerer.numbering
        self.numbering.count = count
        self.expectations: list[Expectation] = []
        try:
            network = self._resolve(library, name, overrides)
        except Exhausted:
            network = None
        diagnostics = sorted(self.lowerer.diagnostics.values(), key=_position)
        sound = not any(d.severity == "error" for d in diagnostics)
        self.lowered = Lowered(network if sound else None, tuple(self.expectations), tuple(diagnostics))

    def _resolve(self, library: Library, name: str, overrides: dict[str, ast.Value]) -> Network | None:
        """The template at the end of the derivations, with all arguments on the way."""
        declared = library.own[name]
        assert isinstance(declared, ast.Network | ast.Derived)
        self.lowerer.place = declared.name.span
        values: dict[str, Value] = {}
        seen: list[ast.Derived] = []
        home, place = library, declared.name.span
        while isinstance(declared, ast.Derived):
            if declared in seen:
                self.lowerer.report(errors.circular(seen[-1].base.span, declared.name.text, [d.name.span for d in seen]))
                return None
            seen.append(declared)
            frame = self.lowerer.frame(home, {})
            self._derived_clauses(declared, frame)
            found = find_one(home, declared.base, frame.report, ast.Network, ast.Derived)
            if found is None:
                near = suggestion(home, declared.base.text, set(), ast.Network, ast.Derived)
                report_unknown(home, errors.unknown_network(declared.base.span, near), frame.report)
                return None
            parameters = [p.name.text for p in found[0].parameters] if isinstance(found[0], ast.Network) else []
            values = {**self._arguments(declared, parameters, frame), **values}
            declared, home = found
        assert isinstance(declared, ast.Network)
        outer = self.lowerer.frame(library, {})
        values.update({word: outer.value(node) for word, node in overrides.items()})
        return self._build(declared, home, values, name, place, seen, overrides)

    def _arguments(self, derived: ast.Derived, parameters: list[str], frame: Frame) -> dict[str, Value]:
        given = arguments.sort(derived.arguments, frame.report)
        for i, node in enumerate(given.bare):
            parameter = parameters[i] if i < len(parameters) else None
            frame.report(errors.by_name_only(node.span, derived.base.text, parameter))
        if given.stride is not None:
            frame.report(errors.unused_stride(given.stride.span, derived.base.text))
        return {word: frame.value(keyword.value) for word, keyword in given.keywords.items()}

    def _derived_clauses(self, derived: ast.Derived, frame: Frame) -> None:
        for clause in derived.clauses:
            if isinstance(clause, ast.Expect):
                self._expect(clause, frame)
            else:
                frame.report(errors.misplaced(clause.span, clause.span.text.split()[0], "a derived network", "only `expect`s"))

    def _build(
        self, declared: ast.Network, home: Library, values: dict[str, Value], name: str, place: Span,
        derivations: list[ast.Derived], overrides: dict[str, ast.Value],
    ) -> Network | None:
        """Parameters first, then clauses."""
        frame = self.lowerer.frame(home, {})
        parameters = {p.name.text: p for p in declared.parameters}
        for word in values:
            if word not in parameters:
                span = _argument_span(word, derivations, overrides)
                near = nearest(word, parameters)
                frame.report(errors.unknown_argument(span, declared.name.text, near, list(parameters)))
        missing = [word for word, p in parameters.items() if word not in values and p.default is None]
        if missing:
            where = derivations[-1].base.span if derivations else place
            frame.report(errors.needs_values(where, declared.name.text, missing, derived=bool(derivations)))
            return None
        for word, parameter in parameters.items():
            given = values.get(word)
            if given is not None:
                frame.names[word] = given
            elif parameter.default is not None:
                frame.names[word] = frame.value(parameter.default)
        return _Clauses(self, declared, frame).network(name, place)

    def _expect(self, clause: ast.Expect, frame: Frame) -> None:
        metric = clause.metric
        if metric.text not in QUANTITIES:
            frame.report(errors.unknown_metric(metric.span, nearest(metric.text, QUANTITIES), QUANTITIES))
            return
        for argument in clause.arguments:
            frame.report(errors.unknown_argument(argument.name.span, metric.text, None))
        bounds = [frame.value(node) for node in (clause.low, clause.high) if node is not None]
        numbers = [b for b in bounds if isinstance(b, int | Fraction) and not isinstance(b, bool)]
        if len(numbers) == len(bounds):
            high = numbers[1] if len(numbers) > 1 else None
            self.expectations.append(Expectation(metric.text, clause.comparison, numbers[0], high, clause.span))


class _Clauses:
    """The clauses of the template itself, those that others depend on first."""

    def __init__(self, attempt: Attempt, declared: ast.Network, frame: Frame) -> None:
        self.attempt, self.lowerer, self.declared, self.frame = attempt, attempt.lowerer, declared, frame
        self.input: Shape | None = None
        self.sections: list[tuple[str, str, ast.Chain, ast.Name | None, Span]] = []
        self.once: dict[str, Span] = {}
        self.has_misspelt = False  # a clause that may be the one that is missing
        for clause in declared.clauses:
            if isinstance(clause, ast.Let):
                frame.names[clause.name.text] = frame.value(clause.value)
        for clause in declared.clauses:
            self._set(clause)

    def network(self, name: str, place: Span) -> Network | None:
        report = self.frame.report
        for clause, help in (("input", "`input 3x224x224`"), ("head", "`head avgpool -> fc 1000`")):
            if clause not in self.once and not (clause == "head" and self.sections) and not self.has_misspelt:
                owner = self.declared.name
                report(errors.missing_clause(owner.span, f"network `{owner.text}`", f"`{clause}`", help))
        order = {"stem": 0, "stage": 1, "head": 2}
        self.sections.sort(key=lambda section: order[section[0]])
        x, drafts = self.input, list[Draft]()
        for _, _, chain, label, _ in self.sections:
            draft = self._section(chain, label, x)
            x = draft.output if draft else None
            if draft:
                drafts.append(draft)
        if self.input is None or len(drafts) < len(self.sections) or not drafts:
            return None
        bodies = naming.Namer(by_position=False, report=report).close(*drafts)
        sections = tuple(
            Section.model_construct(kind=kind, label=label, body=body, span=str(span))
            for (kind, label, _, _, span), body in zip(self.sections, bodies, strict=True)
        )
        output = drafts[-1].output
        return Network.model_construct(name=name, input=self.input, output=output, sections=sections, span=str(place))

    def _section(self, chain: ast.Chain, label: ast.Name | None, x: Shape | None) -> Draft | None:
        """A stage is a numbered scope of its own, or a run of numbers in another."""
        if label is None:
            return self.lowerer.chain(chain, x, self.frame)
        group = ast.Group(chain, chain.span)
        return self.lowerer.step(ast.Step(label, group, chain.span), x, self.frame)

    def _set(self, clause: ast.Clause) -> None:
        frame, lowerer = self.frame, self.lowerer
        match clause:
            case ast.Let():
                pass
            case ast.Input():
                self._only_once("input", clause.span)
                self.input = self._shape(clause)
            case ast.Part(kind="stem" | "head" as kind):
                self._only_once(kind, clause.span)
                self.sections.append((kind, kind, clause.chain, None, clause.span))
            case ast.Stage(label=label):
                self.sections.append(("stage", label.text, clause.chain, label, clause.span))
            case ast.Shortcut(option=ast.Name() as option):
                self._only_once("shortcut", clause.span)
                lowerer.option = resolve_option(option, frame)
            case ast.Shortcut():
                frame.report(errors.missing_clause(clause.span, "this `shortcut`", "option", "`shortcut B`"))
            case ast.Init():
                self._init(clause)
            case ast.Replace():
                self._replace(clause)
            case ast.Expect():
                self.attempt._expect(clause, frame)
            case ast.Part(kind="chain", chain=chain):
                mistake = misspelt_clause(chain, frame)
                self.has_misspelt |= mistake is not None
                frame.report(mistake or errors.loose_chain(clause.span))
            case _:
                word = clause.span.text.split()[0]
                frame.report(errors.misplaced(clause.span, word, "a network", "it belongs to a block"))

    def _only_once(self, word: str, span: Span) -> None:
        if word in self.once:
            self.frame.report(errors.clause_twice(span, word, self.once[word]))
        self.once.setdefault(word, span)

    def _shape(self, clause: ast.Input) -> Shape | None:
        value = self.frame.value(clause.value)
        dims = value if isinstance(value, tuple) else (value,)
        if any(isinstance(dim, Unknown) for dim in dims):
            return None
        if len(dims) not in (1, 3):
            self.frame.report(errors.wrong_kind(clause.value.span, "an input", "channels, height and width, `3x224x224`",
                                                clause.value.span.text))
            return None
        sides = [arguments.convert(dim, "Count", "a side of the input", clause.value.span, self.frame.report) for dim in dims]
        return None if UNKNOWN in sides else Shape(tuple(sides))

    def _init(self, clause: ast.Init) -> None:
        law = arguments.bind_init(clause.law, clause.arguments, self.frame.value, self.frame.report)
        kind = clause.kind.text if clause.kind else ""
        self._only_once(f"init {kind}:" if kind else "init", clause.span)
        if clause.kind and kind not in OPS and kind != "residual":
            self.frame.report(errors.unknown_kind(clause.kind.span, nearest(kind, {*OPS, "residual"})))
        elif law is None:
            return
        elif unfit := _unfit(law, kind):
            self.frame.report(errors.unfit_law(clause.law.span, clause.law.text, kind, *unfit))
        elif kind == "residual":
            self.lowerer.residual_init = None if law == STARTS_AS_ONE else (law, clause.span)
        else:
            self.lowerer.inits[kind] = law

    def _replace(self, clause: ast.Replace) -> None:
        name = clause.call.name
        self._only_once(f"replace {clause.kind.text}:", clause.span)
        if clause.kind.text not in OPS:
            self.frame.report(errors.unknown_kind(clause.kind.span, nearest(clause.kind.text, OPS)))
        elif name.text in OPS:
            self.lowerer.replaced[clause.kind.text] = (clause.call, self.frame)
        elif self.frame.library.find(name.text, ast.Block):
            self.frame.report(errors.bad_replacement(name.span))
        else:
            self.frame.report(errors.unknown_kind(name.span, nearest(name.text, OPS)))


def _unfit(law: Init, kind: str) -> tuple[str, str | None] | None:
    """Why layers of this kind cannot start by a law, and what would help."""
    if kind == "residual":
        if law.law != "constant" or law.bias != 0:
            return "a residual's last norm starts at a constant", "`zeros`, `ones` or `constant value=…`"
    elif kind and not (OPS[kind].weighted or issubclass(OPS[kind], Norm)):
        return "it has no weight", None
    elif kind and not OPS[kind].weighted and "mode" in LAWS[law.law] | ({"mode": 0} if "gain" in LAWS[law.law] else {}):
        return "its weight has one axis, and this law needs two", "`ones`, or `normal mean=1, std=…`"
    return None


def _argument_span(word: str, derivations: list[ast.Derived], overrides: dict[str, ast.Value]) -> Span:
    if word in overrides:
        return overrides[word].span
    keywords = (a for d in derivations for a in d.arguments if isinstance(a, ast.Keyword) and a.name.text == word)
    return next(keywords).name.span


def _allowance(library: Library) -> int:
    """How many layers may be lowered one by one: a generous multiple of what the texts could say themselves."""
    return 10_000 + sum(len(used.source.text) for used in library.all())


def _position(diagnostic: Diagnostic) -> tuple[str, int, str]:
    span = diagnostic.labels[0].span
    return span.source.name, span.start, diagnostic.code
