"""The attributes of a class: what each of its statements calls, and how the constructor makes it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import product

from resspec.backends.source.classes import Arms, Class, Slot, runs
from resspec.backends.source.modules import Constructors
from resspec.backends.source.syntax import (
    assign,
    attribute,
    attributes,
    call,
    constant,
    dotted,
    is_attribute,
    name,
)
from resspec.backends.source.terms import Leaf, Term
from resspec.backends.source.values import label, loop_variable, turns
from resspec.ir.shape import Name
from resspec.passes.schedule import ApplyStatement, LoopStatement, MergeStatement


ARMS = ("change", "widen", "same", "")  # in the order in which they are tested


class Attributes:
    """Walks the statements of a class once, in order: the constructor's body, and expressions for `forward`."""

    def __init__(self, cls: Class, constructors: Constructors, *, shapes: bool) -> None:
        self.cls = cls
        self.constructors = constructors
        self.shapes = shapes
        self.body: list[ast.stmt] = []
        self.flags: dict[Arms, ast.expr] = {}  # by the arms that have the statements
        self._of: dict[Slot, ast.expr] = {}
        self._spaces: set[tuple[Name, ...]] = set()
        self._shared: dict[str, ast.expr] = {}
        self._names = attributes(_fixed(cls.slots))
        self._construct(_as_registered(cls), (), self.body)

    def __getitem__(self, slot: Slot) -> ast.expr:
        """The module that a statement runs."""
        return self._of[slot]

    def _construct(
        self, slots: Iterable[Slot], loops: tuple[str, ...], body: list[ast.stmt]
    ) -> None:
        for run in runs(slots):
            inside = body
            if run[0].optional == "flag":
                inside = self._flag(run[0], body)
            for slot in run:
                match slot.statement:
                    case ApplyStatement(path=path):
                        self._module(slot, path, loops, inside)
                    case LoopStatement(count=count):
                        inner: list[ast.stmt] = []
                        variable = loop_variable(loops, self.constructors.signature.names.taken)
                        self._construct(slot.inner, (*loops, variable), inner)
                        if inner:
                            inside.append(ast.For(name(variable), turns(count), inner, []))
                    case _:
                        pass
            if inside is not body and inside:
                body.append(ast.If(self.flags[run[0].present], inside, []))

    def _flag(self, slot: Slot, body: list[ast.stmt]) -> list[ast.stmt]:
        """An attribute that says whether statements run."""
        if slot.present not in self.flags:
            wanted = (
                "scale"
                if isinstance(slot.statement, MergeStatement) and slot.statement.kind == "mul"
                else "residual"
            )
            self.flags[slot.present] = ast.Attribute(name("self"), self._names.new(wanted))
            body.append(assign(self.flags[slot.present], self._test(slot.present, self.cls.arms)))
        return []

    def _test(self, arms: Arms, among: Arms) -> ast.expr:
        return self.constructors.signature.test(arms, among)

    def _module(
        self, slot: Slot, path: tuple[Name, ...], loops: tuple[str, ...], body: list[ast.stmt]
    ) -> None:
        if is_free(slot):
            self._of[slot] = self._free(slot, path[-1].prefix, loops)
            return
        owner: ast.expr = name("self")
        for i, part in enumerate(path[:-1]):
            if path[: i + 1] not in self._spaces:
                self._spaces.add(path[: i + 1])
                self.body.append(_register(owner, constant(part.at()), call(dotted("nn.Module"))))
            owner = attribute(owner, part.at())
        text = label(path[-1], loops)
        self._of[slot] = call(name("getattr"), owner, text)
        if isinstance(text, ast.Constant):
            self._of[slot] = attribute(owner, path[-1].at())
        body += self._made(slot, owner, text, loops)

    def _free(self, slot: Slot, wanted: str, loops: tuple[str, ...]) -> ast.expr:
        """The attribute of a module without state, which equal ones share."""
        key = ast.dump(self._value(slot.options[0][1], loops))
        is_shared = len(slot.options) == 1 and slot.optional in (None, "flag")
        if is_shared and key in self._shared:
            return self._shared[key]
        text = self._names.new(wanted)
        target = ast.Attribute(name("self"), text)
        if is_shared:
            self._shared[key] = target
        self.body += self._made(slot, name("self"), constant(text), loops)
        return target

    def _value(self, term: Term, loops: tuple[str, ...]) -> ast.expr:
        return self.constructors.expression(term, loops, shapes=self.shapes)

    def _made(
        self, slot: Slot, owner: ast.expr, text: ast.expr, loops: tuple[str, ...]
    ) -> list[ast.stmt]:
        """The statements that register a module: one, or one for each arm of the shortcut option that has another."""
        options = [
            (arms, _register(owner, text, self._value(term, loops))) for arms, term in slot.options
        ]
        options.sort(
            key=lambda option: (
                min(ARMS.index(arm) for arm in option[0]) if len(slot.options) > 1 else 0
            )
        )
        among = self.cls.arms
        without = {"identity": call(dotted("nn.Identity")), "none": constant(None)}.get(
            slot.optional or ""
        )
        if without is None and len(options) == 1:
            return [options[0][1]]
        tests = []
        for arms, made in options:
            tests.append((self._test(arms, among), made))
            among -= arms
        if without is not None:
            node: list[ast.stmt] = []
        else:
            node = [tests.pop()[1]]
        for test, made in reversed(tests):
            node = [ast.If(test, [made], node)]
        return [*([_register(owner, text, without)] if without is not None else []), *node]


def _as_registered(cls: Class) -> list[Slot]:
    """The statements in the order of their modules: all of a scope that stands in several places where it is first entered."""
    entered = dict(cls.template.program.entered)
    if not entered:
        return list(cls.slots)

    def place(k: int) -> tuple[float, ...]:
        statement = cls.slots[k].statement
        path = (
            statement.path[:-1]
            if isinstance(statement, ApplyStatement)
            else statement.path
            if isinstance(statement, LoopStatement)
            else ()
        )
        return (*(entered[path[: i + 1]] - 0.5 for i in range(len(path))), k)

    return [cls.slots[k] for k in sorted(range(len(cls.slots)), key=place)]


def is_free(slot: Slot) -> bool:
    """Whether the attribute may have any name, since it leaves no trace in a state dict."""
    return all(isinstance(term, Leaf) and term.free for _, term in slot.options)


def _fixed(slots: Iterable[Slot], counts: tuple[int, ...] = ()) -> Iterator[str]:
    """The names under which weights stand."""
    for slot in slots:
        match slot.statement:
            case ApplyStatement(path=(name, *_)) if not is_free(slot):
                yield from (
                    name.at(*turns)
                    for turns in (product(*map(range, counts)) if any(name.steps) else [()])
                )
            case LoopStatement(count=count):
                yield from _fixed(slot.inner, (*counts, count))
            case _:
                pass


def _register(owner: ast.expr, text: ast.expr, value: ast.expr) -> ast.stmt:
    """`self.conv1 = …`, or what does that for names that are no identifiers."""
    match text:
        case ast.Constant(value=str(plain)) if is_attribute(plain):
            return assign(ast.Attribute(owner, plain), value)
        case _:
            return ast.Expr(call(ast.Attribute(owner, "add_module"), text, value))
