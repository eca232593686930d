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
        """The number of pixels that the last window reaches beyond the padding at the end."""
        reached = (self.output - 1) * self.stride + self.span
        return max(0, reached - self.size - 2 * self.padding)

    @property
    def end(self) -> int:
        """The padding at the end that the last window needs."""
        return self.padding + self.more


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
        elif any(axis.end >= side for axis, side in zip(axes, given["kernel_shape"], strict=True)):
            # windows that reach further than onnxruntime can pad
            ends = [axis.end for axis in axes]
            nodes += _padded(model.graph, node, given, axes, ends, float("-inf"))
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
    strides = given.get("strides") or [1] * len(kernel)
    pads = given.get("pads") or [0] * 2 * len(kernel)
    spans = [dilation * (side - 1) + 1 for side, dilation in zip(kernel, dilations, strict=True)]
    rows = zip(size[2:], output[2:], spans, strides, pads[: len(kernel)], strict=True)
    return [_Axis(*row) for row in rows]


def _pool(
    node: NodeProto, given: dict[str, Any], axes: list[_Axis], inputs: list[str] | None = None
) -> NodeProto:
    """Return the pool with its padding at the end made as large as its windows need."""
    import onnx

    pads = [axis.padding for axis in axes] + [axis.end for axis in axes]
    attributes = {**given, "ceil_mode": 0, "pads": pads}
    return onnx.helper.make_node(
        node.op_type, inputs or list(node.input), list(node.output), name=node.name, **attributes
    )


def _average(
    graph: GraphProto, node: NodeProto, given: dict[str, Any], axes: list[_Axis]
) -> list[NodeProto]:
    """Return a mean that counts the padding but not what is beyond it: zeros first, then a pool."""
    own = {**given, "count_include_pad": 0}
    ends = [axis.padding for axis in axes]
    return _padded(graph, node, own, axes, ends, 0.0) if any(ends) else [_pool(node, own, axes)]


def _padded(
    graph: GraphProto,
    node: NodeProto,
    given: dict[str, Any],
    axes: list[_Axis],
    ends: list[int],
    value: float,
) -> list[NodeProto]:
    """Return a step that pads height and width with a value, and the pool without padding."""
    from onnx import TensorProto, helper

    name = node.output[0]
    pads, pad_value, padded = f"{name}_pads", f"{name}_pad_value", f"{name}_padded"
    sides = [0, 0, *(axis.padding for axis in axes), 0, 0, *ends]
    graph.initializer.append(helper.make_tensor(pads, TensorProto.INT64, [len(sides)], sides))
    graph.initializer.append(helper.make_tensor(pad_value, TensorProto.FLOAT, [], [value]))
    inputs = [node.input[0], pads, pad_value]
    pad = helper.make_node("Pad", inputs, [padded], name=f"{node.name}_pad")
    inside = [
        axis._replace(size=axis.size + axis.padding + end, padding=0)
        for axis, end in zip(axes, ends, strict=True)
    ]
    return [pad, _pool(node, given, inside, [padded])]
