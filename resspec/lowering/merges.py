"""The shape that comes out where paths come together."""

from __future__ import annotations

from collections.abc import Sequence

from resspec.diagnostics import Reporter
from resspec.ir.nodes import Merge
from resspec.ir.shape import Shape
from resspec.lowering import shape_errors
from resspec.lowering.parts import Draft
from resspec.lowering.shrinking import shrinking
from resspec.source import Span


def merged_shape(
    merge: Merge,
    paths: Sequence[Draft],
    places: Sequence[Span],
    report: Reporter,
) -> Shape | None:
    """`add` needs equal shapes, `concat` equal sizes, `mul` equal shapes but for 1x1. None once a
    mismatch was reported.
    """
    shape = paths[0].node.output
    channels = shape.channels
    for path, place in zip(paths[1:], places[1:], strict=True):
        other = path.node.output
        problem, help = _mismatch(merge, shape, other)
        if problem:
            notes = shrinking([paths[0], path]) if problem == "sizes" else ()
            report(
                shape_errors.merge_mismatch(
                    merge, places[0], place, (str(shape), str(other)), problem, help, notes
                )
            )
            return None
        channels += other.channels
        if merge == "mul":
            shape = max(shape, other, key=lambda s: s.elements)
    return shape.with_channels(channels) if merge == "concat" else shape


def _mismatch(merge: str, a: Shape, b: Shape) -> tuple[str | None, str | None]:
    """Return what differs, and what would help."""
    if (len(a.dims), a.last) != (len(b.dims), b.last):
        picture, other = sorted((a, b), key=lambda each: -len(each.dims))
        if merge == "mul" and len(other.dims) == 1 and not picture.last:
            convs = [f"`conv 1x1, {width}, bias=true`" for width in (picture.channels, "in")]
            return "layouts", f"`fc` flattens; in a gate write {convs[0]}, or in a block {convs[1]}"
        return "layouts", "put `flatten`, `to_first` or `to_last` in one of them"
    if merge != "concat" and a.channels != b.channels:
        ends = f"let all paths end in the same number of channels, {a.channels} or {b.channels}"
        return (
            "channels",
            f"{ends}; `concat` would give {a.channels + b.channels}" if merge == "add" else ends,
        )
    if a.spatial == b.spatial or (
        merge == "mul" and (set(a.spatial) <= {1} or set(b.spatial) <= {1})
    ):
        return None, None
    keeps = "use the same strides in each path, and odd kernels without `padding=`"
    return "sizes", f"{keeps}, which keep the size"
