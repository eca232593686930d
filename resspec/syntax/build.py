"""Parse tree to AST, rule by rule; the method names are the rules and aliases of grammar/resspec.lark."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from lark import Token, Transformer

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.syntax import ast, errors

MAX_DEPTH = 64  # of operators in a value and of repeats of repeats
_FACTORS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SHIFTS = {"K": 10, "M": 20, "G": 30, "T": 40}  # of binary units: KiB is 1 << 10 bytes
_COMMENT = re.compile(r'"[^"\n]*"|(#[^\n]*)')

Children = list[Any]


class Builder(Transformer[Token, ast.File]):
    """Called by the parser at each reduction, so that no tree is made in between. It never raises: what it refuses
    stands in `refused`, since lark would wrap an exception."""

    def __init__(self) -> None:
        super().__init__()
        self.begin(Source("", ""))

    def begin(self, source: Source) -> None:
        self.source = source
        self.refused: list[Diagnostic] = []

    def start(self, children: Children) -> ast.File:
        text = self.source.text
        comments = [
            Span(self.source, m.start(1), m.end(1)) for m in _COMMENT.finditer(text) if m[1]
        ]
        return ast.File(self.source, [c for c in children if not _is_newline(c)], comments)

    # --- declarations ---

    def use(self, children: Children) -> ast.Use:
        token = children[1]
        span = self._span(token)
        if token.type == "STRING":
            return ast.Use(ast.Name(token[1:-1], span), True, self._over(children))
        return ast.Use(ast.Name(str(token), span), False, self._over(children))

    def let(self, children: Children) -> ast.Let:
        return ast.Let(self._name(children[1]), children[3], self._over(children))

    def abbreviation(self, children: Children) -> ast.Block:
        chain = children[4]
        body: list[ast.Clause] = [ast.Part("chain", chain, chain.span)]
        return ast.Block(self._name(children[1]), children[2], body, False, self._over(children))

    def module(self, children: Children) -> ast.Block:
        return ast.Block(
            self._name(children[1]), children[2], children[4], True, self._over(children)
        )

    def option(self, children: Children) -> ast.Option:
        arms = [c for c in children if isinstance(c, ast.Arm)]
        return ast.Option(self._name(children[1]), arms, self._over(children))

    def network(self, children: Children) -> ast.Network:
        return ast.Network(self._name(children[1]), children[2], children[4], self._over(children))

    def derived(self, children: Children) -> ast.Derived:
        clauses = children[6] if len(children) > 5 else []
        name, base = self._name(children[1]), self._name(children[3])
        return ast.Derived(name, base, children[4], clauses, self._over(children))

    def arm(self, children: Children) -> ast.Arm:
        return ast.Arm(self._label(children[0]), children[1])

    def parameters(self, children: Children) -> list[ast.Parameter]:
        return children

    def parameter(self, children: Children) -> ast.Parameter:
        return ast.Parameter(self._name(children[0]), children[1] if len(children) > 1 else None)

    # --- clauses ---

    def clauses(self, children: Children) -> list[ast.Clause]:
        return [
            ast.Part("chain", c, c.span) if isinstance(c, ast.Chain) else c
            for c in children
            if not _is_newline(c)
        ]

    def _part(self, children: Children) -> ast.Part:
        return ast.Part(str(children[0]), children[1], self._over(children))

    preact = residual = after = stem = head = _part

    def stage(self, children: Children) -> ast.Stage:
        return ast.Stage(self._label(children[1]), children[2], self._over(children))

    def shortcut(self, children: Children) -> ast.Shortcut:
        label = next((self._label(c) for c in children if c.type == "LABEL"), None)
        option = next((self._name(c) for c in children if c.type == "NAME"), None)
        return ast.Shortcut(label, option, self._over(children))

    def input(self, children: Children) -> ast.Input:
        return ast.Input(children[1], self._over(children))

    def init(self, children: Children) -> ast.Init:
        kind = self._label(children[1]) if children[1].type == "LABEL" else None
        end = children[-1][-1] if children[-1] else children[-2]
        return ast.Init(
            kind, self._name(children[-2]), children[-1], self._over([children[0], end])
        )

    def replace(self, children: Children) -> ast.Replace:
        return ast.Replace(self._label(children[1]), children[2], self._over(children))

    def expect(self, children: Children) -> ast.Expect:
        word, expected = children
        assert isinstance(expected, ast.Expect)
        return expected._replace(span=self._span(word).to(expected.span))

    def expectation(self, children: Children) -> ast.Expect:
        metric, comparison, low, *others = children
        return ast.Expect(
            metric, str(comparison), low, others[-1] if others else None, self._over(children)
        )

    def metric(self, children: Children) -> ast.Call:
        name, *others = children
        return ast.Call(self._name(name), others[1] if others else [], self._over(children))

    # --- chains ---

    def chain(self, children: Children) -> ast.Chain:
        return ast.Chain(children, children[0].span.to(children[-1].span))

    def step(self, children: Children) -> ast.Step:
        label = self._label(children[0]) if len(children) > 1 else None
        return ast.Step(label, children[-1], self._over(children))

    def merge(self, children: Children) -> ast.Merge:
        return ast.Merge(self._name(children[0]), children[2:-1:2], self._over(children))

    def group(self, children: Children) -> ast.Group:
        return ast.Group(children[1], self._over(children))

    def repeat(self, children: Children) -> ast.Times:
        count, _, step = children
        depth = 1 + (step.item.depth if isinstance(step.item, ast.Times) else 0)
        span = self._over(children)
        self._check_depth(depth, span)
        return ast.Times(count, step, span, depth)

    def call(self, children: Children) -> ast.Call:
        name, arguments = self._name(children[0]), children[1]
        return ast.Call(
            name, arguments, name.span.to(arguments[-1].span) if arguments else name.span
        )

    def arguments(self, children: Children) -> list[ast.Argument]:
        return children

    def stride(self, children: Children) -> ast.Stride:
        return ast.Stride(children[1], self._over(children))

    def keyword(self, children: Children) -> ast.Keyword:
        return ast.Keyword(self._name(children[0]), children[1], self._over(children))

    # --- values ---

    def number(self, children: Children) -> ast.Number:
        token = children[0]
        plain = token.isdecimal() and len(token) <= ast.MAX_DIGITS
        return ast.Number(
            int(token) if plain else self._exact(token, _FACTORS.get(token[-1], 1)),
            self._span(token),
        )

    def bytes(self, children: Children) -> ast.Bytes:
        token = children[0]
        binary = token[-2] == "i"
        prefix = token[-3 if binary else -2]
        return ast.Bytes(
            self._exact(token, 1 << _SHIFTS[prefix] if binary else _FACTORS[prefix]),
            self._span(token),
        )

    def _exact(self, token: Token, factor: int) -> int | Fraction:
        """The number without its unit, times a factor; 1 once it was refused."""
        digits, _, exponent = token.replace("_", "").rstrip("KMGTiB").partition("e")
        if sum(map(str.isdigit, digits)) <= ast.MAX_DIGITS and len(exponent) <= len("-18"):
            value = Fraction(digits) * factor * (Fraction(10) ** int(exponent) if exponent else 1)
            if max(value, value.denominator) < 10**ast.MAX_DIGITS:
                return value.numerator if value.denominator == 1 else value
        self.refused.append(errors.too_many_digits(self._span(token), ast.MAX_DIGITS))
        return 1

    def size(self, children: Children) -> ast.Size:
        span = self._span(children[0])
        dims = children[0].split("x")
        if len(dims) > 3 or max(map(len, dims)) > ast.MAX_DIGITS:
            self.refused.append(errors.no_size(span, self._without_batch(dims, span)))
            return ast.Size((1, 1), span)
        return ast.Size(tuple(map(int, dims)), span)

    def _without_batch(self, dims: list[str], span: Span) -> str | None:
        """Return what is meant by an input of four sides: the last three, since the batch is not part of it."""
        before = self.source.text[max(0, span.start - 20) : span.start]
        is_batched = (
            len(dims) == 4
            and max(map(len, dims)) <= ast.MAX_DIGITS
            and before.rstrip(" \t").endswith("input")
        )
        return "x".join(dims[1:]) if is_batched else None

    def name(self, children: Children) -> ast.Name:
        return self._name(children[0])

    def binary(self, children: Children) -> ast.Binary:
        left, operator, right = children
        depth = 1 + max(getattr(left, "depth", 0), getattr(right, "depth", 0))
        span = left.span.to(right.span)
        self._check_depth(depth, span)
        return ast.Binary(str(operator), left, right, span, depth)

    def negate(self, children: Children) -> ast.Negate:
        minus, operand = children
        depth = 1 + getattr(operand, "depth", 0)
        span = self._span(minus).to(operand.span)
        self._check_depth(depth, span)
        return ast.Negate(operand, span, depth)

    def parenthesised(self, children: Children) -> ast.Value:
        opening, value, closing = children
        made: ast.Value = value._replace(span=self._over([opening, closing]))
        return made

    # --- places ---

    def _check_depth(self, depth: int, span: Span) -> None:
        if depth == MAX_DEPTH + 1:
            self.refused.append(errors.too_deep(span, MAX_DEPTH))

    def _name(self, token: Token) -> ast.Name:
        return ast.Name(str(token), self._span(token))

    def _label(self, token: Token) -> ast.Name:
        assert token.start_pos is not None and token.end_pos is not None
        return ast.Name(token[:-1], Span(self.source, token.start_pos, token.end_pos - 1))

    def _span(self, token: Token) -> Span:
        assert token.start_pos is not None and token.end_pos is not None
        return Span(self.source, token.start_pos, token.end_pos)

    def _over(self, children: Children) -> Span:
        first, last = children[0], children[-1]
        if isinstance(last, list):
            last = last[-1] if last else children[-2]
        start = self._span(first).start if isinstance(first, Token) else first.span.start
        end = self._span(last).end if isinstance(last, Token) else last.span.end
        return Span(self.source, start, end)


def _is_newline(child: Any) -> bool:
    return isinstance(child, Token) and child.type == "_NL"
