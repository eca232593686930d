"""Pools that round their output size up, written so that every ONNX runtime computes the same.

Where `ceil_mode` is set, torch drops a last window that would begin in the padding on the right;
ONNX's formula keeps it. So the windows are counted as torch counts them, and what they reach beyond
the image becomes padding at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto


class _Axis(NamedTuple):
    """One axis of a pool: input, output, kernel with its dilation, stride, padding on each side."""

    size: int
    output: int
    span: int
    stride: int
    padding: int

    @property
    def more(self) -> int:
        """Return how far the last window reaches beyond the padding at the end."""
        reached = (self.output - 1) * self.stride + self.span
        return max(0, reached - self.size - 2 * self.padding)


def without_ceil(model: ModelProto) -> None:
    """Replace `ceil_mode` in all pools of a model by padding at the end; shapes must be known."""
    import onnx

    shapes = _shapes(model.graph)
    nodes = []
    for node in model.graph.node:
        given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type not in ("MaxPool", "AveragePool") or not given.get("ceil_mode"):
            nodes.append(node)
            continue
        axes = _axes(given, shapes[node.input[0]], shapes[node.output[0]])
        if given.get("count_include_pad"):
            nodes += _average(model.graph, node, given, axes)
        elif any(
            axis.padding + axis.more >= side
            for axis, side in zip(axes, given["kernel_shape"], strict=True)
        ):
            nodes += _padded(model.graph, node, given, axes)
        else:
            nodes.append(_pool(node, given, axes))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _shapes(graph: GraphProto) -> dict[str, list[int]]:
    values = [*graph.input, *graph.value_info, *graph.output]
    return {
        each.name: [side.dim_value for side in each.type.tensor_type.shape.dim] for each in values
    }


def _axes(given: dict[str, Any], size: list[int], output: list[int]) -> list[_Axis]:
    kernel = given["kernel_shape"]
    dilations = given.get("dilations") or [1] * len(kernel)
    strides, pads = (
        given.get("strides") or [1] * len(kernel),
        given.get("pads") or [0] * 2 * len(kernel),
    )
    spans = [dilation * (side - 1) + 1 for side, dilation in zip(kernel, dilations, strict=True)]
    rows = zip(size[2:], output[2:], spans, strides, pads[: len(kernel)], strict=True)
    return [_Axis(*row) for row in rows]


def _pool(
    node: NodeProto, given: dict[str, Any], axes: list[_Axis], inputs: list[str] | None = None
) -> NodeProto:
    """Return the pool with its padding at the end made as large as its windows need."""
    import onnx

    pads = [axis.padding for axis in axes] + [axis.padding + axis.more for axis in axes]
    attributes = {**given, "ceil_mode": 0, "pads": pads}
    return onnx.helper.make_node(
        node.op_type, inputs or list(node.input), list(node.output), name=node.name, **attributes
    )


def _average(
    graph: GraphProto, node: NodeProto, given: dict[str, Any], axes: list[_Axis]
) -> list[NodeProto]:
    """Return a mean that counts the padding but not what is beyond it: zeros first, then a pool."""
    own = {**given, "count_include_pad": 0}
    if not any(axis.padding for axis in axes):
        return [_pool(node, own, axes)]
    pad, name = _pad(
        graph, node, [axis.padding for axis in axes], [axis.padding for axis in axes], 0.0
    )
    inside = [axis._replace(size=axis.size + 2 * axis.padding, padding=0) for axis in axes]
    return [pad, _pool(node, own, inside, [name])]


def _padded(
    graph: GraphProto, node: NodeProto, given: dict[str, Any], axes: list[_Axis]
) -> list[NodeProto]:
    """Return a maximum whose windows reach further than onnxruntime can pad: pad first."""
    ends = [axis.padding + axis.more for axis in axes]
    pad, name = _pad(graph, node, [axis.padding for axis in axes], ends, float("-inf"))
    inside = [
        axis._replace(size=axis.size + 2 * axis.padding + axis.more, padding=0) for axis in axes
    ]
    return [pad, _pool(node, given, inside, [name])]


def _pad(
    graph: GraphProto, node: NodeProto, starts: list[int], ends: list[int], value: float
) -> tuple[NodeProto, str]:
    """Return a step that pads height and width with a value, and what its output is called."""
    from onnx import TensorProto, helper

    name = node.output[0]
    sides = [0, 0, *starts, 0, 0, *ends]
    graph.initializer.append(
        helper.make_tensor(f"{name}_pads", TensorProto.INT64, [len(sides)], sides)
    )
    graph.initializer.append(
        helper.make_tensor(f"{name}_pad_value", TensorProto.FLOAT, [], [value])
    )
    inputs = [node.input[0], f"{name}_pads", f"{name}_pad_value"]
    return helper.make_node(
        "Pad", inputs, [f"{name}_padded"], name=f"{node.name}_pad"
    ), f"{name}_padded"
