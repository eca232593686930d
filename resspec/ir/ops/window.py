"""Windows that slide: the arithmetic that convolutions and pools share, and the pools."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod
from typing import Any, ClassVar, Final

from resspec.ir.ops.layer import (
    ONE,
    Call,
    Flag,
    Kept,
    Layer,
    Padding,
    ShapeError,
    Size,
    Steps,
    need_image,
    short,
)
from resspec.ir.shape import Shape

SAME: Final = "same"


def complete_padding(given: dict[str, Any]) -> None:
    """Fill in the language's default padding: `dilation * (k // 2)` for an odd k, which keeps the
    size; nothing for an even one. `same` becomes a number where it does not depend on the size.
    """
    if "kernel_size" not in given:
        return
    sides = list(zip(given["kernel_size"], given.get("dilation", ONE), strict=True))
    if "padding" not in given:
        given["padding"] = tuple(d * (k // 2) if k % 2 else 0 for k, d in sides)
    around = [d * (k - 1) for k, d in sides]
    if (
        given["padding"] == SAME
        and given.get("stride", ONE) == ONE
        and not any(n % 2 for n in around)
    ):
        given["padding"] = (around[0] // 2, around[1] // 2)


def padded_as_same(
    size: tuple[int, ...], kernel: Size, stride: Size, dilation: Size
) -> tuple[int, int]:
    """Return height and width with the border of `padding=same`: every `stride`-th pixel, from the
    first, has a window. If the padding is odd, the extra pixel is at the end.
    """
    height, width = (
        max((-(-n // s) - 1) * s + d * (k - 1) + 1, n)
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    )
    return height, width


def window_output(
    size: tuple[int, ...],
    kernel: Size,
    stride: Size,
    padding: Padding,
    dilation: Size,
    *,
    ceil: bool = False,
) -> tuple[int, ...]:
    """Output positions of a sliding window, as torch counts them. Raises ShapeError where none
    fits.
    """
    if padding == SAME:
        size, padding = padded_as_same(size, kernel, stride, dilation), (0, 0)
    result = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        span = d * (k - 1) + 1
        steps = -(-(n + 2 * p - span) // s) if ceil else (n + 2 * p - span) // s
        if steps < 0:
            padded = f"with {p} of padding on each side" if p else "without padding"
            field = "dilation" if k <= n + 2 * p else "kernel_size"
            raise ShapeError(
                "E0303",
                f"a window of {span} does not fit an input of {n} {padded}",
                f"use a smaller window, or `padding={-(-(span - n) // 2)}`",
                field,
            )
        if ceil and steps * s >= n + p:
            steps -= 1  # a window that starts in the padding on the right is dropped
        result.append(steps + 1)
    return tuple(result)


def window_reach(kernel: Size, stride: Size, dilation: Size) -> tuple[Size, Steps]:
    """The extent of a window and the distance of two."""
    height, width = (d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    return (height, width), stride


class Windowed(Layer):
    """A layer with a window that slides. With `padding=same`, its module pads the input first."""

    alternatives: ClassVar = {"padding": (SAME,)}
    kernel_size: Size | None
    stride: Size
    padding: Padding

    @classmethod
    def complete(cls, given: dict[str, Any]) -> None:
        complete_padding(given)

    def window_dilation(self) -> Size:
        return ONE

    def intermediate(self, x: Shape) -> int:
        if self.padding != SAME:
            return 0
        assert self.kernel_size is not None
        size = padded_as_same(x.spatial, self.kernel_size, self.stride, self.window_dilation())
        return x.channels * prod(size)

    def torch_value(self, field: str) -> Any:
        value = super().torch_value(field)
        return (0, 0) if field == "padding" and value == SAME else value

    def call(self, x: Shape) -> Call:
        made = super().call(x)
        return made._replace(module=f"{made.module}Same") if self.padding == SAME else made


@dataclass(eq=False, repr=False)
class Pool(Windowed):
    """The pools: a window, or a target size `to`, or neither, which is global."""

    positional: ClassVar = ("kernel_size",)
    words: ClassVar = {"ceil": "ceil_mode"}

    kernel_size: Size | None = None
    stride: Size = ONE
    padding: Padding = (0, 0)
    ceil_mode: Flag = False
    to: Size | None = None

    @property
    def target(self) -> Size | None:
        """The output size of a pool that adapts to its input."""
        return ONE if self.kernel_size is None and self.to is None else self.to

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        if self.target is not None:
            self._refuse_window()
            return Shape((x.channels, *self.target))
        assert self.kernel_size is not None
        if self.padding != SAME and any(
            2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)
        ):
            most = "x".join(str(k // 2) for k in self.kernel_size)
            raise ShapeError(
                "E0303",
                "the padding is more than half of the window",
                f"use `padding={most}` at most",
                "padding",
            )
        size = window_output(
            x.spatial,
            self.kernel_size,
            self.stride,
            self.padding,
            self.window_dilation(),
            ceil=self.ceil_mode,
        )
        return Shape((x.channels, *size))

    def _refuse_window(self) -> None:
        """Raises ShapeError where a pool that adapts has a window, or what only a window has."""
        if self.kernel_size is not None:
            raise ShapeError(
                "E0305",
                f"`{self.kind}` takes a window or `to=`, not both",
                "leave out the window, its stride and its padding",
                "kernel_size",
            )
        for word, value, default in (
            ("stride", self.stride, ONE),
            ("padding", self.padding, (0, 0)),
        ):
            if value != default:
                raise ShapeError(
                    "E0305",
                    f"`{self.kind}` without a window has no {word}",
                    f"give it a window: `{self.kind} 2x2, /2`",
                    word,
                )

    def elementwise(self, x: Shape, y: Shape) -> int:
        if self.target is None:
            assert self.kernel_size is not None
            return y.elements * prod(self.kernel_size)
        return y.channels * prod(
            adaptive_reads(n, m) for n, m in zip(x.spatial, y.spatial, strict=True)
        )

    def saves_input(self) -> bool:
        return True

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        """Return the largest window and the mean distance, where the pool adapts."""
        if self.target is None:
            assert self.kernel_size is not None
            return window_reach(self.kernel_size, self.stride, self.window_dilation())
        sizes = tuple(zip(x.spatial, self.target, strict=True))
        height, width = (-(-adaptive_reads(n, m) // m) for n, m in sizes)
        (h, rows), (w, columns) = sizes
        return (height, width), (Fraction(h, rows), Fraction(w, columns))

    def call(self, x: Shape) -> Call:
        if self.target is not None:
            return Call(f"Adaptive{self.module}", {"output_size": short(self.target)}, {})
        assert self.kernel_size is not None
        made = super().call(x)
        if self.stride == self.kernel_size:
            del made.kwargs["stride"]
        return made._replace(args={"kernel_size": short(self.kernel_size)})


def adaptive_reads(size: int, target: int) -> int:
    """Return how much all windows of a pool that adapts hold together, along one axis; the largest
    holds their mean, rounded up. Window i is from floor(i * size / target) up to ceil((i + 1) *
    size / target).
    """
    return size + target - gcd(size, target)


@dataclass(eq=False, repr=False)
class MaxPool(Pool):
    """The largest value of each window; with no window, of the whole picture."""

    kind: ClassVar = "maxpool"
    module: ClassVar = "MaxPool2d"
    torch_defaults: ClassVar = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
    dilation: Size = ONE

    def window_dilation(self) -> Size:
        return self.dilation

    def keeps(self, x: Shape, y: Shape) -> Kept:
        return Kept(indices=y.elements)


@dataclass(eq=False, repr=False)
class AvgPool(Pool):
    """The mean of each window; with no window, of the whole picture."""

    kind: ClassVar = "avgpool"
    module: ClassVar = "AvgPool2d"
    torch_defaults: ClassVar = {
        "stride": None,
        "padding": 0,
        "ceil_mode": False,
        "count_include_pad": True,
    }
    words: ClassVar = {"ceil": "ceil_mode", "count_padding": "count_include_pad"}
    count_include_pad: Flag = True

    def infer(self, x: Shape) -> Shape:
        if self.padding == SAME and not self.count_include_pad:
            raise ShapeError(
                "E0305",
                "`avgpool` with `padding=same` counts what it pads",
                "leave out `count_padding`, or give the padding as a number",
                "count_include_pad",
            )
        return super().infer(x)

    def saves_input(self) -> bool:
        """A mean of everything needs to remember nothing."""
        return self.target != ONE
