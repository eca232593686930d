"""Terms to expressions that construct modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice, pairwise
from typing import Any, NamedTuple

from resspec.backends.source import copied
from resspec.backends.source.classes import EmittedClass
from resspec.backends.source.layout import Code, call
from resspec.backends.source.signature import Signature
from resspec.backends.source.syntax import (
    LOOPS,
    Turn,
    formula_text,
    grown,
    is_attribute,
    label,
    quoted,
)
from resspec.backends.source.collect import numbering, row_names
from resspec.backends.source.terms import (
    ModuleCall,
    ParameterOperand,
    RowItem,
    TorchLayer,
    RowRepeat,
    RowModule,
    SequentialRow,
    Term,
    knowns,
)
from resspec.ir.formulas import ENTERING, Binary, Formula, Variable, binary
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Shape
from resspec.passes.call_levels import UNKNOWN

Turns = tuple[Turn, ...]
Growth = tuple[Formula, ...]  # of each argument of a call, from one turn to the next


class CallArgument(NamedTuple):
    """An argument of a call; a name of None is one by position."""

    name: str | None
    formula: Any


class ConstructorCall(NamedTuple):
    """A call that makes a module."""

    function: str
    arguments: list[CallArgument]

    def code(self, turns: Turns) -> Code:
        given = []
        for name, formula in self.arguments:
            text = formula_text(formula, turns)
            given.append(Code(text if name is None else f"{name}={text}"))
        return call(self.function, given)


class Constructors:
    """Expressions for the modules of one class. `turns` are those of the repeats around, outermost
    first.
    """

    def __init__(self, signature: Signature, signatures: dict[EmittedClass, Signature]) -> None:
        self.signature = signature
        self.signatures = signatures

    def loop(self, turns: Turns) -> str:
        """Return the variable of a loop inside others."""
        return [text for text in LOOPS if text not in self.signature.names.taken][len(turns)]

    def expression(self, term: Term, turns: Turns = ()) -> Code:
        """Return what makes a module."""
        match term:
            case TorchLayer(operand=ParameterOperand(shape=shape)):
                return self._parameter(term, shape, turns)
            case TorchLayer():
                return self._layer(term).code(turns)
            case ModuleCall():
                return self._instance(term).code(turns)
            case SequentialRow(items=items):
                return self._row(items, turns)

    def _layer(self, term: TorchLayer) -> ConstructorCall:
        arguments = []
        for argument in term.arguments:
            formula = self.signature.formula(argument.known)
            if not argument.is_default or isinstance(formula, Variable | Binary):
                name = None if argument.by_position else argument.name
                arguments.append(CallArgument(name, formula))
        return ConstructorCall(copied.qualified(term.module), arguments)

    def _parameter(self, term: TorchLayer, shape: str, turns: Turns) -> Code:
        """Return what makes a parameter: `nn.Parameter(torch.full((channels, 1, 1), 1e-06))`."""
        given = {argument.name: argument.formula for argument in self._layer(term).arguments}
        value = formula_text(given["init_value"], turns)
        channels = formula_text(given["channels"], turns) if "channels" in given else ""
        dims = {"one": "1,", "scalar": "", "C": f"{channels},", "Cx1x1": f"{channels}, 1, 1"}
        full = call("torch.full", [Code(f"({dims[shape]})"), Code(value)])
        return call("nn.Parameter", [full])

    def _instance(self, term: ModuleCall) -> ConstructorCall:
        """Return a call with its arguments as the spec gives them: by position or by name, without
        what is as by default.
        """
        cls = term.body.family
        assert isinstance(cls, EmittedClass)
        found: list[CallArgument] = []
        for parameter in self.signatures[cls].parameters:
            known = term.arguments.get(parameter.variable, UNKNOWN)
            formula = self.signature.formula(known)
            if known == UNKNOWN or (parameter.default is not None and formula == parameter.default):
                continue
            bare = parameter.variable == ENTERING or parameter.variable in term.bare
            by_position = bare and parameter.default is None and all(a.name is None for a in found)
            name = None if by_position else parameter.name
            found.append(CallArgument(name, formula))
        return ConstructorCall(cls.name, found)

    # --- rows ---

    def _row(self, items: Sequence[RowItem], turns: Turns) -> Code:
        """Return an nn.Sequential, or what gives its modules other names than 0, 1, 2, …"""
        first = numbering(row_names(items))
        modules = list(self._modules(items, turns)) if first else []
        repeats = any(code.start.startswith("*") for code, _ in modules)
        prefix: list[Code] = []
        start: list[Code] = []
        if first is None or (is_attribute(f"{first.prefix}0") and not repeats):
            function, modules = "named", list(self._named(items, turns))
        elif first.prefix or first.number:
            function, prefix = "numbered", [Code(quoted(first.prefix))]
            start = [Code(f"start={first.number}")] if first.number else []
        else:
            function = "nn.Sequential"
        has_shapes = self.signature.is_root and len({shape for _, shape in modules}) > 2
        commented = _commented(modules) if has_shapes else [code for code, _ in modules]
        is_long = len(modules) > 2 - repeats or any(code.comment for code in commented)
        made = call(function, [*prefix, *commented, *start])
        return replace(made, rows="always") if is_long else made

    def _modules(self, items: Sequence[RowItem], turns: Turns) -> Iterator[tuple[Code, Shape]]:
        """Yield a row's modules with the shapes after them, repeats as generators: `*(Block(32) for
        _ in range(3))`.
        """
        position = 0
        while position < len(items):
            item = items[position]
            match item:
                case RowRepeat(count=count, items=inner):
                    code = self._repeat(count, inner, turns)
                case RowModule(term=ModuleCall() as term, is_spread=False):
                    count, growth = self._growing(islice(items, position, None))
                    if count > 2:
                        position += count - 1
                        code = self._generator(
                            count, turns, self._grown(term, growth, turns), any(growth)
                        )
                    else:
                        code = self.expression(term, turns)
                case RowModule(term=term, is_spread=spread):
                    code = self.expression(term, turns).after("*" * spread)
            yield code, items[position].output
            position += 1

    def _repeat(self, count: int, items: Sequence[RowItem], turns: Turns) -> Code:
        terms = [item.term for item in items if isinstance(item, RowModule)]
        grows = any(isinstance(known.formula, Ramp) for term in terms for known in knowns(term))
        modules = [code for code, _ in self._modules(items, (*turns, self.loop(turns)))]
        if len(modules) > 1:
            row = Code("(", tuple(modules), ")", rows="each")
        elif modules[0].start.startswith("*"):
            row = replace(modules[0], start=modules[0].start[1:])
        else:
            return self._generator(count, turns, modules[0], grows)
        return self._generator(count, turns, Code("module"), grows, row.after("for module in "))

    def _generator(self, count: int, turns: Turns, body: Code, grows: bool, *loops: Code) -> Code:
        """Return `*(… for i in range(3))`, or `for _ in …` where nothing grows."""
        head = Code(f"for {self.loop(turns) if grows else '_'} in range({count})")
        return Code("*(", (body, head, *loops), ")", separator=" ")

    def _growing(self, items: Iterable[RowItem]) -> tuple[int, Growth]:
        """Return how many calls at the start of a row grow evenly from one to the next, and by how
        much each argument does.
        """
        growth = groupby(self._growths(items))
        steps, pairs = next(growth, (None, ()))
        return (1, ()) if steps is None else (1 + sum(1 for _ in pairs), steps)

    def _growths(self, items: Iterable[RowItem]) -> Iterator[Growth | None]:
        for item, other in pairwise(items):
            match item, other:
                case (
                    RowModule(term=ModuleCall() as a, is_spread=False),
                    RowModule(term=ModuleCall() as b, is_spread=False),
                ):
                    yield _growth(self._instance(a), self._instance(b))
                case _:
                    yield None

    def _grown(self, term: ModuleCall, growth: Growth, turns: Turns) -> Code:
        """Return a call whose arguments grow with the variable of a loop."""
        made = self._instance(term)
        variable = Variable(self.loop(turns))
        arguments = [
            CallArgument(name, grown(formula, step, variable) if step else formula)
            for (name, formula), step in zip(made.arguments, growth, strict=True)
        ]
        return ConstructorCall(made.function, arguments).code(turns)

    def _named(self, items: Sequence[RowItem], turns: Turns) -> Iterator[tuple[Code, Shape]]:
        """Yield `conv0=…`, or `**{"1-a": …}`; repeats are written out."""
        for item in items:
            match item:
                case RowModule(names=names, term=term, output=output):
                    text, value = label(names[0], turns), self.expression(term, turns)
                    word = text.strip('"')
                    if is_attribute(word):
                        yield value.after(f"{word}="), output
                    else:
                        entry = value.after(f"{text}: ")
                        yield Code("**{", (entry,), "}", rows="each"), output
                case RowRepeat(count=count, items=inner):
                    for turn in range(count):
                        yield from self._named(inner, (*turns, turn))


def _growth(a: ConstructorCall, b: ConstructorCall) -> Growth | None:
    """Return by how much arguments grow between two calls, None where they differ otherwise."""
    if a.function != b.function or [x.name for x in a.arguments] != [y.name for y in b.arguments]:
        return None
    steps: list[Formula] = []
    for x, y in zip(a.arguments, b.arguments, strict=True):
        if x == y:
            steps.append(0)
        elif _is_whole(x.formula) and _is_whole(y.formula):
            steps.append(binary("-", y.formula, x.formula))
        else:
            return None
    return tuple(steps)


def _is_whole(formula: Any) -> bool:
    return type(formula) is int or isinstance(formula, Variable | Binary)


def _commented(modules: Sequence[tuple[Code, Shape]]) -> list[Code]:
    """Return modules, each with a comment on its shape if that has changed."""
    commented = []
    before = None
    for code, shape in modules:
        commented.append(replace(code, comment=f"  # {shape}") if shape != before else code)
        before = shape
    return commented
