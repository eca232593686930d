"""An ONNX file as plain data: its nodes, the sizes of its values, and its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resspec.diagnostics import UsageError
from resspec.importing.files.errors import Malformed, unreadable
from resspec.importing.files.tensors import StoredTensor
from resspec.importing.onnx.node import MOST_SIDE, OnnxNode, Sizes
from resspec.importing.onnx.sizes import inferred
from resspec.importing.onnx.stored import is_small, small_numbers, stored
from resspec.ir.shape import Shape

if TYPE_CHECKING:
    from numpy import ndarray
    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

MOST_BYTES = 1 << 31  # of a protocol buffer
MOST_NODES = 1 << 16


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """An ONNX file.

    Attributes:
        nodes: Its nodes in order.
        input: The name of its only input.
        outputs: The names of its outputs.
        sizes: The sizes of its values, as far as they are known.
        tensors: What it holds, by name.
        numbers: The numbers in it, or computed in it, that do not depend on its input.
    """

    nodes: tuple[OnnxNode, ...]
    input: str
    outputs: tuple[str, ...]
    sizes: dict[str, Sizes]
    tensors: Mapping[str, StoredTensor]
    numbers: dict[str, ndarray | None]


def model_of(path: Path, input: Shape | None = None) -> OnnxModel:
    """Return an ONNX file as data.

    Args:
        path: The file.
        input: The shape of one sample, where the file leaves it open.

    Raises:
        UsageError: It cannot be read.
    """
    proto = _parsed(path)
    try:
        return _model(proto, path, input)
    except Malformed as error:
        raise unreadable(path, str(error)) from None


def _parsed(path: Path) -> ModelProto:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        advice = "pip install 'resspec[onnx]'"
        raise UsageError(
            f"{path} needs the package `onnx`, which is not installed: {advice}"
        ) from None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise unreadable(path, "it is larger than an ONNX file can be")
        return onnx.load(path, format="protobuf", load_external_data=False)
    except FileNotFoundError:
        raise unreadable(path, "there is no such file") from None
    except OSError as error:
        raise unreadable(path, error.strerror or "it cannot be opened") from None
    except (DecodeError, ValueError):
        raise unreadable(path, "it is damaged, or not an ONNX file") from None


def _model(proto: ModelProto, path: Path, input: Shape | None) -> OnnxModel:
    graph = proto.graph
    values = (*graph.initializer, *graph.input, *graph.output)
    _need_texts(*(each.name for each in values))
    if not graph.node:
        raise Malformed("it is damaged, or not an ONNX file")
    if proto.functions:
        raise Malformed("it has functions of its own; export it with torch 2.9 or later")
    if graph.sparse_initializer:
        raise Malformed("it has sparse tensors")
    if len(graph.node) > MOST_NODES:
        raise Malformed("it has too many nodes")
    tensors = {each.name: stored(each, path) for each in graph.initializer}
    entered = _only_input(graph, tensors)
    sizes = _entered(entered, input)
    nodes = tuple(_node(each) for each in graph.node)
    small = [each for each in graph.initializer if is_small(each.dims)]
    numbers = {each.name: small_numbers(each) for each in small}
    known = inferred(proto, nodes, numbers, entered.name, sizes)
    outputs = tuple(each.name for each in graph.output)
    return OnnxModel(nodes, entered.name, outputs, known, tensors, numbers)


def _only_input(graph: GraphProto, tensors: Mapping[str, StoredTensor]) -> ValueInfoProto:
    inputs: list[ValueInfoProto] = [each for each in graph.input if each.name not in tensors]
    if len(inputs) != 1:
        raise Malformed(f"it takes {len(inputs)} tensors; a network takes one")
    return inputs[0]


def _entered(value: ValueInfoProto, input: Shape | None) -> Sizes:
    """Return the sizes of the input with a batch, which is 1 where it is open."""
    sides = value.type.tensor_type.shape.dim
    sizes = [side.dim_value for side in sides]
    if input is not None:
        return (sizes[0] if sizes and sizes[0] > 0 else 1, *input.dims)
    if len(sizes) < 2:
        raise Malformed("it does not say the sizes of its input")
    batch, *others = sizes
    if any(not 0 < size <= MOST_SIDE for size in others):
        raise Malformed("it leaves the size of its input open, so the size must be given")
    return (batch if 0 < batch <= MOST_SIDE else 1, *others)


def _need_texts(*names: str | bytes) -> None:
    """Check that names are valid UTF-8; others are read as bytes. Raises Malformed."""
    if not all(isinstance(name, str) for name in names):
        raise Malformed("a name is not valid UTF-8")


def _node(node: NodeProto) -> OnnxNode:
    import onnx

    attributes: dict[str, Any] = {}
    for each in node.attribute:
        if each.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            attributes[each.name] = None
        elif each.type == onnx.AttributeProto.TENSOR:
            attributes[each.name] = each.t
        else:
            try:
                attributes[each.name] = onnx.helper.get_attribute_value(each)
            except ValueError:
                raise Malformed(f"an attribute of `{node.name:.60}` is damaged") from None
    kind = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
    metadata = {each.key: each.value for each in node.metadata_props}
    _need_texts(node.op_type, node.name, *node.input, *node.output, *metadata, *metadata.values())
    return OnnxNode(kind, node.name, tuple(node.input), tuple(node.output), attributes, metadata)
