"""The attributes of a class: what each of its statements calls, and how the constructor makes it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import product

from resspec.backends.source.families import Class, Slot, runs
from resspec.backends.source.modules import Constructors
from resspec.backends.source.parameters import Mask
from resspec.backends.source.patterns import LeafPattern
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
from resspec.backends.source.terms import Apply, Loop
from resspec.backends.source.values import label, loop_variable, turns
from resspec.ir.shape import Name


class Attributes:
    """Walks the statements of a class once, in order: the constructor's body, and expressions for `forward`."""

    def __init__(self, cls: Class, constructors: Constructors, *, shapes: bool) -> None:
        self.cls = cls
        self.constructors = constructors
        self.shapes = shapes
        self.body: list[ast.stmt] = []
        self.flags: dict[Mask | None, ast.expr] = {}  # by which bodies have the statements
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
                    case Apply(path=path):
                        self._module(slot, path, loops, inside)
                    case Loop(count=count):
                        inner: list[ast.stmt] = []
                        variable = loop_variable(loops)
                        self._construct(slot.inner, (*loops, variable), inner)
                        if inner:
                            inside.append(ast.For(name(variable), turns(count), inner, []))
                    case _:
                        pass
            if inside is not body and inside:
                body.append(ast.If(self.flags[run[0].present], inside, []))

    def _flag(self, slot: Slot, body: list[ast.stmt]) -> list[ast.stmt]:
        """An attribute that says whether statements run."""
        assert slot.test is not None and slot.present is not None
        if slot.present not in self.flags:
            wanted = slot.test.id if isinstance(slot.test, ast.Name) else "residual"
            self.flags[slot.present] = ast.Attribute(name("self"), self._names.new(wanted))
            body.append(assign(self.flags[slot.present], slot.test))
        return []

    def _module(
        self, slot: Slot, path: tuple[Name, ...], loops: tuple[str, ...], body: list[ast.stmt]
    ) -> None:
        assert slot.pattern is not None
        value = self.constructors.expression(slot.pattern, loops, shapes=self.shapes)
        if is_free(slot):
            self._of[slot] = self._free(slot, path[-1].prefix, value)
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
        body += _made(slot, owner, text, value)

    def _free(self, slot: Slot, wanted: str, value: ast.expr) -> ast.expr:
        """The attribute of a module without state, which equal ones share."""
        key = ast.dump(value)
        if key in self._shared and slot.optional in (None, "flag"):
            return self._shared[key]
        text = self._names.new(wanted)
        target = ast.Attribute(name("self"), text)
        if slot.optional in (None, "flag"):
            self._shared[key] = target
        self.body += _made(slot, name("self"), constant(text), value)
        return target


def _as_registered(cls: Class) -> list[Slot]:
    """The statements in the order of their modules: all of a scope that stands in several places where it is first entered."""
    entered = dict(cls.template.entered)
    if not entered:
        return list(cls.slots)

    def place(k: int) -> tuple[float, ...]:
        statement = cls.slots[k].statement
        path = (
            statement.path[:-1]
            if isinstance(statement, Apply)
            else statement.path
            if isinstance(statement, Loop)
            else ()
        )
        return (*(entered[path[: i + 1]] - 0.5 for i in range(len(path))), k)

    return [cls.slots[k] for k in sorted(range(len(cls.slots)), key=place)]


def is_free(slot: Slot) -> bool:
    """Whether the attribute may have any name, since it leaves no trace in a state dict."""
    return isinstance(slot.pattern, LeafPattern) and slot.pattern.leaf.free


def _made(slot: Slot, owner: ast.expr, text: ast.expr, value: ast.expr) -> list[ast.stmt]:
    made = _register(owner, text, value)
    if slot.optional not in ("identity", "none"):
        return [made]
    assert slot.test is not None
    without = call(dotted("nn.Identity")) if slot.optional == "identity" else constant(None)
    return [_register(owner, text, without), ast.If(slot.test, [made], [])]


def _fixed(slots: Iterable[Slot], counts: tuple[int, ...] = ()) -> Iterator[str]:
    """The names under which weights stand."""
    for slot in slots:
        match slot.statement:
            case Apply(path=(name, *_)) if not is_free(slot):
                yield from (
                    name.at(*turns)
                    for turns in (product(*map(range, counts)) if any(name.steps) else [()])
                )
            case Loop(count=count):
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
