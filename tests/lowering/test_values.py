"""Values: exact arithmetic, numbers with letters, sizes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from timm.layers.helpers import make_divisible
from torchvision.models._utils import _make_divisible

from resspec.diagnostics import Diagnostic
from resspec.lowering.evaluation import evaluate
from resspec.lowering.values import Unknown, Value
from resspec.source import Source
from resspec.syntax import ast
from resspec.syntax.parse import parse

NAMES = {"true": True, "false": False, "n": 7}


def value(text: str) -> Value | str:
    """The value of an expression, or the code of what is wrong with it."""
    found: list[Diagnostic] = []
    (declared,) = parse(Source("v", f"let v = {text}")).declarations
    assert isinstance(declared, ast.Let)
    result = evaluate(declared.value, lambda name: NAMES[name.text], found.append)
    assert isinstance(result, Unknown) == bool(found)
    return found[0].code if found else result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 - 3 - 4", -5),
        ("-2 * 3", -6),
        ("2 * -3", -6),
        ("- (1 + 1)", -2),
        ("--1", 1),
        ("7 / 2", Fraction(7, 2)),
        ("8 / 2", 4),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("1 / 3 * 3", 1),
        ("1/ 2", Fraction(1, 2)),
        ("2 * 6 // 4", 3),
        ("n - 1", 6),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("2e3", 2000),
        ("1.5e1", 15),
        ("60_192_808", 60192808),
        ("11.2G", 11_200_000_000),
        ("3K", 3000),
        ("1M", 10**6),
        ("0.5T", 5 * 10**11),
        ("1e2K", 10**5),
        ("3x3", (3, 3)),
        ("1x7", (1, 7)),
        ("3x224x224", (3, 224, 224)),
        ("true", True),
        ("007", 7),
        ("1__0", 10),
        ("2.0", 2),
        ("999_999_999_999_999_999", 10**18 - 1),
        ("min(3, n, 5)", 3),
        ("max(1 / 2, 1 / 3)", Fraction(1, 2)),
        ("ceil(7 / 2)", 4),
        ("floor(-7 / 2)", -4),
        ("ceil(2 * n)", 14),
        ("1 + 2 < 4", True),
        ("n == 7", True),
        ("n != 7", False),
        ("7 / 2 >= 3.5", True),
        ("3x3 == 3", True),
        ("3x1 != 1x3", True),
        ("true == false", False),
        ("(n > 3) == true", True),
        ("1 if n > 3 else 2", 1),
        ("1 if n > 8 else 2 if n > 6 else 3", 2),
        ("(1 if n > 8 else 2) + 1", 3),
        ("1 if n > 8 else 2 + 1", 3),
        ("3x3 if true else n / 0", (3, 3)),
    ],
)
def test_value(text: str, expected: Value) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1 / 0", "E0222"),
        ("1 // (2 - 2)", "E0222"),
        ("3x3 * 2", "E0221"),
        ("-3x3", "E0221"),
        ("true + 1", "E0221"),
        ("1T * 1T", "E0223"),
        ("1 / 1T / 1T", "E0223"),
        ("-1T * 1T", "E0223"),
        ("max(1T, 2) * 1T", "E0223"),
        ("3x3 < 4", "E0221"),
        ("max(3x3, 4)", "E0221"),
        ("true > false", "E0221"),
        ("1 if n else 2", "E0207"),
        ("1 == true", "E0207"),
        ("max(1)", "E0206"),
        ("ceil(1, 2)", "E0205"),
        ("ceil(a=1)", "E0203"),
        ("ceil(/1)", "E0211"),
        ("divisible(8, 0)", "E0209"),
        ("n(8)", "E0240"),
        ("1 / 0 if true else 2", "E0222"),
    ],
)
def test_no_value(text: str, code: str) -> None:
    assert value(text) == code


@pytest.mark.parametrize("divisor", [4, 8, 10, 16])
def test_divisible_is_that_of_torchvision_and_timm(divisor: int) -> None:
    for number in range(1, 400):
        found = value(f"divisible({number} / 3, {divisor})")
        assert found == _make_divisible(number / 3, divisor)
        assert found == make_divisible(number / 3, divisor)  # type: ignore[no-untyped-call]
    assert value("divisible(37)") == _make_divisible(37, 8)


@pytest.mark.parametrize("number", [Fraction(number, 4) for number in range(-9, 10)])
def test_round_is_that_of_python(number: Fraction) -> None:
    assert value(f"round({number.numerator} / {number.denominator})") == round(float(number))


def test_names_of_both_choices_are_known() -> None:
    """Also where the other is chosen."""
    with pytest.raises(KeyError):
        value("1 if true else unknown")


def test_three_terms_are_exact() -> None:
    """What floats get wrong."""
    assert value("0.1 * 3 / 3 - 0.1") == 0
    assert value("1 / 49 * 49") == 1


def test_a_division_touches_nothing() -> None:
    """`/2` is a stride, `/ 2` divides."""
    (declared,) = parse(Source("v", "block b = conv 3x3, 8 / 2, /2")).declarations
    assert isinstance(declared, ast.Block) and isinstance(declared.clauses[0], ast.ChainClause)
    call = declared.clauses[0].chain.steps[0].item
    assert isinstance(call, ast.LayerCall)
    assert [type(argument) for argument in call.arguments] == [ast.Size, ast.BinaryExpr, ast.Stride]
