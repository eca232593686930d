"""The facts of a layer, each said once: typed fields named as torch's, shape rule, tensors, cost,
torch call.

The annotations of a layer's fields are the types of its arguments in the language:

    Size    (height, width), written `3x3` or `3`          Extent  the same, 0 allowed
    Padding an extent, or `same`
    Count   a whole number, 1 or more                       Index   a whole number, 0 or more
    Real    a number, exact in the IR                       Flag    true or false
    Positive, Probability   numbers above 0, from 0 to 1
    Word    one of the class's `choices` for the field
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import gcd, isqrt
from typing import Any, ClassVar, Literal, NamedTuple

from resspec.ir.interning import Interned
from resspec.ir.shape import Shape

Size = tuple[int, int]
Extent = tuple[int, int]
Padding = tuple[int, int] | Literal["same"]
Count = int
Index = int
Flag = bool
Word = str


class Ramp(NamedTuple):
    """A number that grows by `step` at each turn of the nearest enclosing repeat: stochastic
    depth's probability.
    """

    start: Fraction
    step: Fraction

    def at(self, turn: int) -> Fraction:
        return self.start + self.step * turn


Real = Fraction | Ramp
Positive = Fraction | Ramp
Probability = Fraction | Ramp

# What torch's constructors call the channels that enter.
CHANNELS = "in_channels in_features num_features num_channels normalized_shape channels".split()
ONE: Size = (1, 1)
MOST_DIVISORS = 8  # that a help lists
Tensors = dict[str, tuple[int, ...]]
Ratio = int | Fraction
Steps = tuple[Ratio, Ratio]  # along height and width, from one output to the next
Strides = tuple[int, ...]  # of one sample's axes, in elements


class Kept(NamedTuple):
    """Elements that a layer keeps for its backward pass besides its input or output: of each sample
    in the network's own type, of each sample as int64, of each sample as float32, and whatever the
    batch as float32 and in the network's type.
    """

    values: int = 0
    indices: int = 0
    statistics: int = 0
    fixed_statistics: int = 0
    fixed_values: int = 0


class Call(NamedTuple):
    """The torch module of a layer as data.

    Attributes:
        module: A class of `torch.nn`, or of `resspec.backends.layers`.
        args: The arguments that are given by position, under the names of its parameters.
        kwargs: Those that are given by name.
    """

    module: str
    args: dict[str, Any]
    kwargs: dict[str, Any]


class ShapeError(Exception):
    """A layer cannot take this input: what is wrong, one change that works, and the field that
    causes it, if one does.
    """

    def __init__(
        self, code: str, message: str, help: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.field = field


@dataclass(eq=False, repr=False)
class Layer(metaclass=Interned):
    """A layer with its fields; what depends on the input is a method of its shape (without the
    batch axis).

    Equal layers are one object. Text and that a field is set once are here for all of them:
    dataclasses that write their own would take 15 ms of every start.
    """

    kind: ClassVar[str]
    module: ClassVar[str]  # of torch.nn, or of `resspec.backends.layers`
    torch_defaults: ClassVar[dict[str, Any]] = {}  # of the fields that are keyword arguments of it
    # the parameters of its module that are given by position
    torch_positional: ClassVar[tuple[str, ...]] = ()
    positional: ClassVar[tuple[str, ...]] = ()
    # the language's word for a field, where it is not torch's own
    words: ClassVar[dict[str, str]] = {}
    # the words that a field takes, its default first
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    # the words that a field takes beside other values
    alternatives: ClassVar[dict[str, tuple[str, ...]]] = {}
    # fields that it had not always: at their defaults they do not count in the hash
    later_fields: ClassVar[frozenset[str]] = frozenset()
    # counts as a layer of the network, as in "ResNet-50"
    weighted: ClassVar[bool] = False
    # "new" memory, or what may be a "view" of the input, or the "same" tensor
    output: ClassVar[str] = "new"
    # the order of a new output's axes in memory: the "input"'s, "contiguous" or "channels_last"
    layout: ClassVar[str] = "input"
    # its backward reads its output, which nobody may then overwrite
    saves_output: ClassVar[bool] = False
    # it is no module: its only tensor belongs to the module around it, under the layer's own name
    is_parameter: ClassVar[bool] = False

    @property
    def varies(self) -> bool:
        """Return whether it depends on the turn of the nearest enclosing repeat."""
        return Ramp in map(type, self.__dict__.values())

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__:
            raise AttributeError(f"a layer is frozen: {name}")
        self.__dict__[name] = value

    def __repr__(self) -> str:
        fields = [f"{name}={value!r}" for name, value in vars(self).items()]
        return f"{type(self).__name__}({', '.join(fields)})"

    def completed(self, x: Shape) -> Layer:
        """Return the layer with the fields that its input determines where they are left out."""
        return self

    def infer(self, x: Shape) -> Shape:
        """Return the output's shape. Raises ShapeError."""
        return x

    def parameters(self, x: Shape) -> Tensors:
        """Return the learnable tensors by torch's names, in torch's order of registration; the name
        is empty where the layer is only a parameter.
        """
        return {}

    def buffers(self, x: Shape) -> Tensors:
        return {}

    def macs(self, x: Shape, y: Shape) -> int:
        """Return the multiply-accumulates of contractions for one sample; bias not counted, padding
        counted as dense.
        """
        return 0

    def elementwise(self, x: Shape, y: Shape) -> int:
        """Return the operations on single elements in evaluation: a bias, an activation, a sum 1
        for each of the output, a norm 2, a pool 1 for each value that its windows read.
        """
        return 0

    def saves_input(self) -> bool:
        """Return whether the backward pass reads the input."""
        return False

    def saves_input_frozen(self) -> bool:
        """Return the same where its own parameters need no gradient. Torch keeps it for a gradient
        that nobody asks for, too, where one function computes all.
        """
        return self.saves_input()

    def keeps(self, x: Shape, y: Shape) -> Kept:
        """Return what the backward pass reads besides input and output."""
        return Kept()

    def hands_on(self) -> bool:
        """Return whether the output is the input itself in training, too."""
        return self.output == "same"

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        """Return the strides of an output that lies in the input's memory, None where the output
        has its own.
        """
        return None

    def order(self, strides: Strides) -> Strides:
        """Return strides in whose order torch lays out the axes of a new output."""
        match self.layout:
            case "input":
                return strides
            case "channels_last":
                return (0, 2, 1)
            case _:
                return ()

    def derived(self, x: Shape) -> int:
        """Return the number of elements that it computes from its parameters alone, whatever the
        batch: standardized weights.
        """
        return 0

    def keeps_frozen(self, x: Shape, y: Shape) -> Kept:
        """Return what the backward pass reads besides input and output where its own parameters
        need no gradient.
        """
        return self.keeps(x, y)

    def intermediate(self, x: Shape) -> int:
        """Return the number of elements of what it first makes from its input and reads in its
        place: a padded input.
        """
        return 0

    def copies(self, x: Shape, strides: Strides, storage: int) -> bool:
        """Return whether torch makes a contiguous copy of an input with these strides in a storage
        of so many elements for each sample. (Of a batch of one, it copies less.)
        """
        return False

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        """Return how many positions of the input an output reads along each axis, and how far its
        neighbor is from it.
        """
        return ONE, ONE

    def call(self, x: Shape) -> Call:
        """Return the module that computes it."""
        given = {name: plain(self.torch_value(name)) for name in self.torch_defaults}
        others = {
            name: value for name, value in given.items() if value != self.torch_defaults[name]
        }
        return Call(self.module, self.torch_args(x), others)

    def torch_value(self, field: str) -> Any:
        """Return the value of a field as its module takes it."""
        return getattr(self, field)

    def torch_args(self, x: Shape) -> dict[str, Any]:
        """Return the positional arguments of its module, under torch's names."""
        return {
            name: x.channels if name in CHANNELS else plain(self.torch_value(name))
            for name in self.torch_positional
        }

    @classmethod
    def complete(cls, given: dict[str, Any]) -> None:
        """Fill in defaults that depend on other fields."""

    def at(self, turn: int) -> Layer:
        """Return this layer at a turn of the nearest enclosing repeat."""
        if not self.varies:
            return self
        return type(self)(
            **{name: v.at(turn) if isinstance(v, Ramp) else v for name, v in vars(self).items()}
        )


def tensor_name(layer: str, tensor: str) -> str:
    """Return the full name of a tensor of a layer with this full name."""
    return f"{layer}.{tensor}" if tensor else layer


def need_image(x: Shape, kind: str) -> None:
    """Raises ShapeError unless the input is CxHxW."""
    if x.last:
        raise ShapeError(
            "E0302",
            f"`{kind}` needs channels first, but they come last",
            "put `to_first` before it",
        )
    if not x.is_image:
        raise ShapeError(
            "E0302",
            f"`{kind}` needs an image, CxHxW, but its input is {x}",
            "move it before `flatten` or `fc`",
        )


def divisible(near: int, *channels: int) -> str:
    """Return what divides all of these numbers: `64 and 96 are both divisible by 1, 2, 4, 8, 16 and
    32`.

    Args:
        near: Where there are many divisors, those next to this number are shown.
        channels: One number or two.
    """
    common = gcd(*channels)
    small = [each for each in range(1, min(isqrt(common), 1 << 12) + 1) if common % each == 0]
    found = sorted({*small, *(common // each for each in small)})
    first = max(0, min(bisect(found, near) - MOST_DIVISORS // 2, len(found) - MOST_DIVISORS))
    *others, last = map(str, found[first : first + MOST_DIVISORS])
    shown = f"{', '.join(others)} and {last}" if others else last
    subject = " and ".join(str(each) for each in dict.fromkeys(channels))
    are = "are both" if len(set(channels)) > 1 else "is"
    return f"{subject} {are} divisible by {shown}"


@lru_cache(1 << 12)
def dense(dims: tuple[int, ...], like: Strides = ()) -> Strides:
    """Return strides without gaps, the axes in the order in which those of `like` lie in memory, if
    there are as many.
    """
    order = sorted(
        range(len(dims)), key=lambda axis: like[axis] if len(like) == len(dims) else -axis
    )
    strides, step = [0] * len(dims), 1
    for axis in order:
        strides[axis], step = step, step * dims[axis]
    return tuple(strides)


def merged_stride(dims: tuple[int, ...], strides: Strides) -> int | None:
    """Return the stride of these axes taken for one; None where one of them has gaps to the
    next.
    """
    axes = [(n, stride) for n, stride in zip(dims, strides, strict=True) if n > 1]
    if any(outer != n * inner for (_, outer), (n, inner) in pairwise(axes)):
        return None
    return axes[-1][1] if axes else 1


def short(size: Size) -> int | Size:
    """Return a square size as one number, as one writes it by hand."""
    return size[0] if size[0] == size[1] else size


def plain(value: Any) -> Any:
    """Return a value as Python code has it: a square size as one number, an exact number as a
    float.
    """
    match value:
        case (int(), int()):
            return short(value)
        case Fraction():
            return float(value)
        case _:
            return value


def need_equal_groups(channels: int, groups: int, field: str) -> None:
    """Raises ShapeError unless the channels can be split."""
    if channels % groups:
        raise ShapeError(
            "E0304",
            f"{channels} channels cannot be split into {groups} equal groups",
            divisible(groups, channels),
            field,
        )
