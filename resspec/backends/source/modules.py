"""Patterns to expressions that construct modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from resspec.backends.source import copied
from resspec.backends.source.families import Class
from resspec.backends.source.parameters import Parameter
from resspec.backends.source.patterns import (
    CHANNELS, Choice, Hole, InstancePattern, ItemPattern, LeafPattern, ManyPattern, OnePattern, Pattern, RowPattern,
)  # fmt: skip
from resspec.backends.source.printer import Marks
from resspec.backends.source.syntax import call, constant, dotted, is_attribute, name
from resspec.backends.source.values import (
    generator,
    growth,
    grown_call,
    label,
    loop_variable,
    turns,
    written,
)
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name

Commented = list[tuple[ast.expr, str | None]]


class Constructors:
    """Expressions for the modules of one class. `loops` are the variables of the repeats around, outermost first."""

    def __init__(self, cls: Class, marks: Marks) -> None:
        self.cls = cls
        self.marks = marks

    def expression(
        self, pattern: Pattern, loops: tuple[str, ...] = (), *, shapes: bool = False
    ) -> ast.expr:
        """`shapes`: with comments, in a row that goes through several."""
        match pattern:
            case LeafPattern(module=module, positional=positional, keywords=keywords):
                function = name(module) if copied.is_copied(module) else dotted(f"nn.{module}")
                given = {key: self._value(hole, loops) for key, hole in keywords.items()}
                return call(function, *(self._value(hole, loops) for hole in positional), **given)
            case InstancePattern():
                return self._instance(pattern, loops)
            case RowPattern(items=items):
                return self._row(items, loops, shapes)
            case Choice(options=options):
                tests = self.cls.tests[pattern]
                node = self.expression(options[-1][1], loops)
                for test, (_, option) in reversed(list(zip(tests, options, strict=False))):
                    node = ast.IfExp(test, self.expression(option, loops), node)
                return node

    def modules(
        self, items: Sequence[ItemPattern], loops: tuple[str, ...] = (), *, shapes: bool = False
    ) -> list[ast.expr]:
        """A row's modules, repeats as generators: `Block(16), *(Block(32) for _ in range(3))`."""
        nodes: Commented = []
        for item, comment in zip(items, _changes(items, shapes), strict=True):
            node = (
                self._many(item, loops)
                if isinstance(item, ManyPattern)
                else self.expression(item.pattern, loops)
            )
            if (
                isinstance(item, OnePattern)
                and isinstance(item.pattern, InstancePattern)
                and item.pattern.cls.form == "list"
            ):
                node = ast.Starred(node)
            nodes.append((node, comment))
        return list(self._rolled(nodes, loops))

    def _value(self, hole: Hole, loops: tuple[str, ...]) -> ast.expr:
        return written(self.cls.solver.value(hole), loops)

    def _instance(self, pattern: InstancePattern, loops: tuple[str, ...]) -> ast.expr:
        positional, keywords = list[ast.expr](), dict[str, ast.expr]()
        for parameter in signature(pattern.cls.parameters):
            hole = pattern.arguments[parameter.name]
            value = self.cls.solver.value(hole)
            if parameter.default is None and parameter.role in (CHANNELS, "kernel_size"):
                positional.append(self._value(hole, loops))
            elif (
                isinstance(value, ast.expr | Ramp)
                or parameter.default is None
                or value != parameter.default
            ):
                keywords[parameter.name] = self._value(hole, loops)
        return call(name(pattern.cls.name), *positional, **keywords)

    def _row(self, items: Sequence[ItemPattern], loops: tuple[str, ...], shapes: bool) -> ast.expr:
        """nn.Sequential, or what gives its modules other names than 0, 1, 2, …"""
        first, prefix = _numbering(items)
        modules = self.modules(items, loops, shapes=shapes) if prefix is not None else []
        repeats = any(isinstance(module, ast.Starred) for module in modules)
        if prefix is None or (prefix and is_attribute(f"{prefix}0") and not repeats):
            node = self._named(items, loops, shapes)
        elif prefix or first:
            start = {"start": constant(first)} if first else {}
            node = call(name("numbered"), constant(prefix), *modules, **start)
        else:
            node = call(dotted("nn.Sequential"), *modules)
        if max(len(modules), len(node.keywords)) > (1 if repeats else 2):
            self.marks.broken.add(node)
        return node

    def _many(self, many: ManyPattern, loops: tuple[str, ...]) -> ast.expr:
        """`*(Block(64) for _ in range(3))`"""
        i = loop_variable(loops)
        match self.modules(many.items, (*loops, i)):
            case [ast.Starred(value=row)]:
                pass
            case [node]:
                return ast.Starred(ast.GeneratorExp(node, [generator(i, many.count, node)]))
            case nodes:
                row = ast.Tuple(nodes)
        each = ast.comprehension(name("module"), row, [], 0)
        return ast.Starred(ast.GeneratorExp(name("module"), [generator(i, many.count, row), each]))

    def _rolled(self, modules: Commented, loops: tuple[str, ...]) -> Iterator[ast.expr]:
        """With calls whose arguments grow evenly as one expression."""
        start = 0
        while start < len(modules):
            node, _ = modules[start]
            steps, stop = None, start + 1
            while stop < len(modules) and not modules[stop - 1][1]:
                further = growth(modules[stop - 1][0], modules[stop][0])
                if further is None or (steps is not None and further != steps):
                    break
                steps, stop = further, stop + 1
            if stop - start > 2 and isinstance(node, ast.Call) and steps is not None:
                i = loop_variable(loops)
                rolled = grown_call(node, steps, i)
                node = ast.Starred(ast.GeneratorExp(rolled, [generator(i, stop - start, rolled)]))
            else:
                stop = start + 1
            if comment := modules[stop - 1][1]:
                self.marks.comments[node] = comment
            yield node
            start = stop

    def _named(
        self, items: Sequence[ItemPattern], loops: tuple[str, ...], shapes: bool
    ) -> ast.Call:
        """`named(conv0=…, **{"1-a": …})`"""
        node = call(name("named"))
        for item, comment in zip(items, _changes(items, shapes), strict=True):
            if isinstance(item, ManyPattern):
                keyword = ast.keyword(None, self._many_named(item, loops))
            else:
                text, value = item.names[0].at(), self.expression(item.pattern, loops)
                odd = ast.Dict([constant(text)], [value])
                keyword = ast.keyword(text, value) if is_attribute(text) else ast.keyword(None, odd)
            if comment:
                self.marks.comments[keyword] = comment
            node.keywords.append(keyword)
        return node

    def _many_named(self, many: ManyPattern, loops: tuple[str, ...]) -> ast.expr:
        """`{f"layer{i}": Block(64) for i in range(3)}`"""
        i = loop_variable(loops)
        inner = (*loops, i)
        over = ast.comprehension(name(i), turns(many.count), [], 0)
        if len(many.items) == 1 and isinstance(item := many.items[0], OnePattern):
            return ast.DictComp(
                label(item.names[0], inner), self.expression(item.pattern, inner), [over]
            )
        match [self._pair(item, inner) for item in many.items]:
            case [ast.Starred(value=pairs)]:
                pass
            case several:
                pairs = ast.Tuple(several)
        each = ast.comprehension(ast.Tuple([name("name"), name("module")]), pairs, [], 0)
        return ast.DictComp(name("name"), name("module"), [over, each])

    def _pair(self, item: ItemPattern, loops: tuple[str, ...]) -> ast.expr:
        if isinstance(item, ManyPattern):
            return ast.Starred(call(ast.Attribute(self._many_named(item, loops), "items")))
        return ast.Tuple([label(item.names[0], loops), self.expression(item.pattern, loops)])


def signature(parameters: Sequence[Parameter]) -> list[Parameter]:
    """Parameters as the constructor lists them: those without a default first, channels, kernel, stride before others."""

    def place(p: Parameter) -> tuple[bool, int]:
        known = (CHANNELS, "kernel_size", "stride")
        return p.default is not None, known.index(
            p.role
        ) if p.role in known and p.name != "groups" else len(known)

    return sorted(parameters, key=place)


def _numbering(items: Sequence[ItemPattern]) -> tuple[int, str | None]:
    """The first number and the prefix of names that count up by one, or no prefix."""
    names = list(_names(items, ()))
    first = names[0] if names else Name("", 0)
    if first.number is None or any(
        n.prefix != first.prefix or n.number != first.number + i for i, n in enumerate(names)
    ):
        return 0, None
    return first.number, first.prefix


def _names(items: Sequence[ItemPattern], at: tuple[int, ...]) -> Iterator[Name]:
    for item in items:
        if isinstance(item, OnePattern):
            yield from (Name.parse(grown.at(*at)) for grown in item.names)
        else:
            for turn in range(item.count):
                yield from _names(item.items, (*at, turn))


def _changes(items: Sequence[ItemPattern], wanted: bool) -> list[str | None]:
    """The shape after each item where it is another than before, in a row that goes through several."""
    outputs = [_output(item) for item in items]
    if not wanted or len(set(outputs)) < 3:
        return [None] * len(items)
    return [str(y) if y != x else None for x, y in zip([None, *outputs], outputs, strict=False)]


def _output(item: ItemPattern) -> object:
    return _output(item.items[-1]) if isinstance(item, ManyPattern) else item.output
