"""Values from outside a spec, of Python or a command line, as constants of the language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

from resspec.diagnostics import SpecError, UsageError
from resspec.lowering.evaluation import MAX_NUMBER
from resspec.lowering.outputs import Given
from resspec.source import Source, Span
from resspec.syntax import ast
from resspec.syntax.parse import parse

Scalar = int | float | bool | str | tuple[int, ...]
Parameter = Scalar | list[Any]
Input = str | int | tuple[int, ...] | None
Outputs = str | Sequence[str] | None

_POINT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)


def constants(parameters: Mapping[str, Parameter]) -> list[ast.Let]:
    """Return values for the parameters of a network. Raises UsageError."""
    found = []
    for name, value in parameters.items():
        constant = _constant(name, value)
        if constant is None:
            what = (
                "write a number, a size such as 3x3, true, false, a name, or a list such as 3,4,6,3"
            )
            text = _written(value)
            raise UsageError(f"`{name}={text}`: {text!r} is not a value: {what}")
        found.append(constant)
    return found


def given(input: Input, output: Outputs) -> Given | None:
    """Return the clauses that replace a network's own, if any are given. Raises UsageError."""
    clauses = Given(_input_clause(input), _output_clause(output))
    return clauses if any(clauses) else None


def _output_clause(given: Outputs) -> ast.OutputClause | None:
    if not given:
        return None
    names = re.split(r"[,\s]+", given.strip()) if isinstance(given, str) else list(given)
    source = Source("value of output", f"output {' '.join(map(str, names))}")
    found, start = list[ast.Identifier](), len("output ")
    for name in names:
        if not isinstance(name, str) or not _POINT.fullmatch(name):
            what = "write the names of stages, layers or modules: `layer2,layer4`"
            raise UsageError(f"{name!r} is not the name of an output: {what}")
        span = Span(source, start, start + len(name))
        found.append(ast.Identifier(name, span))
        start = span.end + 1
    return ast.OutputClause(found, Span(source, 0, len(source.text)))


def _input_clause(given: Input) -> ast.Input | None:
    if not given:
        return None
    size = _constant("input", given)
    if size is None:
        what = "write a size such as 224, 160x192 or, with channels, 3x224x224"
        raise UsageError(f"{_written(given)!r} is not an input: {what}")
    return ast.Input(size.value, None, size.span)


def _constant(name: str, value: Parameter) -> ast.Let | None:
    """Return a declaration of a value; None where the language has no such value."""
    shown = _written(value)
    source = Source(f"value of {name}", f"let {name} = {shown}")
    if isinstance(value, str):
        return _parsed(source) or _parsed(Source(source.name, f"let {name} = [{shown}]"))
    whole = Span(source, 0, len(source.text))
    constant = _value(value, whole._replace(start=len(source.text) - len(shown)))
    if constant is None:
        return None
    word = ast.Identifier(name, Span(source, 4, 4 + len(name)))
    return ast.Let(word, constant, whole)


def _parsed(source: Source) -> ast.Let | None:
    try:
        declarations = parse(source).declarations
    except SpecError:
        return None
    match declarations:
        case [ast.Let() as constant]:
            return constant
        case _:
            return None


def _value(value: object, span: Span) -> ast.Value | None:
    match value:
        case bool():
            return ast.Identifier(str(value).lower(), span)
        case str():
            found = _parsed(Source(span.source.name, f"let value = {value}"))
            return found.value if found else None
        case list():
            entries = [_value(entry, span) for entry in value]
            known = [entry for entry in entries if entry is not None]
            is_sound = bool(known) and len(known) == len(entries)
            return ast.ListExpr(known, span, 1) if is_sound else None
        case (one,):
            return _value(one, span)
        case (_, *_):
            sides = [side for side in value if type(side) is int and 0 <= side < MAX_NUMBER]
            return ast.Size(tuple(sides), span) if len(sides) == len(value) else None
        case int() if abs(value) < MAX_NUMBER:
            return ast.Number(value, span)
        case float() if isfinite(value) and abs(value) < MAX_NUMBER:
            return ast.Number(Fraction(str(value)), span)
        case _:
            return None


def _written(value: Parameter) -> str:
    match value:
        case list():
            return f"[{', '.join(map(_written, value))}]"
        case tuple():
            return "x".join(map(str, value))
        case _:
            return str(value)
