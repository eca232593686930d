"""ATen's operators as the functions of torch that a module calls: their names, and those of their
arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from resspec.importing.files.errors import Malformed
from resspec.importing.trace import Weight


class Operator(NamedTuple):
    """The function of an operator.

    Attributes:
        function: Its name.
        arguments: Its names of the operator's arguments, where they differ; empty where it has no
            such argument.
    """

    function: str
    arguments: Mapping[str, str]


class Transposed(NamedTuple):
    """A parameter with its two axes exchanged."""

    weight: Weight


TRANSPOSING = {"permute", "t", "transpose"}

SEVERAL = {"chunk", "split", "split_with_sizes", "unbind"}  # return a list

# return the tensor itself, or another type or layout of it
UNCHANGED = {"alias", "contiguous", "detach", "lift_fresh_copy", "to", "_to_copy"}

_DROPOUT = Operator("dropout", {"train": "training"})
_BATCH_NORM = Operator("batch_norm", {"cudnn_enabled": ""})

# may return what lies in the memory of what they read
VIEWS = (
    SEVERAL
    | UNCHANGED
    | set(
        """
    channel_shuffle dropout expand flatten permute reshape select slice squeeze transpose unflatten
    unsqueeze view _unsafe_view
    """.split()
    )
)

# functions whose names differ from those of their operators
OPERATORS = {
    "_native_batch_norm_legit_no_training": _BATCH_NORM,
    "_unsafe_view": Operator("reshape", {}),
    "batch_norm": _BATCH_NORM,
    "max_pool2d_with_indices": Operator("max_pool2d", {}),
    "constant_pad_nd": Operator("pad", {}),
    "dropout": _DROPOUT,
    "group_norm": Operator("group_norm", {"cudnn_enabled": ""}),
    "layer_norm": Operator("layer_norm", {"cudnn_enable": ""}),
    "split_with_sizes": Operator("split", {"split_sizes": "split_size_or_sections"}),
    "clone": Operator("clone", {"memory_format": ""}),
    "split": Operator("split", {"split_size": "split_size_or_sections"}),
    "view": Operator("view", {"size": "shape"}),
}

_END = 1 << 40  # of a slice that has none

FunctionCall = tuple[str, tuple[Any, ...], dict[str, Any]]  # its name and arguments


def call_of(operator: str, given: Mapping[str, Any], sizes: tuple[int, ...]) -> FunctionCall:
    """Return the function that an operator is, with its arguments.

    Args:
        operator: Its name.
        given: Its arguments by their names, the tensor that it reads first.
        sizes: Those of its result.

    Raises:
        Malformed: Its arguments are not those of this operator.
    """
    first, *_ = given.values()
    match operator:
        case "_unsafe_view" | "expand" | "reshape" | "unflatten" | "view":
            return "reshape" if operator != "expand" else "expand", (first, sizes), {}
        case "permute":
            return "permute", (first, given.get("dims")), {}
        case "slice" | "select":
            return "__getitem__", (first, _index(operator, given)), {}
        case "upsample_nearest2d" | "upsample_bilinear2d":
            return "interpolate", (first,), _enlarged(operator, given)
        case "convolution":
            return _convolution(given)
        case "addmm":
            return _linear(given)
    known = OPERATORS.get(operator, Operator(operator, {}))
    kwargs = {}
    for name, value in list(given.items())[1:]:
        if word := known.arguments.get(name, name):
            kwargs[word] = value
    return known.function, (first,), kwargs


def _index(operator: str, given: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what stands in the brackets of an index."""
    axis = given.get("dim", 0)
    if not isinstance(axis, int) or not 0 <= axis < 8:
        raise Malformed(f"it takes a part along the axis {axis!r:.20}")
    whole = (slice(None),) * axis
    if operator == "select":
        return (*whole, given.get("index"))
    stop = given.get("end")
    is_open = isinstance(stop, int) and stop >= _END
    return (*whole, slice(given.get("start"), None if is_open else stop, given.get("step")))


def _enlarged(operator: str, given: Mapping[str, Any]) -> dict[str, Any]:
    mode = operator.removeprefix("upsample_").removesuffix("2d")
    kwargs = {
        "size": given.get("output_size"),
        "scale_factor": given.get("scale_factors"),
        "mode": mode,
    }
    if mode == "bilinear":
        kwargs["align_corners"] = given.get("align_corners")
    return kwargs


def _linear(given: Mapping[str, Any]) -> FunctionCall:
    """Return the function of a product with a parameter and a sum."""
    weight = given.get("mat2")
    if not isinstance(weight, Transposed) or given.keys() - {"self", "mat1", "mat2"}:
        raise Malformed("it multiplies matrices other than by a linear layer")
    return "linear", (given.get("mat1"), weight.weight, given.get("self")), {}


def _convolution(given: Mapping[str, Any]) -> FunctionCall:
    """Return the function of the operator that stands for all convolutions."""
    kwargs = {
        name: given.get(name) for name in "weight bias stride padding dilation groups".split()
    }
    name = "conv2d"
    if given.get("transposed"):
        name, kwargs["output_padding"] = "conv_transpose2d", given.get("output_padding")
    return name, (given.get("input"),), kwargs
