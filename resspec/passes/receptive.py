"""Receptive fields: how much of the picture an output sees, and how far its neighbor is from
it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import ceil
from typing import Any, NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import Layer, Ratio
from resspec.ir.outputs import segments
from resspec.ir.shape import Shape


class Field(NamedTuple):
    """Along height and width, in positions of the input. size: of the window that an output depends
    on, as if the picture had no borders; through a join that of the largest path. stride: from one
    output to the next; less than 1 where the picture grows. Where transposed convolutions make it
    depend on the position, the size is of the largest, rounded up.
    """

    size: tuple[int, int]
    stride: tuple[Fraction, Fraction]


def fields(network: Network, known: Reached | None = None) -> list[Field]:
    """Return the receptive field at the end of each section, in the network's input.

    Args:
        network: The network.
        known: What was found before, which is filled.
    """
    known = {} if known is None else known
    done, found = _NOTHING, []
    for section in network.sections:
        done = _then(done, walk.fold(section.body, _reach, known))
        found.append(_field(done))
    return found


def _field(axes: _Axes) -> Field:
    (height, rows), (width, columns) = axes
    return Field((1 + ceil(height), 1 + ceil(width)), (Fraction(rows), Fraction(columns)))


def output_fields(network: Network, known: Reached | None = None) -> list[Field]:
    """Return the receptive field of each output, in the network's input."""
    known = {} if known is None else known
    done, found = _NOTHING, []
    for steps in segments(network):
        for step in steps:
            done = _then(done, walk.fold(step.node, _reach, known))
        found.append(_field(done))
    return found


def fields_by_place(network: Network, known: Reached | None = None) -> dict[str, Field]:
    """Return the receptive field at the end of each part by its place in the text, at the first
    part of that place.
    """
    known = {} if known is None else known
    found: dict[str, Field] = {}
    seen = set[Located]()

    def follow(part: Located, before: _Axes) -> _Axes:
        after = _then(before, walk.fold(part.node, _reach, known))
        found.setdefault(part.span, _field(after))
        if part in seen:
            return after
        seen.add(part)
        entered = before
        for inside in part.parts:
            left = follow(inside, entered)
            entered = left if isinstance(part.node, Series) else before
        return after

    done = _NOTHING
    for section in network.sections:
        done = follow(section.located, done)
    return found


def output_shapes(network: Network) -> list[Shape]:
    """Return the shape of each output; two of one value are the same."""
    shapes, x = [], network.input
    for steps in segments(network):
        x = steps[-1].node.output if steps else x
        shapes.append(x)
    return shapes


def feature_info(network: Network) -> list[dict[str, Any]]:
    """Return what timm's models say of each output: its channels, its reduction, its module."""
    if not network.outputs:
        return []
    ends, seen = output_shapes(network), output_fields(network)
    return [
        {"num_chs": shape.channels, "reduction": _plain(field.stride), "module": name}
        for name, shape, field in zip(network.outputs, ends, seen, strict=True)
    ]


def _plain(stride: tuple[Fraction, Fraction]) -> float:
    """Return a stride as one number, whole where it is."""
    larger = max(stride)
    return int(larger) if larger.denominator == 1 else float(larger)


_Axis = tuple[Ratio, Ratio]  # how far beyond one position it reads, and the stride
_Axes = tuple[_Axis, _Axis]
_NOTHING: _Axes = ((0, 1),) * 2
Reached = dict[Node, _Axes]


def _reach(node: Node, parts: list[_Axes]) -> _Axes:
    match node:
        case Op(layer=layer):
            if type(layer).reach is Layer.reach:  # which reads one position
                return _NOTHING
            extent, (rows, columns) = layer.reach(node.input)
            return ((extent[0] - 1, rows), (extent[1] - 1, columns))
        case Series():
            return reduce(_then, [part for part in parts if part is not _NOTHING], _NOTHING)
        case Parallel():
            height, width = zip(*parts, strict=True)
            return _join(height), _join(width)
        case Repeat(count=count):
            height, width = parts[0]
            return _turns(height, count), _turns(width, count)
        case Scope():
            return parts[0]


def _then(first: _Axes, second: _Axes) -> _Axes:
    (a, b), (c, d) = first, second
    return _along(a, c), _along(b, d)


def _along(first: _Axis, second: _Axis) -> _Axis:
    (reads, stride), (more, step) = first, second
    return reads + more * stride, stride * step


def _turns(axis: _Axis, count: int) -> _Axis:
    reads, stride = axis
    return reads * sum(
        stride**turn for turn in range(count)
    ) if stride != 1 else reads * count, stride**count


def _join(paths: tuple[_Axis, ...]) -> _Axis:
    """Return the largest window; the stride of the path that keeps most positions, since a gate has
    but one.
    """
    return max(reads for reads, _ in paths), min(stride for _, stride in paths)
