"""Layers that torch.nn lacks. Each class is independent, so that emitted source can include it."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class LayerNorm2d(nn.LayerNorm):
    """Layer normalization over the channels of each pixel of NCHW."""

    def __init__(self, channels: int, eps: float = 1e-6, bias: bool = True) -> None:
        super().__init__(channels, eps, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class DropPath(nn.Module):
    """Stochastic depth: zero samples with probability p, and scale the others by 1 / (1 - p)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_ones(x.shape[0], *(1,) * (x.dim() - 1))
        return x * F.dropout(kept, self.p)

    def extra_repr(self) -> str:
        return f"p={self.p:g}"


class LayerScale(nn.Module):
    """A learnable factor for each channel, which `spatial` axes follow."""

    def __init__(self, channels: int, init_value: float, spatial: int = 0) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), init_value))
        self.shape = (channels,) + (1,) * spatial

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma.view(self.shape)


class Subsample(nn.Module):
    """Every `stride`-th pixel of NCHW."""

    def __init__(self, stride: int | tuple[int, int]) -> None:
        super().__init__()
        self.stride = (stride, stride) if isinstance(stride, int) else stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride[0], :: self.stride[1]]

    def extra_repr(self) -> str:
        return f"stride={self.stride}"


class PadChannels(nn.Module):
    """Adds `amount` channels of zeros after those of NCHW."""

    def __init__(self, amount: int) -> None:
        super().__init__()
        self.amount = amount

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 0, 0, 0, self.amount))

    def extra_repr(self) -> str:
        return f"amount={self.amount}"


class Slice(nn.Module):
    """The entries from `start` up to, not including, `stop` along one axis."""

    def __init__(self, start: int, stop: int, dim: int = 1) -> None:
        super().__init__()
        self.start, self.stop, self.dim = start, stop, dim

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.stop - self.start)

    def extra_repr(self) -> str:
        return f"{self.start}, {self.stop}, dim={self.dim}"


class ToLast(nn.Module):
    """NCHW to NHWC."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1)


class ToFirst(nn.Module):
    """NHWC to NCHW."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


class Square(nn.Module):
    """x * x."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.square(x)


class Scale(nn.Module):
    """A constant factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor

    def extra_repr(self) -> str:
        return f"{self.factor:g}"


Sides = int | tuple[int, int]


class Conv2dSame(nn.Conv2d):
    """A convolution that pads as TensorFlow does: by the size of its input."""

    def forward(self, x: Tensor) -> Tensor:
        x = pad_same(x, self.kernel_size, self.stride, self.dilation)
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class StdConv2d(nn.Conv2d):
    """A convolution with a standardized weight: mean 0 and variance 1 for each output channel.
    `same`: it pads as TensorFlow does.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sides,
        stride: Sides = 1,
        padding: Sides = 0,
        dilation: Sides = 1,
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-6,
        same: bool = False,
    ) -> None:
        window = kernel_size, stride, padding, dilation
        super().__init__(in_channels, out_channels, *window, groups, bias)
        self.eps = eps
        self.same = same

    def forward(self, x: Tensor) -> Tensor:
        if self.same:
            x = pad_same(x, self.kernel_size, self.stride, self.dilation)
        weight = standardized(self.weight, None, self.eps)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class ScaledStdConv2d(nn.Conv2d):
    """A convolution with a standardized weight, scaled for each output channel by a learned gain
    and by `gamma / sqrt(fan_in)`. `same`: it pads as TensorFlow does.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sides,
        stride: Sides = 1,
        padding: Sides = 0,
        dilation: Sides = 1,
        groups: int = 1,
        bias: bool = True,
        gamma: float = 1.0,
        eps: float = 1e-6,
        gain_init: float = 1.0,
        same: bool = False,
    ) -> None:
        window = kernel_size, stride, padding, dilation
        super().__init__(in_channels, out_channels, *window, groups, bias)
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps
        self.same = same
        self.gain = nn.Parameter(torch.full((out_channels, 1, 1, 1), gain_init))

    def forward(self, x: Tensor) -> Tensor:
        if self.same:
            x = pad_same(x, self.kernel_size, self.stride, self.dilation)
        weight = standardized(self.weight, (self.gain * self.scale).view(-1), self.eps)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def standardized(weight: Tensor, scales: Tensor | None, eps: float) -> Tensor:
    """Return a weight with mean 0, and variance 1 or these scales, for each output channel."""
    rows = weight.reshape(1, len(weight), -1)
    rows = F.batch_norm(rows, None, None, scales, training=True, momentum=0.0, eps=eps)
    return rows.reshape_as(weight)


class MaxPool2dSame(nn.MaxPool2d):
    """A max pool that pads as TensorFlow does, with negative infinity."""

    def forward(self, x: Tensor) -> Tensor:
        x = pad_same(x, self.kernel_size, self.stride, self.dilation, float("-inf"))
        result: Tensor = super().forward(x)
        return result


class AvgPool2dSame(nn.AvgPool2d):
    """An average pool that pads as TensorFlow does, but counts the padding."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(pad_same(x, self.kernel_size, self.stride))


def pad_same(
    x: Tensor,
    kernel: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    value: float = 0,
) -> Tensor:
    """Pad height and width so that every `stride`-th pixel has a window."""
    border: list[int] = []
    for axis in (1, 0):
        k, s, d = (n if isinstance(n, int) else n[axis] for n in (kernel, stride, dilation))
        size = x.shape[2 + axis]
        amount = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        border += [amount // 2, amount - amount // 2]
    return F.pad(x, border, value=value)


class ChannelConv(nn.Conv1d):
    """A 1D convolution across the channels of an NxCx1x1 tensor."""

    def __init__(self, kernel_size: int, bias: bool = False) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        y = super().forward(x.reshape(-1, 1, channels))
        return y.reshape(-1, channels, 1, 1)


class PartSoftmax(nn.Module):
    """A softmax over the channels at the same position in each of several equal parts."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        parts = x.unflatten(1, (self.parts, -1))
        return torch.softmax(parts, 1).flatten(1, 2)

    def extra_repr(self) -> str:
        return f"{self.parts}"


class RmsNorm(nn.Module):
    """The channels over their root mean square; `spatial` axes follow the channels, or none."""

    def __init__(
        self, channels: int, eps: float = 1e-6, affine: bool = True, spatial: int = 0
    ) -> None:
        super().__init__()
        self.eps = eps
        self.dim = 1 if spatial else -1
        self.shape = (channels,) + (1,) * spatial
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        x = x * torch.rsqrt(torch.mean(x.pow(2), self.dim, keepdim=True) + self.eps)
        return x if self.weight is None else x * self.weight.view(self.shape)

    def extra_repr(self) -> str:
        return f"{self.shape[0]}, eps={self.eps}"


class SimpleNorm(nn.Module):
    """The channels over their standard deviation; `spatial` axes follow the channels, or none."""

    def __init__(
        self, channels: int, eps: float = 1e-6, affine: bool = True, spatial: int = 0
    ) -> None:
        super().__init__()
        self.eps = eps
        self.dim = 1 if spatial else -1
        self.shape = (channels,) + (1,) * spatial
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        x = x * torch.rsqrt(torch.var(x, self.dim, keepdim=True) + self.eps)
        return x if self.weight is None else x * self.weight.view(self.shape)

    def extra_repr(self) -> str:
        return f"{self.shape[0]}, eps={self.eps}"


class GlobalResponseNorm(nn.Module):
    """Channels that compete by their norms over the whole picture."""

    def __init__(self, channels: int, eps: float = 1e-6, channels_last: bool = False) -> None:
        super().__init__()
        self.eps = eps
        self.pixels, self.dim = ((1, 2), -1) if channels_last else ((2, 3), 1)
        self.shape = (channels,) if channels_last else (channels, 1, 1)
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.view(1, *self.shape), self.bias.view(1, *self.shape)
        return x + torch.addcmul(bias, weight, x * self.response(x))

    def response(self, x: Tensor) -> Tensor:
        norms: Tensor = torch.linalg.vector_norm(x, 2, self.pixels, keepdim=True)
        return norms / (norms.mean(self.dim, keepdim=True) + self.eps)

    def extra_repr(self) -> str:
        return f"{self.shape[0]}, eps={self.eps}"


class EvoNorm2dS0(nn.Module):
    """A norm by the standard deviation of groups of channels and an activation in one."""

    def __init__(self, num_features: int, groups: int = 32, eps: float = 1e-5) -> None:
        super().__init__()
        self.groups, self.eps = groups, eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.v = nn.Parameter(torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x * torch.sigmoid(x * self.v.view(-1, 1, 1))
        y = y.unflatten(1, (self.groups, -1)) / self.deviation(x)
        y = y.flatten(1, 2) * self.weight.view(-1, 1, 1)
        return y + self.bias.view(-1, 1, 1)

    def deviation(self, x: Tensor) -> Tensor:
        groups = x.unflatten(1, (self.groups, -1))
        return torch.sqrt(groups.var((2, 3, 4), unbiased=False, keepdim=True) + self.eps)

    def extra_repr(self) -> str:
        return f"groups={self.groups}, eps={self.eps}"


class BlurPool2d(nn.Module):
    """A blur by a binomial filter, which is no parameter, at each `stride`-th pixel of NCHW."""

    filter: Tensor

    def __init__(
        self, channels: int, kernel_size: int = 3, stride: Sides = 1, mode: str = "reflect"
    ) -> None:
        super().__init__()
        self.stride = (stride, stride) if isinstance(stride, int) else stride
        self.mode = mode
        row = torch.ones(1)
        while len(row) < kernel_size:
            row = F.pad(row, (1, 0)) + F.pad(row, (0, 1))
        row = row / row.sum()
        square = row[:, None] * row
        self.register_buffer("filter", square.repeat(channels, 1, 1, 1), persistent=False)
        rows, columns = ((step + kernel_size - 2) // 2 for step in self.stride)
        self.border = (columns, columns, rows, rows)

    def forward(self, x: Tensor) -> Tensor:
        if self.border != (0, 0, 0, 0):
            x = F.pad(x, self.border, "reflect" if self.mode == "reflect" else "constant")
        return F.conv2d(x, self.filter, stride=self.stride, groups=len(self.filter))

    def extra_repr(self) -> str:
        return f"{self.filter.shape[-1]}, stride={self.stride}"


class ContextPool(nn.Conv2d):
    """The mean of all pixels of NCHW, weighted by a softmax of what a convolution makes of each."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        shares = torch.softmax(super().forward(x).flatten(2), -1)
        return torch.matmul(x.flatten(2), shares.transpose(1, 2)).unsqueeze(3)
