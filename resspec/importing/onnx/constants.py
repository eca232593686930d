"""Whole numbers that a file computes from sizes, such as those of a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from resspec.importing.onnx.node import OnnxNode
from resspec.importing.onnx.stored import is_small, small_numbers

MOST = 1 << 16  # numbers of one list


def folded(node: OnnxNode, inputs: Sequence[Any], sizes: Sequence[tuple[int, ...] | None]) -> Any:
    """Return the number, or list of numbers, that a node computes; None where it depends on values.

    Args:
        node: The node.
        inputs: What it reads: a number, a list of numbers, or None where that is a tensor.
        sizes: The sizes of what it reads.
    """
    if node.kind == "Constant":
        return number_of(node)
    if node.kind == "Shape":
        return _shape(node, sizes)
    if node.kind == "ConstantOfShape":
        return _filled(node, inputs)
    compute = TABLE.get(node.kind)
    needed = inputs[:1] if node.kind == "CastLike" else inputs
    if compute is None or not needed or None in needed:
        return None
    try:
        return compute(*needed)
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return None


def number_of(node: OnnxNode) -> Any:
    """Return the number, or list of numbers, of a constant; None where it is no small one."""
    given: Mapping[str, Any] = node.attributes
    for name in ("value_float", "value_int", "value_floats", "value_ints"):
        if name in given:
            value = given[name]
            return value if isinstance(value, int | float) else list(value)
    proto = given.get("value")
    if proto is None or not is_small(proto.dims):
        return None
    return small_numbers(proto)


def _shape(node: OnnxNode, sizes: Sequence[tuple[int, ...] | None]) -> list[int] | None:
    if not sizes or sizes[0] is None:
        return None
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return list(sizes[0][start:end])


def _same(value: Any, *_: Any) -> Any:
    return value


def _listed(value: Any, *_: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _squeezed(value: Any, *_: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _gathered(values: Any, index: Any) -> Any:
    return [values[each] for each in index] if isinstance(index, list) else values[index]


def _joined(*values: Any) -> Any:
    found = [each for value in values for each in value]
    return found if len(found) <= MOST else None


def _sliced(value: Any, *bounds: Any) -> Any:
    (start,), (stop,), *rest = bounds
    step = rest[1][0] if len(rest) > 1 else 1
    return value[start:stop:step]


def _filled(node: OnnxNode, inputs: Sequence[Any]) -> Any:
    number = 0 if node.attributes.get("value") is None else number_of(node)
    sizes = inputs[0] if inputs else None
    return _repeated(number, sizes) if isinstance(sizes, list) else None


def _expanded(value: Any, sizes: Any) -> Any:
    return value if isinstance(value, list) and len(value) > 1 else _repeated(value, sizes)


def _repeated(value: Any, sizes: Any) -> Any:
    count = prod(sizes)
    number = value[0] if isinstance(value, list) else value
    return [number] * count if 0 <= count <= MOST and len(sizes) == 1 else None


def _by_element(compute: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def of(a: Any, b: Any) -> Any:
        if not isinstance(a, list) and not isinstance(b, list):
            return compute(a, b)
        count = max(len(each) for each in (a, b) if isinstance(each, list))
        left, right = (each if isinstance(each, list) else [each] * count for each in (a, b))
        return [compute(x, y) for x, y in zip(left, right, strict=True)]

    return of


def _quotient(a: Any, b: Any) -> Any:
    return a // b if isinstance(a, int) and isinstance(b, int) else a / b


TABLE: dict[str, Callable[..., Any]] = {
    "Add": _by_element(lambda a, b: a + b),
    "Cast": _same,
    "CastLike": _same,
    "Concat": _joined,
    "Div": _by_element(_quotient),
    "Expand": _expanded,
    "Gather": _gathered,
    "Identity": _same,
    "Mul": _by_element(lambda a, b: a * b),
    "Reshape": _same,
    "Slice": _sliced,
    "Squeeze": _squeezed,
    "Sub": _by_element(lambda a, b: a - b),
    "Unsqueeze": _listed,
}
