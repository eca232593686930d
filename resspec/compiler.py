"""The pipeline on one page: open → parse → lower → check → passes → backend.

Every command takes this path: `opening` reads and parses a spec with all that it uses, `lowering`
makes a network of it, and `_finish` raises every mistake or applies the passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resspec import opening
from resspec.collector import paused
from resspec.diagnostics import Collected, Diagnostic, InternalError, SpecError
from resspec.ir.network import Network
from resspec.lowering import network as lowering
from resspec.lowering.alone import lower_alone
from resspec.lowering.expectations import Expectation, budgets
from resspec.lowering.memory import Memory
from resspec.lowering.network import Lowered, lower, network_names
from resspec.lowering.outputs import Given
from resspec.lowering.scope import Library
from resspec.lowering.shape_errors import unsafe_inplace
from resspec.opening import (
    Opened,
    choose,
    is_imported,
    locate,
    open_named,
    open_revised,
    open_spec,
    open_text,
)
from resspec.parameters import Input, Outputs, Parameter, constants, given
from resspec.passes.inplace import Decisions, UnsafeInplace, inplace
from resspec.source import Span
from resspec.syntax import ast

if TYPE_CHECKING:
    from torch import nn

    from resspec.backends.onnx import OnnxExport
    from resspec.backends.report import Report
    from resspec.passes.quantities import Known

# --- from a spec to a network ---


@paused()
def load(
    spec: str | Path,
    *,
    network: str | None = None,
    input: Input = None,
    output: Outputs = None,
    **parameters: Parameter,
) -> Network:
    """Return the network of a spec.

    Args:
        spec: A file, `FILE:NAME`, or the name of a spec that comes with resspec; or what is
            imported: `timm:resnet50`, `net.py:Net`, an `.onnx` or `.pt2` file. Then the parameters
            are the arguments of the module, whose code is run.
        network: The name of a network in a file of several.
        input: The input in place of the network's own: `288` or `(160, 192)`, which keep its
            channels, or `(3, 288, 288)`; or one of these as text, `"160x192"`.
        output: Names of stages, layers or modules, in place of the network's own outputs:
            `["layer2", "layer4"]` or `"layer2,layer4"`. Its module returns a dict of their values.
        **parameters: Values for the network's parameters.

    Returns:
        The network, with every shape known. Printed, it is an indented tree.

    Raises:
        SpecError: The spec has mistakes; the error holds all of them.
        UsageError: There is no such file or network, or a value cannot be read.

    Examples:
        >>> network = resspec.load("lib/he2015:cifar", n=3, option="A")
        >>> network.name, str(network.input), str(network.output)
        ('cifar', '3x32x32', '10')
        >>> resspec.load("torchvision/resnet50", classes=37, channels=1).output
        Shape(dims=(37,), last=False)
    """
    opened = open_named(str(spec), {"input": input, **parameters})
    values, clauses = _replacing(spec, input, output, parameters)
    lowered = lower(opened.library, choose(opened, network), values, clauses)
    return _finish(opened, lowered)


class Shared:
    """The blocks of networks that are loaded one after the other: equal ones are lowered once."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.decisions = Decisions()


class Loaded(NamedTuple):
    """A network, and the function from a place as its nodes keep it to the place in its files."""

    network: Network
    place: Callable[[str], str]


def load_revised(
    spec: str,
    shared: Shared | None = None,
    *,
    input: Input = None,
    output: Outputs = None,
    **parameters: Parameter,
) -> Loaded:
    """Return a network of a spec, or of `REV:PATH` or `REV:PATH:NAME` in a git revision.

    It shares the blocks of networks that were loaded before. Raises SpecError, UsageError.
    """
    opened = open_revised(spec, {"input": input, **parameters})
    values, clauses = _replacing(spec, input, output, parameters)
    return _shared(opened, shared or Shared(), values, clauses)


def load_text(name: str, text: str, shared: Shared) -> Loaded:
    """Return the network of a text under a name, of the shipped libraries alone. Raises SpecError.

    It shares the blocks of networks that were loaded before.
    """
    return _shared(open_text(name, text), shared, [], None)


def _shared(
    opened: Opened, shared: Shared, values: Sequence[ast.Let], clauses: Given | None
) -> Loaded:
    lowered = lower(opened.library, choose(opened), values, clauses, shared.memory)
    place = shared.memory.moved(opened.library)
    return Loaded(_finish(opened, lowered, shared.decisions, place), place)


def _replacing(
    spec: str | Path, input: Input, output: Outputs, parameters: Mapping[str, Parameter]
) -> tuple[list[ast.Let], Given | None]:
    """Return what takes the place of a spec's own values and clauses. Raises UsageError.

    An imported network was made for its input, with its parameters as arguments.
    """
    if is_imported(str(spec)):
        return [], given(None, output)
    return constants(parameters), given(input, output)


def _finish(
    opened: Opened,
    lowered: Lowered,
    decisions: Decisions | None = None,
    place: Callable[[str], str] = str,
) -> Network:
    """Return the network after the passes. Raises SpecError with every mistake."""
    if found := [*opened.diagnostics, *lowered.diagnostics]:
        raise SpecError(found)
    if lowered.network is None:
        raise InternalError(f"{opened.path}: no network and no diagnostic")
    try:
        network = inplace(lowered.network, decisions)
    except UnsafeInplace as unsafe:
        spans = [opened.library.span(place(text)) for text in unsafe.spans]
        raise SpecError(map(unsafe_inplace, spans)) from None
    return replace(network, declared=lowered.declared)


# --- every mistake of a file ---


def check(
    spec: str | Path,
    *,
    budget: str | Iterable[str] = (),
    input: Input = None,
    output: Outputs = None,
    **parameters: Parameter,
) -> list[Diagnostic]:
    """Return every mistake in a spec, unmet `expect`s included.

    Args:
        spec: A file, `FILE:NAME`, or the name of a spec that comes with resspec.
        budget: Conditions that every network must meet, each as it would stand after `expect`.
        input: The input in place of the network's own, as for `load`.
        output: The outputs in place of the network's own, as for `load`.
        **parameters: Values for the network's parameters; then only those of its `expect`s are
            verified that hold for all values, or that mention a parameter.

    Returns:
        The mistakes, in the order of the text. Printed, each shows its place.

    Raises:
        SpecError: A budget has mistakes.
        UsageError: There is no such file or network.

    Examples:
        >>> resspec.check("resnet50")
        []
        >>> [mistake.code for mistake in resspec.check("resnet50", budget="params <= 20M")]
        ['E0311']
    """
    expected = budgets([budget] if isinstance(budget, str) else budget)
    return examine(spec, expected, input=input, output=output, **parameters).diagnostics


class Examined(NamedTuple):
    """The mistakes of a file, and its networks that were compiled: all but templates.

    Attributes:
        diagnostics: The mistakes.
        networks: The networks without mistakes.
        library: The file; None where it cannot be read, or was imported.
        lowered: What came of each network and template.
    """

    diagnostics: list[Diagnostic]
    networks: list[Network]
    library: Library | None
    lowered: Sequence[Lowered] = ()

    def warnings(self) -> list[Diagnostic]:
        """Return the warnings about a file without mistakes."""
        from resspec.lint import lint

        return lint(self.library, self.networks) if self.library and not self.diagnostics else []


def examine(
    spec: str | Path,
    expected: Sequence[Expectation] = (),
    *,
    input: Input = None,
    output: Outputs = None,
    **parameters: Parameter,
) -> Examined:
    """Return what `check` finds, with the networks. Raises UsageError."""
    try:
        opened = open_named(str(spec), {"input": input, **parameters})
    except SpecError as error:
        return Examined(list(error.diagnostics), [], None)
    values, clauses = _replacing(spec, input, output, parameters)
    examined = examine_opened(opened, expected, values, clauses)
    return examined._replace(library=None) if is_imported(str(spec)) else examined


def examine_opened(
    opened: Opened,
    expected: Sequence[Expectation] = (),
    values: Sequence[ast.Let] = (),
    clauses: Given | None = None,
) -> Examined:
    """Return what `examine` does of a file that was opened.

    Args:
        opened: The file.
        expected: Conditions that every network must meet.
        values: Values for the parameters.
        clauses: Clauses in place of a network's own.
    """
    library = opened.library
    names = [choose(opened)] if opened.named or values else network_names(library)
    found, sound, reached = Collected(), list[Network](), set[Span]()
    everything: list[Lowered] = []
    found.add(*opened.diagnostics)

    for name in names:
        is_template = lowering.template_parameters(library, name) and not values
        if is_template and not (opened.named and expected):
            lowered = lowering.lower_template(library, name)
            found.add(*lowered.diagnostics)
        else:
            lowered = lower(library, name, values, clauses)
            try:
                sound.append(_finish(opened, lowered))
                found.add(*_unmet(lowered, sound[-1], expected))
            except SpecError as error:
                found.add(*error.diagnostics)
        everything.append(lowered)
        reached |= lowered.reached
    if not opened.named:
        found.add(*lower_alone(library, reached))
    return Examined(list(found), sound, library, everything)


def _unmet(
    lowered: Lowered, network: Network, budget: Sequence[Expectation] = ()
) -> Iterable[Diagnostic]:
    """Return the unmet conditions of a budget, and of the spec itself."""
    from resspec.budgets import unmet

    library, name, _ = lowered.declared
    return unmet(network, [*budget, *lowered.expectations], library.own[name])


def warnings(spec: str | Path, network: Network, known: Known | None = None) -> list[Diagnostic]:
    """Return the warnings about a network that was loaded from a spec, and about its file."""
    if is_imported(str(spec)):
        return []
    path, _ = locate(str(spec))
    if opening.is_shipped(path):
        return []
    from resspec.lint import lint

    return lint(open_spec(path).library, [network], known)


# --- from a spec to what a backend makes of it ---


class Compiled(NamedTuple):
    """A network that meets its `expect`s, its report, and the files that it comes from."""

    network: Network
    report: Report
    library: Library


def compile_spec(
    spec: str | Path, *, input: Input = None, output: Outputs = None, **parameters: Parameter
) -> Compiled:
    """Return a network that meets its `expect`s, with its report. Raises SpecError, UsageError."""
    from resspec.backends.report import report

    opened = open_named(str(spec), {"input": input, **parameters})
    values, clauses = _replacing(spec, input, output, parameters)
    lowered = lower(opened.library, choose(opened), values, clauses)
    network = _finish(opened, lowered)
    if found := list(_unmet(lowered, network)):
        raise SpecError(found)
    return Compiled(network, report(network), opened.library)


def to_onnx(
    compiled: Compiled,
    start: Callable[[nn.Module], None] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> OnnxExport:
    """Return a compiled network as an ONNX file. Raises SpecError for a layer without operator."""
    from resspec.backends import onnx
    from resspec.backends.errors import no_operator

    try:
        return onnx.to_onnx(compiled.network, start, metadata)
    except onnx.Inexpressible as found:
        span = compiled.library.span
        raise SpecError(
            no_operator(span(place), op.kind, f"from {op.input} to {op.output}")
            for op, place in found.ops
        ) from None
