"""Views, moved axes, parts of the channels, borders and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resspec.importing.lift.arranged import Arranged, NoArrangement, plain
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.numbers import size
from resspec.importing.lift.pools import without_first
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.weights import Padded, Standardized, Viewed
from resspec.importing.trace import Weight
from resspec.ir.ops.arrange import Chunk, PadChannelsOp, Shuffle, SliceOp, SubsampleOp
from resspec.ir.ops.layer import Layer
from resspec.ir.ops.resize import PixelShuffle, PixelUnshuffle, Upsample

# Types of tensors that hold fewer numbers than float32
ROUNDED = frozenset(
    f"torch.{kind}"
    for kind in "float16 bfloat16 int8 int16 int32 int64 uint8 bool half int long".split()
)


def same(to: Lifter, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the value itself."""
    return input


def to_type(to: Lifter, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the value itself, unless its numbers are rounded."""
    for given in (*args, *kwargs.values()):
        if given in ROUNDED and isinstance(input, Arranged):
            raise Problem(f"it rounds to `{given}`", "a spec computes with one type throughout")
    return input


def view(to: Lifter, input: Any, *args: Any, **kwargs: Any) -> Any:
    """Return a value with the sizes that the call returned."""
    dims = to.call.result.dims
    match input:
        case Weight():
            return Viewed(input, dims)
        case Viewed():
            return Viewed(input.weight, dims, input.factor)
        case Standardized() if dims == input.weight.dims:
            return input
        case Arranged():
            return _reshaped(input, dims)
        case _:
            raise Problem("it views a value that does not depend on the network's input")


def _reshaped(value: Arranged, dims: Sequence[int]) -> Arranged:
    try:
        return value.reshaped(dims)
    except NoArrangement:
        sizes = "x".join(map(str, dims[1:]))
        raise Problem(f"a view of {value.shape} as {sizes}") from None


def permute(to: Lifter, input: Any, *dims: Any) -> Any:
    order = dims[0] if isinstance(dims[0], list | tuple) else dims
    return _moved(to, input, [axis % len(order) for axis in order])


def transpose(to: Lifter, input: Any, dim0: int, dim1: int) -> Any:
    order = list(range(len(to.call.result.dims)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _moved(to, input, order)


def _moved(to: Lifter, input: Any, order: Sequence[int]) -> Any:
    if not isinstance(input, Arranged):
        raise Problem("it moves axes of a value that does not depend on the network's input")
    return input.permuted(order)


# --- parts ---


def chunk(to: Lifter, input: Any, chunks: int, dim: int = 0) -> list[Any]:
    return _parts(to, input, dim)


def split(to: Lifter, tensor: Any, split_size_or_sections: Any, dim: int = 0) -> list[Any]:
    return _parts(to, tensor, dim)


def unbind(to: Lifter, input: Any, dim: int = 0) -> list[Any]:
    if not isinstance(input, Arranged):
        raise Problem("a part of a value that does not depend on the network's input")
    count = input.dims[dim]
    return [selected(to, input, dim % len(input.axes), index) for index in range(count)]


def _parts(to: Lifter, input: Any, dim: int) -> list[Any]:
    """Return neighboring channels, as many in each part as the call returned."""
    value = to.settled(input)
    _need_channels(value, dim)
    axis = dim % len(value.axes)
    widths = [result.dims[axis] for result in to.call.result]
    if len(set(widths)) == 1:
        count = len(widths)
        return [to.layer(Chunk(chunks=count, part=part), value) for part in range(count)]
    starts = [sum(widths[:index]) for index in range(len(widths))]
    bounds = zip(starts, widths, strict=True)
    return [to.layer(SliceOp(start=start, stop=start + width), value) for start, width in bounds]


def _need_channels(value: Arranged, dim: int) -> None:
    if dim % len(value.axes) != value.channel_axis:
        raise Problem(f"parts along axis {dim}", "`chunk` and `slice` take parts of the channels")


def item(to: Lifter, input: Any, index: Any) -> Any:
    """Return what stands in brackets behind a value."""
    if isinstance(input, list | tuple):
        return input[index]
    if isinstance(input, Weight | Viewed):
        return view(to, input)
    if not isinstance(input, Arranged):
        raise Problem("a part of a value that does not depend on the network's input")
    value, axis = input, 0
    for each in _indices(index, len(input.axes)):
        match each:
            case slice():
                value = _sliced(to, value, axis, each)
                axis += 1
            case None:
                value = value.with_axes((*value.axes[:axis], (), *value.axes[axis:]))
                axis += 1
            case int():
                value = selected(to, value, axis, each)
            case _:
                raise Problem(f"an index of {each!r:.40}")
    return value


def _indices(index: Any, axes: int) -> list[Any]:
    indices = list(index) if isinstance(index, tuple | list) else [index]
    if Ellipsis in indices:
        at = indices.index(Ellipsis)
        given = sum(each is not None for each in indices) - 1
        indices[at : at + 1] = [slice(None)] * (axes - given)
    return indices


def narrow(to: Lifter, input: Any, dim: int, start: int, length: int) -> Any:
    if not isinstance(input, Arranged):
        raise Problem("a part of a value that does not depend on the network's input")
    return _sliced(to, input, dim % len(input.axes), slice(start, start + length))


def _sliced(to: Lifter, value: Arranged, axis: int, part: slice) -> Arranged:
    whole = value.dims[axis]
    start, stop, step = part.indices(whole)
    if (start, stop, step) == (0, whole, 1):
        return value
    settled = to.settled(value)
    if axis == settled.channel_axis and step == 1:
        return to.layer(SliceOp(start=start, stop=stop), settled)
    if settled.shape.is_image and axis >= 2 and (start, stop) == (0, whole):
        stride = (step, 1) if axis == 2 else (1, step)
        return _subsampled(to, settled, stride)
    raise Problem(
        f"a slice of axis {axis}", "`slice` takes channels, `subsample` each second pixel"
    )


def _subsampled(to: Lifter, value: Arranged, stride: tuple[int, int]) -> Arranged:
    """Return every so many pixels, along both axes in one layer."""
    last = to.steps[value.step] if value.step >= 0 else None
    if last is not None and isinstance(last.does, SubsampleOp) and last.does.stride[1] == 1:
        source, *_ = last.inputs
        value = plain(source, to.shape(source))
        stride = (last.does.stride[0], stride[1])
    return to.layer(SubsampleOp(stride=stride), value)


def selected(to: Lifter, value: Arranged, axis: int, index: int) -> Arranged:
    """Return one entry of an axis that is a factor of the channels."""
    parts = value.axes[axis]
    channels = value.channel_axis
    if not parts:
        return value.with_axes((*value.axes[:axis], *value.axes[axis + 1 :]))
    factors = value.factors[channels]
    whole = plain(value.step, value.shape)
    if parts == ((channels, 1),) and len(factors) == 2:
        moved = to.layer(Shuffle(groups=factors[0]), whole)
        turned = {(channels, 0): (channels, 1), (channels, 1): (channels, 0)}
        axes = tuple(tuple(turned.get(part, part) for part in each) for each in value.axes)
        new = list(value.factors)
        new[channels] = (factors[1], factors[0])
        value = Arranged(moved.step, moved.shape, tuple(new), axes)
        return selected(to, value, axis, index)
    if parts != ((channels, 0),):
        raise Problem(f"an entry of axis {axis}", "`chunk` takes a part of the channels")
    count = value.size((channels, 0))
    part = to.layer(Chunk(chunks=count, part=index % count), whole)
    rest = without_first(value, part)
    return rest.with_axes((*rest.axes[:axis], *rest.axes[axis + 1 :]))


# --- borders and sizes ---


def pad(
    to: Lifter, input: Any, pad: Sequence[int], mode: str = "constant", value: Any = None
) -> Any:
    if min(pad) < 0:
        raise Problem("it pads by a negative amount")
    left, right, top, bottom, front, back, *others = (*pad, *(0,) * (6 - len(pad)))
    if front or any(others):
        raise Problem("it pads before the channels", "`pad_channels` pads after them")
    settled = to.settled(input)
    if back:
        if any(pad[:4]) or mode != "constant" or value:
            raise Problem("it pads channels and pixels", "`pad_channels` pads channels alone")
        return to.layer(PadChannelsOp(out_channels=settled.shape.channels + back), settled)
    return Padded(settled, (left, right, top, bottom), _border(mode, value), to.call)


def _border(mode: str, value: Any) -> str:
    match mode, value:
        case "constant", None | 0:
            return "zeros"
        case "constant", float() if value == float("-inf"):
            return "lowest"
        case (("reflect" | "replicate"), _):
            return mode
        case _:
            raise Problem(f"a border of {value if mode == 'constant' else mode}")


def interpolate(
    to: Lifter,
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    value = to.settled(input)
    if antialias:
        raise Problem("it smooths what it enlarges (`antialias`)")
    *_, height, width = to.call.result.dims
    if (height, width) == value.shape.spatial:
        return value
    return to.layer(_upsample((height, width), scale_factor, mode, align_corners), value)


def _upsample(goal: tuple[int, int], factor: Any, mode: str, align_corners: Any) -> Layer:
    if mode not in ("nearest", "bilinear"):
        raise Problem(f"`mode={mode}`", "`upsample` has `nearest` and `bilinear`")
    corners = bool(align_corners)
    if factor is None:
        return Upsample(size=goal, mode=mode, align_corners=corners)
    factors = factor if isinstance(factor, list | tuple) else (factor,)
    if any(each != int(each) for each in factors):
        raise Problem(f"a factor of {factor}", "`upsample size=` takes any size")
    whole = [int(each) for each in factors]
    return Upsample(scale_factor=size(whole), mode=mode, align_corners=corners)


def pixel_shuffle(to: Lifter, input: Any, upscale_factor: int) -> Arranged:
    return to.layer(PixelShuffle(upscale_factor=upscale_factor), input)


def pixel_unshuffle(to: Lifter, input: Any, downscale_factor: int) -> Arranged:
    return to.layer(PixelUnshuffle(downscale_factor=downscale_factor), input)


def channel_shuffle(to: Lifter, input: Any, groups: int) -> Arranged:
    return to.layer(Shuffle(groups=groups), input)


ARRANGING: dict[str, Handler] = {
    "contiguous": same,
    "clone": same,
    "detach": same,
    "to": to_type,
    "type_as": same,
    "float": same,
    "expand": same,
    "expand_as": same,
    "view": view,
    "reshape": view,
    "reshape_as": view,
    "view_as": view,
    "flatten": view,
    "unflatten": view,
    "unsqueeze": view,
    "squeeze": view,
    "permute": permute,
    "transpose": transpose,
    "swapaxes": transpose,
    "chunk": chunk,
    "split": split,
    "split_with_sizes": split,
    "tensor_split": chunk,
    "unbind": unbind,
    "getitem": item,
    "narrow": narrow,
    "pad": pad,
    "interpolate": interpolate,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "channel_shuffle": channel_shuffle,
}
