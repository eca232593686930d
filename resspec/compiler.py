"""The whole pipeline on one page: text → AST → IR → passes → backends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resspec.budgets import unmet
from resspec.collector import paused
from resspec.diagnostics import Collected, Diagnostic, InternalError, SpecError, UsageError
from resspec.ir.network import Network
from resspec.lint import lint
from resspec.lowering import shape_errors
from resspec.lowering.alone import lower_alone
from resspec.lowering.expectations import Expectation, budgets
from resspec.lowering.memory import Memory
from resspec.lowering.network import (
    Lowered,
    lower,
    lower_template,
    network_names,
    network_parameters,
    template_parameters,
)
from resspec.lowering.scope import Library
from resspec.lowering.values import MAX_NUMBER
from resspec.opening import Opened, choose, is_shipped, locate, open_revised, open_spec
from resspec.passes.inplace import Decisions, UnsafeInplace, inplace
from resspec.source import Source, Span
from resspec.syntax import ast
from resspec.syntax.parse import parse

if TYPE_CHECKING:
    from torch import nn

    from resspec.backends.onnx import Off
    from resspec.backends.report import Report

Parameter = int | float | bool | str | tuple[int, ...] | list[int]


@paused()
def load(
    spec: str | Path,
    /,
    *,
    network: str | None = None,
    input: str | tuple[int, ...] | None = None,
    **parameters: Parameter,
) -> Network:
    """Return the IR of a network.

    Args:
        spec: A file, `FILE:NAME`, or the name of a shipped spec.
        network: Which network of a file of several; without it, the one that is called like the
            file.
        input: In place of the network's own: `3x288x288`, or `(3, 288, 288)`.
        parameters: The values of the network's parameters.

    Raises:
        SpecError: With every mistake found.
        UsageError: There is no such file or network, or a value is none of the language.
    """
    path, named = locate(str(spec))
    opened = open_spec(path)
    name = choose(opened, network or named)
    return _finished(
        opened, lower(opened.library, name, _values(parameters), _input(input) if input else None)
    )


class Shared:
    """What networks that are loaded one after the other share: blocks that are the same are lowered
    once.
    """

    def __init__(self) -> None:
        self.memory = Memory()
        self.decisions = Decisions()


class Loaded(NamedTuple):
    """A network, and what tells the place in its own files of a place as its nodes keep it."""

    network: Network
    place: Callable[[str], str]


def load_revised(spec: str) -> Network:
    """As `load` does, and also `REV:PATH` and `REV:PATH:NAME`: a spec, and what it uses, at a
    revision of the git repository that one stands in.
    """
    opened, name = open_revised(spec)
    return _finished(opened, lower(opened.library, choose(opened, name)))


def load_shared(spec: str, shared: Shared) -> Loaded:
    """As `load_revised` does, with what was lowered of others."""
    opened, name = open_revised(spec)
    library, memory = opened.library, shared.memory
    lowered = lower(library, choose(opened, name), memory=memory)
    place = memory.moved(library)
    return Loaded(_finished(opened, lowered, shared.decisions, place), place)


def sources(spec: str) -> dict[str, str]:
    """The texts of what `load_revised` reads, its own file first, by the names that the IR's spans
    have. Raises SpecError, UsageError.
    """
    library = open_revised(spec)[0].library
    return {each.source.name: each.source.text for each in library.all()}


def parameters(spec: str | Path, /) -> list[str]:
    """The names of what a network can be given values for. Raises SpecError, UsageError."""
    path, named = locate(str(spec))
    opened = open_spec(path)
    return network_parameters(opened.library, choose(opened, named))


class Compiled(NamedTuple):
    """What `resspec compile` makes: the network, its report, and the files by name."""

    network: Network
    report: Report
    files: dict[str, str]


def compile_spec(spec: str | Path, /, **parameters: Parameter) -> Compiled:
    """The network as PyTorch source, and its report. Raises SpecError, also where an `expect` of
    the spec as it is written (without parameters given here) is not met.
    """
    from resspec.backends.file_names import file_stem
    from resspec.backends.source import emit

    _, network, figures = _reported(spec, parameters)
    source = {f"{file_stem(network.name)}.py": emit(network, figures.hash)}
    return Compiled(network, figures, source | _report_file(network, figures))


class Exported(NamedTuple):
    """What `resspec compile --target onnx` makes. `off`: see backends/onnx.py."""

    network: Network
    report: Report
    onnx: bytes
    files: dict[str, str]
    off: Off | None


def compile_onnx(
    spec: str | Path,
    start: Callable[[nn.Module], None] | None = None,
    describe: Callable[[Network], Mapping[str, str]] | None = None,
    /,
    **parameters: Parameter,
) -> Exported:
    """Compile a network to an ONNX file and a report.

    Args:
        spec: As `load` takes it.
        start: Puts weights into the module.
        describe: Returns what the file says of itself, by name.
        parameters: Values for the network's parameters.

    Raises:
        SpecError: As `compile_spec` does, and where a layer has no operator.
        UsageError: There is no such network, or the file would be too large.
    """
    from resspec.backends.errors import no_operator
    from resspec.backends.onnx import Inexpressible, to_onnx

    opened, network, figures = _reported(spec, parameters)
    try:
        made = to_onnx(network, start, describe(network) if describe else None)
    except Inexpressible as found:
        raise SpecError(
            no_operator(opened.library.span(place), op.kind, f"from {op.input} to {op.output}")
            for op, place in found.ops
        ) from None
    return Exported(network, figures, made.content, _report_file(network, figures), made.off)


def _reported(spec: str | Path, parameters: dict[str, Parameter]) -> tuple[Opened, Network, Report]:
    """Raises SpecError, also for an `expect` that is not met."""
    from resspec.backends.report import report

    path, named = locate(str(spec))
    opened = open_spec(path)
    name = choose(opened, named)
    lowered = lower(opened.library, name, _values(parameters))
    network = _finished(opened, lowered)
    if (
        found := []
        if parameters
        else list(unmet(network, lowered.expectations, opened.library.own[name]))
    ):
        raise SpecError(found)
    return opened, network, report(network)


def _report_file(network: Network, figures: Report) -> dict[str, str]:
    from resspec.backends.file_names import file_stem
    from resspec.backends.report.json import to_json

    return {f"{file_stem(network.name)}.report.json": to_json(figures)}


def check(
    spec: str | Path, /, budget: str | Iterable[str] = (), **parameters: Parameter
) -> list[Diagnostic]:
    """Return every mistake in a file (or in its network `FILE:NAME`), unmet `expect`s included;
    empty for a clean one.

    Args:
        spec: As `load` takes it.
        budget: What may stand after `expect`, one or several, here of every network.
        parameters: With values for its parameters only one network is checked, as `load` finds it,
            and its `expect`s are left out, as in `compile_spec`.

    Raises:
        SpecError: What is wrong in the budgets.
        UsageError: There is no such file or network.
    """
    return examine(
        spec, budgets([budget] if isinstance(budget, str) else budget), **parameters
    ).diagnostics


class Examined(NamedTuple):
    """What is wrong, and the networks that were held to the budgets: all but templates without
    values.
    """

    diagnostics: list[Diagnostic]
    networks: list[Network]
    library: Library | None

    def warnings(self) -> list[Diagnostic]:
        """Of a file without mistakes."""
        return lint(self.library, self.networks) if self.library and not self.diagnostics else []


def examine(
    spec: str | Path, /, expected: Sequence[Expectation] = (), **parameters: Parameter
) -> Examined:
    """As `check` does."""
    path, named = locate(str(spec))
    try:
        opened = open_spec(path)
    except SpecError as error:
        return Examined(list(error.diagnostics), [], None)
    library, values = opened.library, _values(parameters)
    names = [choose(opened, named)] if named or values else network_names(library)
    diagnostics, networks, reached = Collected(), list[Network](), set[Span]()
    diagnostics.add(*opened.diagnostics)
    for name in names:
        if template_parameters(library, name) and not values and not (named and expected):
            lowered = lower_template(library, name)
            diagnostics.add(*lowered.diagnostics)
        else:
            lowered = lower(library, name, values)
            try:
                networks.append(network := _finished(opened, lowered))
                expectations = [*expected, *(() if values else lowered.expectations)]
                diagnostics.add(*unmet(network, expectations, library.own[name]))
            except SpecError as error:
                diagnostics.add(*error.diagnostics)
        reached |= lowered.reached
    if not named:
        diagnostics.add(*lower_alone(library, reached))
    return Examined(list(diagnostics), networks, library)


def warnings(spec: str | Path, network: Network) -> list[Diagnostic]:
    """Return the warnings about a network that was loaded from a spec, and about its file.

    Args:
        spec: As `load` takes it.
        network: The network, or one that the spec gives with other parameters.
    """
    path, _ = locate(str(spec))
    return [] if is_shipped(path) else lint(open_spec(path).library, [network])


def _values(parameters: dict[str, Parameter]) -> list[ast.Let]:
    return [_parameter(word, value) for word, value in parameters.items()]


def _parameter(word: str, value: Parameter) -> ast.Let:
    """Return a value from outside as a constant; a text is read as the language reads it."""
    if isinstance(value, str):
        return _read_value(word, value)
    shown = "x".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    source = Source(f"value of {word}", f"let {word} = {shown}")
    span = Span(source, len(source.text) - len(shown), len(source.text))
    made = _constant(value, span)
    if made is None:
        raise _no_value(word, shown)
    name = ast.Identifier(word, Span(source, 4, 4 + len(word)))
    return ast.Let(name, made, Span(source, 0, len(source.text)))


def _constant(value: object, span: Span) -> ast.Value | None:
    """Return a value of Python's as one of the language; None where it has none."""
    match value:
        case bool():
            return ast.Identifier(str(value).lower(), span)
        case [one]:
            return _constant(one, span)
        case [_, *_]:
            sides = [side for side in value if type(side) is int and 0 <= side < MAX_NUMBER]
            return ast.Size(tuple(sides), span) if len(sides) == len(value) else None
        case int() if abs(value) < MAX_NUMBER:
            return ast.Number(value, span)
        case float() if isfinite(value) and abs(value) < MAX_NUMBER:
            return ast.Number(Fraction(str(value)), span)
        case _:
            return None


def _read_value(word: str, text: str) -> ast.Let:
    try:
        declarations = parse(Source(f"value of {word}", f"let {word} = {text}")).declarations
    except SpecError:
        raise _no_value(word, text) from None
    match declarations:
        case [ast.Let() as value]:
            return value
        case _:
            raise _no_value(word, text)


def _no_value(word: str, text: str) -> UsageError:
    return UsageError(
        f"`{word}={text}`: {text!r} is not a value: write a number, a size such as 3x3, true, false or a name"
    )


def _input(given: str | tuple[int, ...]) -> ast.Input:
    """An input from outside, read as the clause is."""
    text = given if isinstance(given, str) else "x".join(map(str, given))
    try:
        declarations = parse(Source("input", f"network n {{ input {text} }}")).declarations
    except SpecError:
        raise _no_input(text) from None
    match declarations:
        case [ast.NetworkDecl(clauses=[ast.Input() as clause])]:
            return clause
        case _:
            raise _no_input(text)


def _no_input(text: str) -> UsageError:
    return UsageError(
        f"{text!r} is not an input: write channels, height and width, such as 3x224x224"
    )


def _finished(
    opened: Opened,
    lowered: Lowered,
    decisions: Decisions | None = None,
    place: Callable[[str], str] = str,
) -> Network:
    """The network after the passes. Raises SpecError."""
    if found := [*opened.diagnostics, *lowered.diagnostics]:
        raise SpecError(found)
    if lowered.network is None:
        raise InternalError(f"{opened.path}: no network and no diagnostic")
    try:
        return replace(inplace(lowered.network, decisions), declared=lowered.declared)
    except UnsafeInplace as unsafe:
        raise SpecError(
            shape_errors.unsafe_inplace(opened.library.span(place(text))) for text in unsafe.spans
        ) from None
