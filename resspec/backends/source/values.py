"""Arguments, names and loops as expressions."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from fractions import Fraction
from functools import reduce
from math import lcm
from typing import Any

from resspec.backends.source.inline import is_plain
from resspec.backends.source.syntax import LOOPS, binary, call, constant, is_same, name
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name


def written(value: Any, loops: Sequence[str]) -> ast.expr:
    """A solved argument; a ramp in the variable of the nearest loop."""
    match value:
        case ast.expr():
            return value
        case Ramp(start, step) if loops:
            return _ramp(start, step, loops[-1])
        case Ramp(start, _):
            return constant(float(start))
        case _:
            return constant(value)


def label(grown: Name, loops: Sequence[str]) -> ast.expr:
    """A name, which may grow: `f"conv{3 * i + 1}"`."""
    if grown.number is None or not any(grown.steps):
        return constant(grown.at())
    terms = [
        _times(step, variable) for step, variable in zip(grown.steps, loops, strict=False) if step
    ]
    node = reduce(
        lambda left, right: binary(left, "+", right),
        [*terms, *([constant(grown.number)] if grown.number else [])],
    )
    if not is_plain(grown.prefix):
        return binary(constant(grown.prefix), "+", call(name("str"), node))
    return ast.JoinedStr(
        [*([ast.Constant(grown.prefix)] if grown.prefix else []), ast.FormattedValue(node, -1)]
    )


def affine(start: int, step: int, variable: str) -> ast.expr:
    """`start + step * variable`, as one writes it."""
    if step == 0:
        return constant(start)
    growing = _times(step, variable)
    if start == 0:
        return growing
    if step == 1:
        return binary(growing, "+" if start > 0 else "-", constant(abs(start)))
    return binary(constant(start), "+", growing)


def _ramp(start: Fraction, step: Fraction, variable: str) -> ast.expr:
    """`2 * (i + 3) / 7`: a division of whole numbers rounds as the exact fraction does."""
    divisor = lcm(start.denominator, step.denominator)
    first, further = int(start * divisor), int(step * divisor)
    if further > 1 and first and first % further == 0:
        return binary(
            binary(constant(further), "*", affine(first // further, 1, variable)),
            "/",
            constant(divisor),
        )
    return binary(affine(first, further, variable), "/", constant(divisor))


def _times(step: int, variable: str) -> ast.expr:
    return name(variable) if step == 1 else binary(constant(step), "*", name(variable))


# --- loops ---


def loop_variable(loops: Sequence[str], taken: Collection[str] = ()) -> str:
    """Return the variable of a loop inside others, in a function with these names."""
    return [text for text in LOOPS if text not in taken][len(loops)]


def turns(count: int) -> ast.expr:
    return call(name("range"), constant(count))


def generator(variable: str, count: int, body: ast.expr) -> ast.comprehension:
    """`for i in range(3)`, or `for _ in …` where the body does not ask."""
    used = any(isinstance(node, ast.Name) and node.id == variable for node in ast.walk(body))
    return ast.comprehension(name(variable if used else "_"), turns(count), [], 0)


def growth(a: ast.expr, b: ast.expr) -> list[int] | None:
    """By how much arguments grow from one call to another of the same function of ours, None where they differ otherwise."""
    match a, b:
        case ast.Call(func=ast.Name(id=f), args=xs, keywords=ks), ast.Call(
            func=ast.Name(id=g), args=ys, keywords=ls
        ):
            if (
                f != g
                or len(xs) != len(ys)
                or [k.arg for k in ks] != [k.arg for k in ls]
                or f in ("named", "numbered")
            ):
                return None
        case _:
            return None
    steps = []
    for x, y in zip([*xs, *(k.value for k in ks)], [*ys, *(k.value for k in ls)], strict=True):
        match x, y:
            case ast.Constant(value=int(v)), ast.Constant(value=int(w)) if (
                type(v) is type(w) is int
            ):
                steps.append(w - v)
            case _ if is_same(x, y):
                steps.append(0)
            case _:
                return None
    return steps


def grown_call(node: ast.Call, steps: Sequence[int], variable: str) -> ast.Call:
    """A call whose arguments grow with the variable."""

    def grown(value: ast.expr, step: int) -> ast.expr:
        match value:
            case ast.Constant(value=int(start)) if step:
                return affine(start, step, variable)
            case _:
                return value

    values = [
        grown(value, step)
        for value, step in zip([*node.args, *(k.value for k in node.keywords)], steps, strict=True)
    ]
    n = len(node.args)
    keywords = [
        ast.keyword(k.arg, value) for k, value in zip(node.keywords, values[n:], strict=True)
    ]
    return ast.Call(node.func, values[:n], keywords)
