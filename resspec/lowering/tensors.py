"""Tensors that nobody can make: torch counts the bytes of one in 64 bits, on its `meta` device too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from resspec.diagnostics import Diagnostic
from resspec.ir.ops import Layer
from resspec.ir.shape import Shape
from resspec.lowering import shape_errors
from resspec.source import Span

MAX_BYTES = (1 << 63) - 1
FLOAT32, INT64 = 4, 8  # bytes of an element: as a module is built; as a pool keeps where its maxima stood

Report = Callable[[Diagnostic], None]


def fits(what: str, elements: int, span: Span, report: Report, size: int = FLOAT32) -> bool:
    """Whether torch can count a tensor of one sample; else it is reported."""
    if elements * size <= MAX_BYTES:
        return True
    report(shape_errors.too_large(span, what, elements, MAX_BYTES // size, size))
    return False


def layer_fits(layer: Layer, x: Shape, y: Shape, span: Span, report: Report) -> bool:
    """The same of all tensors that a layer makes; the first that does not fit is reported."""
    tensors = _tensors(layer, x, y)
    return all(fits(f"the {what} of `{layer.kind}`", elements, span, report, size) for what, elements, size in tensors)


def _tensors(layer: Layer, x: Shape, y: Shape) -> Iterator[tuple[str, int, int]]:
    yield "output", y.elements, FLOAT32
    yield "indices", layer.keeps(x, y).indices, INT64
    for name, dims in layer.parameters(x).items():
        yield name, prod(dims), FLOAT32
