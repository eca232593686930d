"""ONNX files, as both of torch's exporters write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from resspec.importing.files.errors import Malformed, unreadable
from resspec.importing.files.network import FileNetwork, lifted
from resspec.importing.graph import Graph
from resspec.importing.onnx.model import model_of
from resspec.importing.onnx.modules import with_classes
from resspec.importing.onnx.node import OnnxNode
from resspec.importing.onnx.operators import OPERATORS
from resspec.importing.onnx.patterns import joined
from resspec.importing.onnx.tracing import OnnxTracing
from resspec.importing.trace import Trace
from resspec.ir.shape import Shape


def graph_of(path: Path, input: Shape | None = None) -> Graph:
    """Return the graph of an ONNX file. Raises UsageError."""
    return read(path, input).graph


def read(path: Path, input: Shape | None = None, *, partial: bool = False) -> FileNetwork:
    """Return the graph and the tensors of an ONNX file.

    Args:
        path: The file.
        input: The shape of one sample, where the file leaves it open.
        partial: Whether placeholders may stand for operations that have no layer.

    Raises:
        UsageError: It cannot be read, or some of its operations have no layer.
    """
    model = model_of(path, input)
    tracing = OnnxTracing(model)
    try:
        for node in joined(model):
            _add(tracing, node)
        trace = _trace(tracing)
    except Malformed as error:
        raise unreadable(path, str(error)) from None
    return lifted(path, trace, tracing.tensors, list(_notes(tracing)), partial=partial)


def _add(to: OnnxTracing, node: OnnxNode) -> None:
    """Add the calls of a node, or the numbers that it computes."""
    if not node.outputs:
        return
    to.begin(node)
    if node.outputs[0] in to.model.numbers:
        return
    operator = OPERATORS.get(node.kind, _unknown)
    try:
        operator(to)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise Malformed(f"`{node.name:.80}`, a `{node.kind:.40}`, is damaged") from None


def _unknown(to: OnnxTracing) -> None:
    """Add the call of an operator that no function of torch computes."""
    to.call(to.node.kind, *(to.value(index) for index in range(len(to.node.inputs))))


def _trace(to: OnnxTracing) -> Trace:
    names: Sequence[str] = to.model.outputs
    values = [to.output(name) for name in names]
    output = values[0] if len(values) == 1 else dict(zip(names, values, strict=True))
    weights = {each.path: each for each in to.weights_taken()}
    return Trace(to.input, tuple(to.calls.made), output, weights, with_classes(to.classes))


def _notes(to: OnnxTracing) -> Iterator[str]:
    """Yield a sentence about each kind of change that the exporter made."""
    if to.folded:
        count = len(to.folded)
        norms = "1 batch norm" if count == 1 else f"{count} batch norms"
        yield f"the exporter folded {norms} into convolutions, which are imported with biases"
    if to.renamed:
        count = len(to.renamed)
        tensors = "1 tensor has a name" if count == 1 else f"{count} tensors have names"
        yield (
            f"{tensors} made up by the exporter; the spec names it after its module"
            if (count == 1)
            else f"{tensors} made up by the exporter; the spec names them after their modules"
        )
