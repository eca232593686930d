"""Parse tree to AST: a method for each rule, alias and terminal of grammar/resspec.lark."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from lark import Token, Transformer

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.syntax import ast, errors

MAX_DEPTH = 64  # of operators in a value and of repeats of repeats
_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY_FACTORS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_LITERAL = re.compile(r"([0-9_.]+)(?:e(-?[0-9]+))?([KMGT]?)(i?)B?")
_COMMENT = re.compile(r'"[^"\n]*"|(#[^\n]*)')

Children = list[Any]


def _node(kind: type[Any], *places: int) -> Callable[[Builder, Children], Any]:
    """Return a method that makes a node of the children at these places, and their span."""

    def make(builder: Builder, children: Children) -> Any:
        return kind(*[children[i] for i in places], builder._over(children))

    return make


class Builder(Transformer[Token, ast.SpecFile]):
    """Maker of AST nodes that the parser calls at each reduction, so that no tree is made before.

    It never raises, since lark would wrap an exception: `refused` holds what is wrong.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begin(Source("", ""))

    def begin(self, source: Source) -> None:
        self.source = source
        self.refused: list[Diagnostic] = []

    def start(self, children: Children) -> ast.SpecFile:
        found = _COMMENT.finditer(self.source.text)
        comments = [Span(self.source, *each.span(1)) for each in found if each[1]]
        return ast.SpecFile(self.source, children, comments)

    # --- words ---

    def NAME(self, token: Token) -> ast.Identifier:  # noqa: N802, as the grammar calls it
        return ast.Identifier(str(token), self._span(token))

    PATH = NAME

    def POINT(self, token: Token) -> ast.Identifier:  # noqa: N802
        return ast.Identifier(str(token), self._span(token))

    def LABEL(self, token: Token) -> ast.Identifier:  # noqa: N802
        span = self._span(token)
        return ast.Identifier(token[:-1], span._replace(end=span.end - 1))

    # --- declarations ---

    def use(self, children: Children) -> ast.UseDecl:
        _, target = children
        is_file = isinstance(target, Token)
        name = ast.Identifier(target[1:-1], self._span(target)) if is_file else target
        return ast.UseDecl(name, is_file, self._over(children))

    let = _node(ast.Let, 1, 3)

    def abbreviation(self, children: Children) -> ast.Block:
        _, name, parameters, _, chain = children
        return ast.Block(name, parameters, [_part(chain)], False, self._over(children))

    def module(self, children: Children) -> ast.Block:
        _, name, parameters, _, clauses, _ = children
        return ast.Block(name, parameters, clauses, True, self._over(children))

    def option(self, children: Children) -> ast.Option:
        arms = [each for each in children if isinstance(each, ast.Arm)]
        return ast.Option(children[1], children[2], arms, self._over(children))

    network = _node(ast.NetworkDecl, 1, 2, 4)

    def derived(self, children: Children) -> ast.Derived:
        _, name, parameters, _, base, arguments, _, clauses, _ = children
        span = self._over(children)
        return ast.Derived(name, parameters, base, arguments, clauses or [], span)

    def arm(self, children: Children) -> ast.Arm:
        return ast.Arm(*children)

    def parameters(self, children: Children) -> list[ast.ParameterDecl]:
        return children

    def parameter(self, children: Children) -> ast.ParameterDecl:
        return ast.ParameterDecl(*children)

    # --- clauses ---

    def clauses(self, children: Children) -> list[ast.Clause]:
        return [_part(each) if isinstance(each, ast.Chain) else each for each in children]

    def part(self, children: Children) -> ast.ChainClause:
        word, chain = children
        return ast.ChainClause(str(word), chain, self._over(children))

    preact = residual = after = stem = head = part

    def output(self, children: Children) -> ast.OutputClause:
        return ast.OutputClause(children[1:], self._over(children))

    stage = _node(ast.Stage, 1, 2)
    stages = _node(ast.Stages, 1, 2)
    shortcut = _node(ast.Shortcut, 1, 2)
    input = _node(ast.Input, 1, 3)
    init = _node(ast.InitClause, 1, 2, 3)
    replace = _node(ast.Replace, 1, 2)

    def expect(self, children: Children) -> ast.Expect:
        _, expectation = children
        made: ast.Expect = expectation._replace(span=self._over(children))
        return made

    def expectation(self, children: Children) -> ast.Expect:
        metric, comparison, low, *others = children
        high = others[-1] if others else None
        return ast.Expect(metric, str(comparison), low, high, self._over(children))

    def metric(self, children: Children) -> ast.LayerCall:
        name, _, arguments, _ = children
        return ast.LayerCall(name, arguments or [], self._over(children))

    # --- chains ---

    def chain(self, children: Children) -> ast.Chain:
        return ast.Chain(children, self._over(children))

    step = _node(ast.ChainStep, 0, 1)

    def merge(self, children: Children) -> ast.MergeCall:
        name, _, *rest = children
        return ast.MergeCall(name, rest[::2], self._over(children))

    group = _node(ast.Group, 1)
    sequential = _node(ast.Sequential, 2)

    def repeat(self, children: Children) -> ast.RepeatedStep:
        count, _, step = children
        depth = 1 + (step.item.depth if isinstance(step.item, ast.RepeatedStep) else 0)
        span = self._over(children)
        self._check_depth(depth, span)
        return ast.RepeatedStep(count, step, span, depth)

    call = _node(ast.LayerCall, 0, 1)

    def arguments(self, children: Children) -> list[ast.Argument]:
        return children

    stride = _node(ast.Stride, 1)
    keyword = _node(ast.Keyword, 0, 1)

    # --- values ---

    def number(self, children: Children) -> ast.Number:
        (token,) = children
        is_plain = token.isdecimal() and len(token) <= ast.MAX_DIGITS
        value = int(token) if is_plain else self._exact(token)
        return ast.Number(value, self._span(token))

    def bytes(self, children: Children) -> ast.Bytes:
        (token,) = children
        return ast.Bytes(self._exact(token), self._span(token))

    def _exact(self, token: Token) -> int | Fraction:
        """Return a number with its unit multiplied in; 1 once it was refused."""
        literal = _LITERAL.fullmatch(token)
        assert literal is not None
        digits, exponent, prefix, is_binary = literal.groups()
        digits = digits.replace("_", "")
        if len(digits.replace(".", "")) <= ast.MAX_DIGITS and len(exponent or "") <= len("-18"):
            factor = (_BINARY_FACTORS if is_binary else _FACTORS)[prefix]
            value = Fraction(digits) * factor * Fraction(10) ** int(exponent or 0)
            if max(value, value.denominator) < 10**ast.MAX_DIGITS:
                return value.numerator if value.denominator == 1 else value
        self.refused.append(errors.too_many_digits(self._span(token), ast.MAX_DIGITS))
        return 1

    def size(self, children: Children) -> ast.Size:
        (token,) = children
        span, sides = self._span(token), token.split("x")
        if len(sides) <= 3 and max(map(len, sides)) <= ast.MAX_DIGITS:
            return ast.Size(tuple(map(int, sides)), span)
        self.refused.append(errors.no_size(span, self._without_batch(sides, span)))
        return ast.Size((1, 1), span)

    def _without_batch(self, sides: list[str], span: Span) -> str | None:
        """Return the last three sides of an input of four: the batch is not part of an input."""
        before = self.source.text[max(0, span.start - 20) : span.start].rstrip(" \t")
        is_short = max(map(len, sides)) <= ast.MAX_DIGITS
        is_batched = before.endswith("input") and len(sides) == 4 and is_short
        return "x".join(sides[1:]) if is_batched else None

    def name(self, children: Children) -> ast.Identifier:
        name: ast.Identifier = children[0]
        return name

    def entries(self, children: Children) -> ast.ListExpr:
        values = children[1:-1:2]
        depth, span = self._nested(values, children)
        return ast.ListExpr(values, span, depth)

    def binary(self, children: Children) -> ast.BinaryExpr:
        left, operator, right = children
        depth, span = self._nested([left, right], children)
        return ast.BinaryExpr(str(operator), left, right, span, depth)

    def choice(self, children: Children) -> ast.Choice:
        value, _, condition, _, other = children
        depth, span = self._nested([value, condition, other], children)
        return ast.Choice(value, condition, other, span, depth)

    def applied(self, children: Children) -> ast.Applied:
        name, _, arguments, _ = children
        depth, span = self._nested([ast.value_of(each) for each in arguments], children)
        return ast.Applied(name, arguments, span, depth)

    def negate(self, children: Children) -> ast.Negate:
        _, operand = children
        depth, span = self._nested([operand], children)
        return ast.Negate(operand, span, depth)

    def parenthesised(self, children: Children) -> ast.Value:
        _, value, _ = children
        made: ast.Value = value._replace(span=self._over(children))
        return made

    # --- places ---

    def _nested(self, operands: list[ast.Value], children: Children) -> tuple[int, Span]:
        """Return the depth of a value that is made of others, and its place."""
        depth = 1 + max([getattr(operand, "depth", 0) for operand in operands], default=0)
        span = self._over(children)
        self._check_depth(depth, span)
        return depth, span

    def _check_depth(self, depth: int, span: Span) -> None:
        if depth == MAX_DEPTH + 1:
            self.refused.append(errors.too_deep(span, MAX_DEPTH))

    def _span(self, token: Token) -> Span:
        assert token.start_pos is not None and token.end_pos is not None
        return Span(self.source, token.start_pos, token.end_pos)

    def _over(self, children: Children) -> Span:
        """Return the span of a rule's children, of which some may be missing or empty lists."""
        first = next(filter(None, children))
        last = next(filter(None, reversed(children)))
        if isinstance(last, list):
            last = last[-1]
        begin, end = (
            self._span(each) if isinstance(each, Token) else each.span for each in (first, last)
        )
        return Span(self.source, begin.start, end.end)


def _part(chain: ast.Chain) -> ast.ChainClause:
    return ast.ChainClause("chain", chain, chain.span)
