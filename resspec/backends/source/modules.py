"""Terms to expressions that construct modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from resspec.backends.source import copied
from resspec.backends.source.classes import Class
from resspec.ir.formulas import ENTERING, Known, plain
from resspec.backends.source.levels import UNKNOWN
from resspec.backends.source.signature import Signature
from resspec.backends.source.terms import Instance, Item, Leaf, Many, One, Row, Term
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
from resspec.ir.shape import Name

Commented = list[tuple[ast.expr, str | None]]


class Constructors:
    """Expressions for the modules of one class. `loops` are the variables of the repeats around, outermost first."""

    def __init__(
        self, signature: Signature, signatures: dict[Class, Signature], marks: Marks
    ) -> None:
        self.signature = signature
        self.signatures = signatures
        self.marks = marks

    def expression(
        self, term: Term, loops: tuple[str, ...] = (), *, shapes: bool = False
    ) -> ast.expr:
        """`shapes`: with comments, in a row that goes through several."""
        match term:
            case Leaf(module=module, names=names, values=values):
                function = name(module) if copied.is_copied(module) else dotted(f"nn.{module}")
                given = {
                    key: self._value(known, loops) for key, known in zip(names, values, strict=True)
                }
                for key in term.left_out:
                    if isinstance(given[key], ast.Constant):
                        del given[key]
                positional = [given.pop(key) for key in copied.positions(module) if key in given]
                return call(function, *positional, **given)
            case Instance():
                return self._instance(term, loops)
            case Row(items=items):
                return self._row(items, loops, shapes)

    def modules(
        self, items: Sequence[Item], loops: tuple[str, ...] = (), *, shapes: bool = False
    ) -> list[ast.expr]:
        """A row's modules, repeats as generators: `Block(16), *(Block(32) for _ in range(3))`."""
        nodes: Commented = []
        for item, comment in zip(items, _changes(items, shapes), strict=True):
            node = (
                self._many(item, loops)
                if isinstance(item, Many)
                else self.expression(item.term, loops)
            )
            if isinstance(item, One) and item.is_spread:
                node = ast.Starred(node)
            nodes.append((node, comment))
        return list(self._rolled(nodes, loops))

    def _value(self, known: Known, loops: tuple[str, ...]) -> ast.expr:
        return written(self.signature.written(known), loops)

    def _instance(self, term: Instance, loops: tuple[str, ...]) -> ast.expr:
        """A call with its arguments as the spec gives them: by position or by name, without what is as by default."""
        cls = term.body.family
        assert isinstance(cls, Class)
        positional, keywords = list[ast.expr](), dict[str, ast.expr]()
        for parameter in self.signatures[cls].parameters:
            known = term.arguments.get(parameter.variable, UNKNOWN)
            if known == UNKNOWN:
                continue
            if parameter.default is not None and plain(known.formula) == parameter.default:
                continue
            value = self._value(known, loops)
            bare = parameter.variable == ENTERING or parameter.variable in term.bare
            if bare and parameter.default is None and not keywords:
                positional.append(value)
            else:
                keywords[parameter.name] = value
        return call(name(cls.name), *positional, **keywords)

    def _row(self, items: Sequence[Item], loops: tuple[str, ...], shapes: bool) -> ast.expr:
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

    def _many(self, many: Many, loops: tuple[str, ...]) -> ast.expr:
        """`*(Block(64) for _ in range(3))`"""
        i = loop_variable(loops, self.signature.names.taken)
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
                i = loop_variable(loops, self.signature.names.taken)
                rolled = grown_call(node, steps, i)
                node = ast.Starred(ast.GeneratorExp(rolled, [generator(i, stop - start, rolled)]))
            else:
                stop = start + 1
            if comment := modules[stop - 1][1]:
                self.marks.comments[node] = comment
            yield node
            start = stop

    def _named(self, items: Sequence[Item], loops: tuple[str, ...], shapes: bool) -> ast.Call:
        """`named(conv0=…, **{"1-a": …})`"""
        node = call(name("named"))
        for item, comment in zip(items, _changes(items, shapes), strict=True):
            if isinstance(item, Many):
                keyword = ast.keyword(None, self._many_named(item, loops))
            else:
                text, value = item.names[0].at(), self.expression(item.term, loops)
                odd = ast.Dict([constant(text)], [value])
                keyword = ast.keyword(text, value) if is_attribute(text) else ast.keyword(None, odd)
            if comment:
                self.marks.comments[keyword] = comment
            node.keywords.append(keyword)
        return node

    def _many_named(self, many: Many, loops: tuple[str, ...]) -> ast.expr:
        """`{f"layer{i}": Block(64) for i in range(3)}`"""
        i = loop_variable(loops, self.signature.names.taken)
        inner = (*loops, i)
        over = ast.comprehension(name(i), turns(many.count), [], 0)
        if len(many.items) == 1 and isinstance(item := many.items[0], One):
            return ast.DictComp(
                label(item.names[0], inner), self.expression(item.term, inner), [over]
            )
        match [self._pair(item, inner) for item in many.items]:
            case [ast.Starred(value=pairs)]:
                pass
            case several:
                pairs = ast.Tuple(several)
        each = ast.comprehension(ast.Tuple([name("name"), name("module")]), pairs, [], 0)
        return ast.DictComp(name("name"), name("module"), [over, each])

    def _pair(self, item: Item, loops: tuple[str, ...]) -> ast.expr:
        if isinstance(item, Many):
            return ast.Starred(call(ast.Attribute(self._many_named(item, loops), "items")))
        return ast.Tuple([label(item.names[0], loops), self.expression(item.term, loops)])


def _numbering(items: Sequence[Item]) -> tuple[int, str | None]:
    """The first number and the prefix of names that count up by one, or no prefix."""
    names = list(_names(items, ()))
    first = names[0] if names else Name("", 0)
    if first.number is None or any(
        n.prefix != first.prefix or n.number != first.number + i for i, n in enumerate(names)
    ):
        return 0, None
    return first.number, first.prefix


def _names(items: Sequence[Item], at: tuple[int, ...]) -> Iterator[Name]:
    for item in items:
        if isinstance(item, One):
            yield from (Name.parse(grown.at(*at)) for grown in item.names)
        else:
            for turn in range(item.count):
                yield from _names(item.items, (*at, turn))


def _changes(items: Sequence[Item], wanted: bool) -> list[str | None]:
    """The shape after each item where it is another than before, in a row that goes through several."""
    outputs = [_output(item) for item in items]
    if not wanted or len(set(outputs)) < 3:
        return [None] * len(items)
    return [str(y) if y != x else None for x, y in zip([None, *outputs], outputs, strict=False)]


def _output(item: Item) -> object:
    return _output(item.items[-1]) if isinstance(item, Many) else item.output
