"""The arguments of an initialization: to a law with all its values."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import Any

from resspec.diagnostics import Reporter
from resspec.ir.init import CHOICES, CONSTANTS, LAWS, Init
from resspec.ir.ops import OPS
from resspec.lowering import argument_errors, name_errors
from resspec.lowering.arguments import Evaluate, choose, sort
from resspec.lowering.conversion import convert
from resspec.lowering.values import UNKNOWN
from resspec.suggest import alike
from resspec.syntax import ast

_POSITIVE = ("gain", "std")


def bind_init(
    law: ast.Identifier,
    arguments: Collection[ast.Argument],
    evaluate: Evaluate,
    report: Reporter,
) -> Init | None:
    """Return an initialization with every argument of its law, None once something was reported."""
    if law.text not in LAWS:
        report(name_errors.unknown_law(law.span, alike(law.text, LAWS), law.text in OPS))
        return None
    values: dict[str, Any] = {**LAWS[law.text], "bias": _bias(law.text)}
    given = sort(arguments, report)
    for node in [*given.bare, *([given.stride] if given.stride else [])]:
        report(argument_errors.too_many_arguments(node.span, law.text, 0, None))
        return None
    for word, keyword in given.keywords.items():
        if word not in values:
            near = alike(word, values)
            report(argument_errors.unknown_argument(keyword.name.span, law.text, near))
            return None
        value = _argument(word, keyword.value, evaluate, report)
        if value is UNKNOWN:
            return None
        values[word] = value
    if law.text == "uniform" and values["a"] > values["b"]:
        least = f"its `a`, {values['a']}, or more"
        phrase = "`b` of `uniform`"
        report(argument_errors.out_of_range(law.span, phrase, least, str(values["b"])))
        return None
    bias = values.pop("bias")
    if law.text in CONSTANTS:
        return Init("constant", (("value", CONSTANTS[law.text]),), bias)
    return Init(law.text, tuple(values.items()), bias)


def _bias(law: str) -> Fraction | None:
    """Return what a law sets the bias to; None leaves it to torch."""
    return None if law == "default" else Fraction(0)


def _argument(word: str, value: ast.Value, evaluate: Evaluate, report: Reporter) -> Any:
    """Return the value of an argument, UNKNOWN once it was reported."""
    if word in CHOICES:
        chosen = choose(value, CHOICES[word], f"`{word}`", report)
        return UNKNOWN if chosen is None else chosen
    if word == "bias" and isinstance(value, ast.Identifier) and value.text == "default":
        return None
    kind = "Positive" if word in _POSITIVE else "Real"
    return convert(evaluate(value), kind, f"`{word}`", value.span, report)
