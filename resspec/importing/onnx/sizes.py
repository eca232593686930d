"""The sizes of all values of an ONNX file, and the whole numbers that it computes from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from resspec.importing.files.errors import Malformed
from resspec.importing.onnx.constants import folded
from resspec.importing.onnx.node import MOST_SIDE, OnnxNode, Sizes
from resspec.importing.onnx.stored import is_small

if TYPE_CHECKING:
    from numpy import ndarray
    from onnx import ModelProto, TensorProto, ValueInfoProto

ROUNDS = 16  # of sizes that numbers depend on, which depend on sizes


def inferred(
    proto: ModelProto,
    nodes: Sequence[OnnxNode],
    numbers: dict[str, ndarray | None],
    entered: str,
    sizes: Sizes,
) -> dict[str, Sizes]:
    """Return the sizes of values, as far as they are known.

    Args:
        proto: The file.
        nodes: Its nodes.
        numbers: The numbers that it holds; those that it computes are added.
        entered: The name of its input.
        sizes: The sizes of its input.

    Raises:
        Malformed: They do not fit together.
    """
    found: dict[str, Sizes] = {}
    for _ in range(ROUNDS):
        before = len(numbers), len(found)
        _fold(nodes, numbers, found)
        found = _inferred(proto, numbers, entered, sizes)
        if before == (len(numbers), len(found)) or all(
            node.outputs[:1] == () or node.outputs[0] in found for node in nodes
        ):
            break
    _fold(nodes, numbers, found)
    return found


def _fold(
    nodes: Sequence[OnnxNode], numbers: dict[str, ndarray | None], sizes: dict[str, Sizes]
) -> None:
    """Add the numbers that nodes compute to those of the file."""
    for node in nodes:
        if not node.outputs or node.outputs[0] in numbers:
            continue
        inputs = [numbers.get(name) for name in node.inputs]
        value = folded(node, inputs, [sizes.get(name) for name in node.inputs])
        if value is not None:
            numbers[node.outputs[0]] = value


def _inferred(
    proto: ModelProto, numbers: dict[str, ndarray | None], entered: str, sizes: Sizes
) -> dict[str, Sizes]:
    """Return the sizes that ONNX can infer. Large tensors are left out for that."""
    import onnx

    skeleton = onnx.ModelProto(ir_version=proto.ir_version, opset_import=proto.opset_import)
    graph = skeleton.graph
    graph.name = "sizes"
    described = onnx.helper.make_tensor_value_info
    kinds = {each.name: each.type.tensor_type.elem_type for each in proto.graph.input}
    graph.input.append(described(entered, kinds[entered], sizes))
    for node in proto.graph.node:
        constant = _as_tensor(node.output[0], numbers) if len(node.output) == 1 else None
        if constant is None:
            graph.node.append(node)
        else:
            graph.initializer.append(constant)
    for tensor in proto.graph.initializer:
        if is_small(tensor.dims):
            graph.initializer.append(tensor)
        else:
            graph.input.append(described(tensor.name, tensor.data_type, tuple(tensor.dims)))
    for output in proto.graph.output:
        graph.output.append(described(output.name, output.type.tensor_type.elem_type, None))
    try:
        result = onnx.shape_inference.infer_shapes(skeleton, data_prop=True).graph
    except (RuntimeError, ValueError, onnx.shape_inference.InferenceError) as error:
        first = str(error).strip().partition("\n")[0]
        raise Malformed(f"its sizes do not fit ({first:.200})") from None
    known = {
        each.name: _sizes(each) for each in (*result.input, *result.value_info, *result.output)
    }
    return {name: each for name, each in known.items() if each is not None}


def _as_tensor(name: str, numbers: Mapping[str, ndarray | None]) -> TensorProto | None:
    """Return numbers as a tensor of the file, from which ONNX reads sizes."""
    from onnx import numpy_helper

    value = numbers.get(name)
    if value is None:
        return None
    plain = value.astype("int64" if value.dtype.kind == "i" else "float32")
    return numpy_helper.from_array(plain, name)


def _sizes(value: ValueInfoProto) -> Sizes | None:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    sizes = tuple(side.dim_value if side.HasField("dim_value") else 0 for side in kind.shape.dim)
    return sizes if all(0 < size <= MOST_SIDE for size in sizes) else None
