"""Random layers as steps: their text, and the torch modules that they stand for."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from torch import nn

from tests.naive_steps import (
    Refused,
    Step,
    Trace,
    Value,
    built,
    part,
    picture,
    row,
    widened,
)

ACTIVATIONS = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "hardswish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "mish": nn.Mish,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "celu": nn.CELU,
    "prelu": nn.PReLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
}


class LayerSteps:
    """The steps of one layer each; `x` is the value that enters."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def size(self) -> tuple[str, tuple[int, int]]:
        height = self.random.choice([1, 1, 2, 3, 3, 3, 5, 7])
        width = height if self.random.random() < 0.8 else self.random.choice([1, 2, 3])
        return (
            str(height) if height == width and self.random.random() < 0.3 else f"{height}x{width}"
        ), (height, width)

    def conv(self, x: Value, depth: int, width: str | None = None) -> Step:
        del depth
        choose = self.random.choice
        shown, size = self.size()
        out, stride, dilation = (
            choose([2, 4, 6, 8]),
            choose([1, 1, 1, 2, 3]),
            choose([1, 1, 1, 1, 2, 3]),
        )
        groups = choose([1, 1, 1, 2, 3, x.channels])
        padding = choose([None, None, None, 0, 1, 2])
        if choose([True, *[False] * 9]):
            return self.upconv(shown, size, out, stride, padding, groups)
        given = f"conv {shown}, {width or out}" + f", padding={padding}" * (padding is not None)
        given += f", dilation={dilation}" * (dilation > 1) + f", groups={groups}" * (groups > 1)
        padded = _padded(size, padding, dilation)

        def module(stride: int) -> Callable[[Value], nn.Module]:
            return lambda x: nn.Conv2d(x.channels, out, size, stride, padded, dilation, groups)

        return Step(given + f", /{stride}" * (stride > 1), built(module(stride)), built(module(1)))

    def upconv(
        self,
        shown: str,
        size: tuple[int, int],
        out: int,
        stride: int,
        padding: int | None,
        groups: int,
    ) -> Step:
        more = self.random.choice([0, 0, 1])
        given = (
            f"upconv {shown}, {out}, /{stride}, output_padding={more}"
            + f", padding={padding}" * (padding is not None)
        )
        padded = _padded(size, padding, 1)

        def module(x: Value) -> nn.Module:
            if more >= stride:
                raise Refused("torch finds this where it computes, not on meta")
            return nn.ConvTranspose2d(x.channels, out, size, stride, padded, more, groups)

        return Step("{ " + given + f", groups={groups}" + " }", built(module))

    def window(self, x: Value, depth: int) -> Step:
        del x, depth
        choose = self.random.choice
        shown, size = self.size()
        kind, stride, ceil = (
            choose(["maxpool", "avgpool"]),
            choose([1, 2, 2, 3]),
            choose([False, True]),
        )
        padding = choose([None, None, 0, 1, 2])
        dilation = choose([1, 1, 2]) if kind == "maxpool" else 1
        padded = _padded(size, padding, dilation)
        given = (
            f"{kind} {shown}"
            + f", padding={padding}" * (padding is not None)
            + ", ceil=true" * ceil
        )
        given += f", dilation={dilation}" * (dilation > 1)

        def module(stride: int) -> Callable[[Value], nn.Module]:
            if kind == "maxpool":
                return lambda _: nn.MaxPool2d(size, stride, padded, dilation, ceil_mode=ceil)
            return lambda _: nn.AvgPool2d(size, stride, padded, ceil_mode=ceil)

        return Step(given + f", /{stride}" * (stride > 1), built(module(stride)), built(module(1)))

    def pool(self, x: Value, depth: int) -> Step:
        del x, depth
        kind, to = self.random.choice(["avg", "max"]), self.random.choice([None, 1, 2, 7])
        module = nn.AdaptiveAvgPool2d if kind == "avg" else nn.AdaptiveMaxPool2d
        return Step(
            f"{kind}pool" + f" to={to}x{to}" * (to is not None),
            built(lambda _: lambda t: module(to or 1)(picture(t))),
        )

    def norm(self, x: Value, depth: int) -> Step:
        del x, depth
        groups = self.random.choice([1, 2, 3, 4])
        return self.random.choice(
            [
                Step(
                    "bn",
                    built(
                        lambda x: (nn.BatchNorm1d if x.tensor.dim() == 2 else nn.BatchNorm2d)(
                            x.channels
                        )
                    ),
                ),
                Step(f"gn {groups}", built(lambda x: nn.GroupNorm(groups, x.channels))),
            ]
        )

    def activation(self, x: Value, depth: int) -> Step:
        del x, depth
        name = self.random.choice([*ACTIVATIONS])
        return Step(name, built(lambda _: ACTIVATIONS[name](), reads_any=True))

    def fc(self, x: Value, depth: int) -> Step:
        del x, depth
        out = self.random.choice([2, 10])

        def run(x: Value, trace: Trace) -> Value:
            flat = nn.Flatten()(x.tensor)
            return built(lambda x: nn.Linear(x.channels, out))(Value(flat), trace)

        return Step(f"fc {out}", run)

    def arrange(self, x: Value, depth: int) -> Step:
        del depth
        choose = self.random.choice
        groups, first, last, out = (
            choose([1, 2, 3]),
            choose([0, 1, 3]),
            choose([1, 2, 4, x.channels]),
            choose([4, 6, 8]),
        )
        return choose(
            [
                Step(f"shuffle {groups}", built(lambda _: nn.ChannelShuffle(groups))),
                Step(
                    f"slice {first}, {last}",
                    built(
                        lambda x: lambda t: t.narrow(-1 if x.last else 1, first, last - first),
                        reads_any=True,
                    ),
                ),
                Step(
                    f"chunk {groups}, {first}",
                    built(
                        lambda x: lambda t: part(t, groups, first, -1 if x.last else 1),
                        reads_any=True,
                    ),
                ),
                Step(f"pad_channels {out}", built(lambda _: lambda t: widened(t, out))),
                Step("{ subsample /2 }", built(lambda _: lambda t: picture(t)[:, :, ::2, ::2])),
                Step("dropout 0.5", built(lambda _: nn.Dropout(), reads_any=True)),
            ]
        )

    def rare(self, x: Value, depth: int) -> Step:
        """What mostly stands in the wrong place."""
        return self.random.choice(
            [
                Step("flatten", built(lambda _: nn.Flatten(), reads_any=True, gives_last=False)),
                Step(
                    "to_last", built(lambda _: lambda t: picture(t).movedim(1, -1), gives_last=True)
                ),
                Step(
                    "to_first",
                    built(
                        lambda _: lambda t: picture(t).movedim(-1, 1),
                        reads_last=True,
                        gives_last=False,
                    ),
                ),
                Step("linear 4", built(lambda x: nn.Linear(x.channels, 4), reads_last=True)),
                Step("ln", built(lambda x: nn.LayerNorm(x.channels), reads_last=True)),
                self.pool(x, depth),
                self.conv(x, depth),
            ]
        )

    def mixer(self, x: Value, depth: int) -> Step:
        """A pixel's channels, as ConvNeXt mixes them."""
        del depth
        out = self.random.choice([4, x.channels])
        inside = [
            Step("to_last", built(lambda _: lambda t: picture(t).movedim(1, -1), gives_last=True)),
            Step(f"linear {out}", built(lambda x: nn.Linear(x.channels, out), reads_last=True)),
            Step("ln", built(lambda x: nn.LayerNorm(x.channels), reads_last=True)),
            Step(
                "to_first",
                built(
                    lambda _: lambda t: picture(t).movedim(-1, 1), reads_last=True, gives_last=False
                ),
            ),
        ]
        return row(inside)


def _padded(size: tuple[int, int], padding: int | None, dilation: int) -> tuple[int, int]:
    """What is not given keeps the size where a window is odd."""
    if padding is not None:
        return padding, padding
    height, width = (dilation * (k // 2) * (k % 2) for k in size)
    return height, width
