"""Numbers that a file computes from sizes, such as those of a view, as small arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from resspec.importing.onnx.node import OnnxNode, Sizes
from resspec.importing.onnx.stored import is_small, small_numbers

if TYPE_CHECKING:
    from numpy import ndarray

MOST = 1 << 16  # numbers of one array


def folded(
    node: OnnxNode, inputs: Sequence[ndarray | None], sizes: Sequence[Sizes | None]
) -> ndarray | None:
    """Return the numbers that a node computes; None where it depends on values.

    Args:
        node: The node.
        inputs: What it reads, None where that is a tensor.
        sizes: The sizes of what it reads.
    """
    import numpy as np

    if node.kind == "Constant":
        return _constant(node.attributes)
    if node.kind == "Shape":
        return _shape(node, sizes)
    compute = TABLE.get(node.kind)
    needed = inputs[:1] if node.kind == "CastLike" else inputs
    if compute is None or not needed or any(each is None for each in needed):
        return None
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(compute(node.attributes, *needed))
    except (TypeError, ValueError, LookupError, ArithmeticError):
        return None
    return result if result.size <= MOST and result.dtype.kind in "if" else None


def _constant(given: Mapping[str, Any]) -> ndarray | None:
    import numpy as np

    for name in ("value_float", "value_int", "value_floats", "value_ints"):
        if name in given:
            return np.asarray(given[name])
    proto = given.get("value")
    return None if proto is None or not is_small(proto.dims) else small_numbers(proto)


def _shape(node: OnnxNode, sizes: Sequence[Sizes | None]) -> ndarray | None:
    import numpy as np

    if not sizes or sizes[0] is None:
        return None
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return np.asarray(sizes[0][start:end], dtype="int64")


def _same(_given: Mapping[str, Any], value: Any, *_: Any) -> Any:
    return value


def _squeezed(_given: Mapping[str, Any], value: Any, *axes: Any) -> Any:
    return value.squeeze() if not axes else value.squeeze(tuple(axes[0].tolist()))


def _unsqueezed(given: Mapping[str, Any], value: Any, *axes: Any) -> Any:
    import numpy as np

    return np.expand_dims(value, tuple(axes[0].tolist() if axes else given["axes"]))


def _gathered(given: Mapping[str, Any], values: Any, index: Any) -> Any:
    return values.take(index, axis=given.get("axis", 0))


def _joined(given: Mapping[str, Any], *values: Any) -> Any:
    import numpy as np

    return np.concatenate(values, axis=given.get("axis", 0))


def _sliced(_given: Mapping[str, Any], value: Any, starts: Any, stops: Any, *rest: Any) -> Any:
    axes = rest[0] if rest else range(len(starts))
    steps = rest[1] if len(rest) > 1 else [1] * len(starts)
    index = [slice(None)] * value.ndim
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        index[int(axis)] = slice(int(start), int(stop), int(step))
    return value[tuple(index)]


def _filled(given: Mapping[str, Any], sizes: Any) -> Any:
    import numpy as np

    proto = given.get("value")
    filling = None if proto is None else small_numbers(proto)
    return np.full(_bounded(sizes), 0 if filling is None else filling.reshape(-1)[0])


def _expanded(_given: Mapping[str, Any], value: Any, sizes: Any) -> Any:
    import numpy as np

    return np.broadcast_to(value, _bounded(sizes)).copy()


def _bounded(sizes: Any) -> tuple[int, ...]:
    """Return sizes of a small array. Raises ValueError."""
    found = tuple(int(size) for size in sizes)
    if prod(found) > MOST:
        raise ValueError
    return found


def _reshaped(_given: Mapping[str, Any], value: Any, sizes: Any) -> Any:
    return value.reshape(tuple(sizes.tolist()))


def _transposed(given: Mapping[str, Any], value: Any) -> Any:
    return value.transpose(given.get("perm"))


def _by_element(compute: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def of(_given: Mapping[str, Any], a: Any, b: Any) -> Any:
        return compute(a, b)

    return of


def _quotient(a: Any, b: Any) -> Any:
    return a // b if a.dtype.kind == b.dtype.kind == "i" else a / b


TABLE: dict[str, Callable[..., Any]] = {
    "Add": _by_element(lambda a, b: a + b),
    "Cast": _same,
    "CastLike": _same,
    "Concat": _joined,
    "ConstantOfShape": _filled,
    "Div": _by_element(_quotient),
    "Expand": _expanded,
    "Gather": _gathered,
    "Identity": _same,
    "Mul": _by_element(lambda a, b: a * b),
    "Reshape": _reshaped,
    "Slice": _sliced,
    "Squeeze": _squeezed,
    "Sub": _by_element(lambda a, b: a - b),
    "Transpose": _transposed,
    "Unsqueeze": _unsqueezed,
}
