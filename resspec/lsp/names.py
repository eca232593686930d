"""The meaning of each name in a file: its declaration, or a word of the language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from resspec.ir.init import LAWS
from resspec.ir.ops import OPS
from resspec.ir.quantities import QUANTITIES
from resspec.lowering.derivation import Level, find_base
from resspec.lowering.functions import FUNCTIONS
from resspec.lowering.scope import MERGES, Library
from resspec.source import Span
from resspec.syntax import ast

DECLARED = ("block", "option", "network", "constant", "parameter", "label")  # can be renamed
WORDS = ("in", "stride", "out", "index", "count", "true", "false", "none")


class Meaning(NamedTuple):
    """The thing that a name stands for.

    Attributes:
        kind: One of DECLARED, or `layer`, `field`, `merge`, `function`, `quantity`, `law`, `word`,
            `library`.
        name: Its name; of a field `conv.groups`.
        span: Where it is declared; None of a word of the language.
        library: The file that declares it.
    """

    kind: str
    name: str
    span: Span | None = None
    library: Library | None = None


class Occurrence(NamedTuple):
    """A name at a place."""

    span: Span
    meaning: Meaning
    declares: bool = False


Names = Mapping[str, Meaning]
_KINDS = {
    ast.Block: "block",
    ast.Option: "option",
    ast.NetworkDecl: "network",
    ast.Derived: "network",
    ast.Let: "constant",
}


def occurrences(library: Library) -> list[Occurrence]:
    """Return all names in a file whose meaning is known, in the order of the text."""
    found = [each for each in _Walk(library).all() if each.span.source is library.source]
    return sorted(found, key=lambda each: (each.span.start, each.span.end))


def meaning_of(name: str, library: Library, own: Names) -> Meaning | None:
    """Return the meaning of a name in a file, with these names of the body around it."""
    if name in own:
        return own[name]
    for declared, home in library.find(name, ast.Let, ast.Block, ast.Option):
        if kind := _KINDS.get(type(declared)):
            return Meaning(kind, name, declared.name.span, home)
    for kind, known in _TABLES.items():
        if name in known:
            return Meaning(kind, name)
    return None


_TABLES: dict[str, Iterable[str]] = {
    "layer": OPS,
    "function": FUNCTIONS,
    "merge": MERGES,
    "word": WORDS,
}


def names_of(declared: ast.Declaration, library: Library) -> dict[str, Meaning]:
    """Return the parameters and constants of a declaration, inherited ones too."""
    own: dict[str, Meaning] = {}
    for level in reversed(levels_of(declared, library)):
        for name, parameter in level.parameters.items():
            own[name] = Meaning("parameter", name, parameter.name.span, level.library)
    for parameter in getattr(declared, "parameters", ()):
        name = parameter.name
        own[name.text] = Meaning("parameter", name.text, name.span, library)
    for clause in getattr(declared, "clauses", ()):
        if isinstance(clause, ast.Let):
            own[clause.name.text] = Meaning("constant", clause.name.text, clause.name.span, library)
    return own


def levels_of(declared: ast.Declaration, library: Library) -> list[Level]:
    """Return the networks that one is derived from, the nearest first."""
    found: list[Level] = []
    while isinstance(declared, ast.Derived):
        base = find_base(library, declared.base, lambda _: None)
        if base is None or any(base.declared is each.declared for each in found):
            break
        found.append(base)
        declared, library = base.declared, base.library
    return found


def labels_of(declared: ast.Declaration, library: Library) -> dict[str, Meaning]:
    """Return the labels of the stages of a network and of those that it is derived from."""
    found: dict[str, Meaning] = {}
    levels = levels_of(declared, library)
    for each, home in [*((level.declared, level.library) for level in levels), (declared, library)]:
        for clause in getattr(each, "clauses", ()):
            if isinstance(clause, ast.Stage | ast.Stages):
                label = clause.label
                meaning = Meaning("label", label.text, label.span, home)
                found.setdefault(label.text, meaning)
    return found


class _Walk:
    """One walk over a file."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.own: dict[str, Meaning] = {}
        self.labels: dict[str, Meaning] = {}

    def all(self) -> Iterator[Occurrence]:
        file = self.library.file
        for declaration in file.declarations if file else ():
            self.own = names_of(declaration, self.library)
            self.labels = labels_of(declaration, self.library)
            yield from self._declaration(declaration)

    def _declaration(self, declared: ast.Declaration) -> Iterator[Occurrence]:
        match declared:
            case ast.UseDecl(target=target):
                yield Occurrence(target.span, self._used(target))
            case ast.Broken():
                pass
            case _:
                kind = _KINDS[type(declared)]
                name = declared.name
                meaning = Meaning(kind, name.text, name.span, self.library)
                yield Occurrence(name.span, meaning, declares=True)
        match declared:
            case ast.Let(value=value):
                yield from self._value(value)
            case ast.Option(parameters=parameters, arms=arms):
                yield from self._parameters(parameters)
                for arm in arms:
                    yield from self._chain(arm.chain)
            case ast.Block(parameters=parameters, clauses=clauses):
                yield from self._parameters(parameters)
                yield from self._clauses(clauses)
            case ast.NetworkDecl(parameters=parameters, clauses=clauses):
                yield from self._parameters(parameters)
                yield from self._clauses(clauses)
            case ast.Derived(parameters=parameters, clauses=clauses):
                yield from self._parameters(parameters)
                yield from self._base(declared)
                yield from self._clauses(clauses)

    def _used(self, target: ast.Identifier) -> Meaning:
        """Return the file of a `use`."""
        name = target.text.removesuffix(".res").rpartition("/")[2]
        for used in self.library.used:
            if used.source.name.removesuffix(".res").rpartition("/")[2] == name:
                return Meaning("library", target.text, Span(used.source, 0, 0), used)
        return Meaning("library", target.text)

    def _base(self, declared: ast.Derived) -> Iterator[Occurrence]:
        levels = levels_of(declared, self.library)
        if not levels:
            return
        base = levels[0].declared.name
        network = Meaning("network", base.text, base.span, levels[0].library)
        yield Occurrence(declared.base.span, network)
        known = {
            name: Meaning("parameter", name, parameter.name.span, level.library)
            for level in reversed(levels)
            for name, parameter in level.parameters.items()
        }
        for argument in declared.arguments:
            if isinstance(argument, ast.Keyword) and argument.name.text in known:
                yield Occurrence(argument.name.span, known[argument.name.text])
            yield from self._value(ast.value_of(argument))

    def _parameters(self, parameters: Iterable[ast.ParameterDecl]) -> Iterator[Occurrence]:
        for name, default in parameters:
            meaning = Meaning("parameter", name.text, name.span, self.library)
            yield Occurrence(name.span, meaning, declares=True)
            if default is not None:
                yield from self._value(default)

    # --- clauses ---

    def _clauses(self, clauses: Iterable[ast.Clause]) -> Iterator[Occurrence]:
        for clause in clauses:
            yield from self._clause(clause)

    def _clause(self, clause: ast.Clause) -> Iterator[Occurrence]:
        match clause:
            case ast.ChainClause(chain=chain):
                yield from self._chain(chain)
            case ast.Stage(label=label, chain=chain) | ast.Stages(label=label, chain=chain):
                meaning = self.labels[label.text]
                yield Occurrence(label.span, meaning, declares=meaning.span == label.span)
                yield from self._chain(chain)
            case ast.Shortcut(option=option):
                if option is not None:
                    yield from self._call(option)
            case ast.Input(value=value, size=size):
                for each in (value, size):
                    if each is not None:
                        yield from self._value(each)
            case ast.OutputClause(names=names):
                for name in names:
                    if name.text in self.labels:
                        yield Occurrence(name.span, self.labels[name.text])
            case ast.InitClause():
                yield from self._init(clause)
            case ast.Replace(kind=kind, call=call):
                if kind.text in OPS:
                    yield Occurrence(kind.span, Meaning("layer", kind.text))
                yield from self._call(call)
            case ast.Expect():
                yield from self._expect(clause)
            case ast.Let(name=name, value=value):
                meaning = Meaning("constant", name.text, name.span, self.library)
                yield Occurrence(name.span, meaning, declares=True)
                yield from self._value(value)

    def _init(self, clause: ast.InitClause) -> Iterator[Occurrence]:
        kind, law = clause.kind, clause.law
        if kind is not None and kind.text in OPS:
            yield Occurrence(kind.span, Meaning("layer", kind.text))
        if law.text in LAWS:
            yield Occurrence(law.span, Meaning("law", law.text))
        for argument in clause.arguments:
            yield from self._value(ast.value_of(argument))

    def _expect(self, clause: ast.Expect) -> Iterator[Occurrence]:
        metric = clause.metric
        if metric.name.text in QUANTITIES:
            yield Occurrence(metric.name.span, Meaning("quantity", metric.name.text))
        for each in (*map(ast.value_of, metric.arguments), clause.low, clause.high):
            if each is not None:
                yield from self._value(each)

    # --- chains ---

    def _chain(self, chain: ast.Chain) -> Iterator[Occurrence]:
        for step in chain.steps:
            yield from self._step(step)

    def _step(self, step: ast.ChainStep) -> Iterator[Occurrence]:
        match step.item:
            case ast.LayerCall() as call:
                yield from self._call(call)
            case ast.Group(chain=chain) | ast.Sequential(chain=chain):
                yield from self._chain(chain)
            case ast.MergeCall(name=name, paths=paths):
                if name.text in MERGES:
                    yield Occurrence(name.span, Meaning("merge", name.text))
                for path in paths:
                    yield from self._chain(path)
            case ast.RepeatedStep(turns=turns, step=inner):
                yield from self._value(turns)
                yield from self._step(inner)

    def _call(self, call: ast.LayerCall | ast.Applied) -> Iterator[Occurrence]:
        meaning = meaning_of(call.name.text, self.library, self.own)
        if meaning:
            yield Occurrence(call.name.span, meaning)
        for argument in call.arguments:
            if isinstance(argument, ast.Keyword):
                name = argument.name
                if meaning and (field := field_of(meaning, name.text)):
                    yield Occurrence(name.span, field)
            yield from self._value(ast.value_of(argument))

    def _value(self, value: ast.Value) -> Iterator[Occurrence]:
        match value:
            case ast.Identifier():
                if meaning := meaning_of(value.text, self.library, self.own):
                    yield Occurrence(value.span, meaning)
            case ast.Applied():
                yield from self._call(value)
            case _:
                for operand in ast.operands(value):
                    yield from self._value(operand)


def field_of(callee: Meaning, word: str) -> Meaning | None:
    """Return what an argument by name is of a layer, block or option."""
    if callee.kind == "layer":
        return Meaning("field", f"{callee.name}.{word}")
    declared = callee.library.own.get(callee.name) if callee.library else None
    for parameter in getattr(declared, "parameters", ()):
        if parameter.name.text == word:
            return Meaning("parameter", word, parameter.name.span, callee.library)
    return None
