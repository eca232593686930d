"""Terms to expressions that construct modules."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from resspec.backends.source import copied
from resspec.backends.source.classes import EmittedClass
from resspec.passes.call_levels import UNKNOWN
from resspec.backends.source.signature import Signature
from resspec.backends.source.syntax import (
    LOOPS,
    Turn,
    affine,
    formula_text,
    is_attribute,
    label,
    quoted,
)
from resspec.backends.source.collect import row_names
from resspec.backends.source.terms import (
    ModuleCall,
    RowItem,
    TorchLayer,
    RowRepeat,
    RowModule,
    SequentialRow,
    Term,
)
from resspec.diagnostics import InternalError
from resspec.ir.formulas import ENTERING, plain
from resspec.ir.shape import Name

Turns = tuple[Turn, ...]


class CallArgument(NamedTuple):
    """An argument of a call; a name of None is one by position."""

    name: str | None
    formula: Any


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

    def expression(self, term: Term, turns: Turns = (), *, shapes: bool = False) -> str:
        """Return what makes a module; `shapes`: with comments, in a row that goes through many."""
        match term:
            case TorchLayer(module=module):
                function = module if copied.is_copied(module) else f"nn.{module}"
                return _call(function, self._leaf(term), turns)
            case ModuleCall():
                return _call(*self._instance(term), turns)
            case SequentialRow(items=items):
                return self._row(items, turns, shapes)

    def _leaf(self, term: TorchLayer) -> Iterator[CallArgument]:
        positional = copied.positions(term.module)
        for name, known in zip(term.names, term.values, strict=True):
            formula = self.signature.formula(known)
            if name not in term.left_out or not isinstance(formula, int | tuple):
                yield CallArgument(None if name in positional else name, formula)

    def _instance(self, term: ModuleCall) -> tuple[str, list[CallArgument]]:
        """Return a call with its arguments as the spec gives them: by position or by name, without
        what is as by default.
        """
        cls = term.body.family
        assert isinstance(cls, EmittedClass)
        found: list[CallArgument] = []
        for parameter in self.signatures[cls].parameters:
            known = term.arguments.get(parameter.variable, UNKNOWN)
            is_default = parameter.default is not None and plain(known.formula) == parameter.default
            if known == UNKNOWN or is_default:
                continue
            bare = parameter.variable == ENTERING or parameter.variable in term.bare
            by_position = bare and parameter.default is None and all(a.name is None for a in found)
            name = None if by_position else parameter.name
            found.append(CallArgument(name, self.signature.formula(known)))
        return cls.name, found

    # --- rows ---

    def _row(self, items: Sequence[RowItem], turns: Turns, shapes: bool) -> str:
        """nn.Sequential, or what gives its modules other names than 0, 1, 2, …"""
        first, prefix = _numbering(items)
        modules = list(self._modules(items, turns)) if prefix is not None else []
        repeats = any(text.startswith("*") for text, _ in modules)
        if prefix is None or (prefix and is_attribute(f"{prefix}0") and not repeats):
            function, modules = "named", list(self._named(items, turns))
        elif prefix or first:
            function = "numbered"
            start = [(f"start={first}", None)] if first else []
            modules = [(quoted(prefix), None), *modules, *start]
        else:
            function = "nn.Sequential"
        comments = _changes([shape for _, shape in modules], shapes)
        texts = [text for text, _ in modules]
        size = sum(shape is not None for _, shape in modules)
        if size <= 2 - repeats and not any(comments):
            return f"{function}({', '.join(texts)})"
        lines = [f"{text},{comment}" for text, comment in zip(texts, comments, strict=True)]
        return "\n".join([f"{function}(", *lines, ")"])

    def _modules(self, items: Sequence[RowItem], turns: Turns) -> Iterator[tuple[str, Any]]:
        """Yield a row's modules with the shapes after them, repeats as generators: `*(Block(32) for
        _ in range(3))`.
        """
        position = 0
        while position < len(items):
            item = items[position]
            same = self._rolled(items[position:])
            if len(same) > 2:
                variable = self.loop(turns)
                text = _generator(variable, len(same), _grown(item, same, variable, turns))
                position += len(same)
                yield text, items[position - 1].output
                continue
            match item:
                case RowRepeat(count=count, items=inner):
                    yield self._many(count, inner, turns), item.output
                case RowModule(term=term, is_spread=spread, output=output):
                    yield "*" * spread + self.expression(term, turns), output
            position += 1

    def _many(self, count: int, items: Sequence[RowItem], turns: Turns) -> str:
        variable = self.loop(turns)
        texts = [text for text, _ in self._modules(items, (*turns, variable))]
        if len(texts) > 1:
            row = f"({', '.join(texts)})"
        elif not texts[0].startswith("*"):
            return _generator(variable, count, texts[0])
        else:
            row = texts[0][1:]
        used = variable if _uses(row, variable) else "_"
        return f"*(module for {used} in range({count}) for module in {row})"

    def _rolled(self, items: Sequence[RowItem]) -> list[list[CallArgument]]:
        """Return the arguments of the calls at the start of a row that grow evenly from one to the
        next.
        """
        found: list[list[CallArgument]] = []
        first = ""
        growth: tuple[int, ...] | None = None
        for item in items:
            match item:
                case RowModule(term=ModuleCall() as term, is_spread=False):
                    name, arguments = self._instance(term)
                case _:
                    break
            if found:
                steps = _steps(found[-1], arguments)
                if name != first or steps is None or growth not in (None, steps):
                    break
                growth = steps
            first = name
            found.append(arguments)
        return found

    def _named(self, items: Sequence[RowItem], turns: Turns) -> Iterator[tuple[str, Any]]:
        """`conv0=…`, or `**{"1-a": …}`; repeats are written out."""
        for item in items:
            match item:
                case RowModule(names=[name], term=term, output=output):
                    text, value = label(name, turns), self.expression(term, turns)
                    plain_name = text[1:-1]
                    is_word = text[0] == '"' and is_attribute(plain_name)
                    yield (f"{plain_name}={value}" if is_word else f"**{{{text}: {value}}}"), output
                case RowRepeat(count=count, items=inner):
                    for turn in range(count):
                        yield from self._named(inner, (*turns, turn))
                case _:
                    raise InternalError(f"{item} has no single name")


def _call(function: str, arguments: Iterable[CallArgument], turns: Turns) -> str:
    texts = [
        formula_text(formula, turns) if name is None else f"{name}={formula_text(formula, turns)}"
        for name, formula in arguments
    ]
    return f"{function}({', '.join(texts)})"


def _grown(
    item: RowItem, same: Sequence[Sequence[CallArgument]], variable: str, turns: Turns
) -> str:
    """Return a call whose arguments grow with the variable."""
    assert isinstance(item, RowModule) and isinstance(item.term, ModuleCall)
    steps = _steps(same[0], same[1])
    assert steps is not None
    cls = item.term.body.family
    assert isinstance(cls, EmittedClass)
    texts = []
    for (name, formula), step in zip(same[0], steps, strict=True):
        text = affine(formula, step, variable) if step else formula_text(formula, turns)
        texts.append(text if name is None else f"{name}={text}")
    return f"{cls.name}({', '.join(texts)})"


def _steps(a: Sequence[CallArgument], b: Sequence[CallArgument]) -> tuple[int, ...] | None:
    """Return by how much arguments grow between two calls, None where they differ otherwise."""
    if [x.name for x in a] != [y.name for y in b]:
        return None
    steps = []
    for x, y in zip(a, b, strict=True):
        if type(x.formula) is type(y.formula) is int:
            steps.append(y.formula - x.formula)
        elif x == y:
            steps.append(0)
        else:
            return None
    return tuple(steps)


def _generator(variable: str, count: int, body: str) -> str:
    """`*(… for i in range(3))`, or `for _ in …` where the body does not use it."""
    used = variable if _uses(body, variable) else "_"
    return f"*({body} for {used} in range({count}))"


def _uses(text: str, variable: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == variable
        for node in ast.walk(ast.parse(text.lstrip("*")))
    )


def _numbering(items: Sequence[RowItem]) -> tuple[int, str | None]:
    """Return the first number and the prefix of names that count up by one, or no prefix."""
    names = [Name.parse(text) for text in row_names(items)]
    first = names[0] if names else Name("", 0)
    if first.number is None or any(
        n.prefix != first.prefix or n.number != first.number + i for i, n in enumerate(names)
    ):
        return 0, None
    return first.number, first.prefix


def _changes(outputs: Sequence[Any], wanted: bool) -> list[str]:
    """Comments with the shape after each item where it is another than before, in a row that goes
    through several.
    """
    if not wanted or len(set(outputs)) < 3:
        return [""] * len(outputs)
    pairs = zip([None, *outputs], outputs, strict=False)
    return [f"  # {y}" if y != x and y is not None else "" for x, y in pairs]
