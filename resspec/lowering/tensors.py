"""Tensors that nobody can make: torch counts the bytes of one in 64 bits, on its `meta` device
too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod

from resspec.diagnostics import Reporter
from resspec.ir.ops import Layer
from resspec.ir.shape import Shape
from resspec.lowering import shape_errors
from resspec.source import Span

MAX_BYTES = (1 << 63) - 1
WEIGHT, INDEX = (
    4,
    8,
)  # bytes of an element: float32, as a module is built; int64, where a pool's maxima stood


def fits(what: str, elements: int, span: Span, report: Reporter, bytes_each: int = WEIGHT) -> bool:
    """Return whether torch can count a tensor of one sample; else it is reported."""
    if elements * bytes_each <= MAX_BYTES:
        return True
    report(shape_errors.too_large(span, what, elements, MAX_BYTES // bytes_each, bytes_each))
    return False


def layer_fits(layer: Layer, x: Shape, y: Shape, span: Span, report: Reporter) -> bool:
    """Return whether torch can count all tensors that a layer makes; report the first that it
    cannot.
    """
    return all(
        fits(f"the {what} of `{layer.kind}`", elements, span, report, size)
        for what, elements, size in _too_large(layer, x, y)
    )


@lru_cache(1 << 12)
def _too_large(layer: Layer, x: Shape, y: Shape) -> list[tuple[str, int, int]]:
    tensors = _tensors(layer, x, y)
    return [each for each in tensors if each[1] * each[2] > MAX_BYTES]


def _tensors(layer: Layer, x: Shape, y: Shape) -> Iterator[tuple[str, int, int]]:
    yield "output", y.elements, WEIGHT
    yield "indices", layer.keeps(x, y).indices, INDEX
    for name, dims in layer.parameters(x).items():
        yield name, prod(dims), WEIGHT
