"""Random layers that torch has no module for, or that are rare, each as a function on torch."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.naive_steps import Refused, Step, Value, built, joined, picture

LARGE = 20  # pixels of a side: such an image grows no more


def resizing(random: Random, x: Value) -> Step:
    """A step that gives an image another size."""
    choose = random.choice
    is_large = max(x.tensor.shape[2:], default=0) > LARGE
    factor, side = 1 if is_large else choose([1, 2, 3]), choose([1, 4, 9])
    left, right, top, bottom = (choose([0, 0, 1, 2, 6]) for _ in range(4))
    border = (left, right, top, bottom)
    mode = choose(["reflect", "replicate"])
    return choose(
        [
            Step(
                f"upsample {factor}",
                built(lambda _: lambda t: nn.Upsample(scale_factor=factor)(picture(t))),
            ),
            Step(
                f"upsample size={side}, mode=bilinear",
                built(lambda _: lambda t: nn.Upsample((side, side), mode="bilinear")(picture(t))),
            ),
            Step(f"pixel_shuffle {factor}", built(lambda _: nn.PixelShuffle(factor))),
            Step(f"pixel_unshuffle {factor}", built(lambda _: nn.PixelUnshuffle(factor))),
            Step(
                f"pad {left}, {right}, {top}, {bottom}",
                built(lambda _: lambda t: functional.pad(picture(t), border)),
            ),
            Step(
                f"pad {left}, {right}, {top}, {bottom}, mode={mode}",
                built(lambda _: lambda t: functional.pad(picture(t), border, mode)),
            ),
        ]
    )


def normalizing(random: Random, x: Value) -> Step:
    """A norm, or another layer that keeps the shape."""
    del x
    parts, groups, size = random.choice([1, 2, 3]), random.choice([1, 2, 3]), random.choice([1, 3])
    return random.choice(
        [
            Step("rms_norm", built(_kept, reads_any=True)),
            Step("simple_norm", built(_deviating, reads_any=True)),
            Step("ln2d", built(lambda _: picture)),
            Step(f"evonorm_s0 {groups}", built(lambda _: lambda t: _grouped(t, groups))),
            Step(f"lrn {size}", built(lambda _: nn.LocalResponseNorm(size))),
            Step("softmax", built(_kept, reads_any=True)),
            Step(f"softmax parts={parts}", built(lambda _: lambda t: _parted(t, parts))),
            Step("scale 0.5", built(_kept, reads_any=True)),
            Step("square", built(_kept, reads_any=True)),
            Step("relu6", built(_kept, reads_any=True)),
            Step("hardsigmoid", built(_kept, reads_any=True)),
            Step("drop_path 0.1", built(_kept, reads_any=True)),
        ]
    )


def convolving(random: Random, x: Value) -> Step:
    """A convolution that is more than torch's own, or a window padded as in TensorFlow."""
    del x
    choose = random.choice
    out, size, stride, groups = choose([2, 4, 6]), choose([1, 2, 3]), choose([1, 2]), choose([1, 2])
    kind = choose(["std_conv", "scaled_std_conv"])

    def conv(x: Value) -> nn.Module:
        padding = size // 2 if size % 2 else 0
        return nn.Conv2d(x.channels, out, size, stride, padding, groups=groups)

    def same(t: Tensor) -> Tensor:
        return picture(t)[:, :, ::stride, ::stride]

    return choose(
        [
            Step(f"{{ {kind} {size}x{size}, {out}, /{stride}, groups={groups} }}", built(conv)),
            Step(f"{{ maxpool {size}x{size}, /{stride}, padding=same }}", built(lambda _: same)),
            Step(f"{{ avgpool {size}x{size}, /{stride}, padding=same }}", built(lambda _: same)),
            Step("context_pool", built(lambda _: _mean)),
            joined([Step("avgpool", built(lambda _: _mean)), Step("channel_conv 3", built(_kept))]),
        ]
    )


def _kept(x: Value) -> nn.Module:
    del x
    return nn.Identity()


def _deviating(x: Value) -> nn.Module:
    if x.channels == 1:
        raise Refused("one channel has no deviation")
    return nn.Identity()


def _mean(t: Tensor) -> Tensor:
    return picture(t).mean((2, 3), keepdim=True)


def _grouped(t: Tensor, groups: int) -> Tensor:
    if picture(t).shape[1] % groups:
        raise Refused("groups that are not equal")
    return t


def _parted(t: Tensor, parts: int) -> Tensor:
    if t.shape[1] % parts:
        raise Refused("parts that are not equal")
    return torch.stack(t.tensor_split(parts, 1)).softmax(0).transpose(0, 1).reshape(t.shape)
