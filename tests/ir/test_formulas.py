"""Formulas are simplified without changing their value."""

from __future__ import annotations

import random

from resspec.ir.formulas import Binary, Formula, Variable, binary, calculate, evaluate

NAMES = {"a": 3, "b": 8, "in": 5}


def drawn(rng: random.Random, depth: int) -> tuple[Formula, int]:
    """A formula that was put together step by step, and what it must be."""
    if depth == 0 or rng.random() < 0.2:
        if rng.random() < 0.4:
            value = rng.randint(0, 6)
            return value, value
        name = rng.choice(list(NAMES))
        return Variable(name), NAMES[name]
    (left, a), (right, b) = drawn(rng, depth - 1), drawn(rng, depth - 1)
    operator = rng.choice(["+", "-", "*", "//"] if b else ["+", "-", "*"])
    return binary(operator, left, right), calculate(operator, a, b)


def test_simplified_formulas_keep_their_value() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        formula, value = drawn(rng, 4)
        assert evaluate(formula, NAMES) == value, formula


def test_sums_have_each_term_once() -> None:
    a, b = Variable("a"), Variable("b")
    total = binary("+", binary("+", binary("+", a, b), 4), binary("+", b, 2))
    assert total == Binary("+", Binary("+", a, Binary("*", 2, b)), 6)
    assert binary("-", total, binary("*", 2, b)) == Binary("+", a, 6)
    assert binary("-", total, total) == 0
