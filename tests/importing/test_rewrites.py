"""What networks write as several calls becomes the layers that a spec has for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from resspec.importing.lift.lift import lift
from resspec.importing.record.run import record
from resspec.ir.shape import Shape
from tests.importing.graphs import assert_lifted

SHAPE = Shape((12, 6, 8))


class Function(nn.Module):
    """A module that calls one function, which may use its children and parameters."""

    def __init__(self, function: Callable[[Function, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.conv = nn.Conv2d(12, 12, 1)
        self.narrow = nn.Conv2d(6, 6, 1)
        self.squeeze = nn.Conv2d(12, 12, 1)
        self.row = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.linear = nn.Linear(12, 5)
        self.norm = nn.LayerNorm(12)
        self.own = nn.Parameter(torch.zeros(12))
        self.column = nn.Parameter(torch.zeros(12, 1, 1))
        self.number = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, self.conv(x))


def shuffled(_: Function, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 3, c // 3, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def pixels_to_channels(_: Function, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c, h // 2, 2, w // 2, 2)
    return x.permute(0, 3, 5, 1, 2, 4).reshape(n, c * 4, h // 2, w // 2)


def channels_to_pixels(_: Function, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, c // 4, 2, 2, h, w)
    return x.permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, h * 2, w * 2)


def along_channels(net: Function, x: Tensor) -> Tensor:
    y: Tensor = net.row(x.mean((2, 3)).view(x.shape[0], 1, -1))
    y = y.sigmoid()
    return x * y.view(x.shape[0], -1, 1, 1).expand_as(x)


def selected(net: Function, x: Tensor) -> Tensor:
    """Two values, stacked, weighted by a softmax over both and added."""
    both = torch.stack([x, x.relu()], 1)
    pooled = both.sum(1).mean((2, 3), keepdim=True)
    weights = torch.cat([net.squeeze(pooled), pooled], 1)
    weights = weights.view(x.shape[0], 2, x.shape[1], 1, 1).softmax(1)
    return (both * weights).sum(dim=1)


def radix(net: Function, x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    parts = x.reshape(n, 2, c // 2, h, w)
    pooled = parts.sum(dim=1).mean((2, 3), keepdim=True)
    both = torch.cat([net.narrow(pooled), pooled], 1)
    attention = F.softmax(both.view(n, 1, 2, -1).transpose(1, 2), dim=1).reshape(n, -1)
    return (parts * attention.view(n, 2, c // 2, 1, 1)).sum(dim=1)


def halves(net: Function, x: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=1)
    return torch.cat((net.narrow(first), second), 1)


def thirds(_: Function, x: Tensor) -> Tensor:
    a, b, c = torch.split(x, [2, 4, 6], dim=1)
    return torch.cat([c, b, a], 1)


def normalized(net: Function, x: Tensor) -> Tensor:
    return F.layer_norm(x.permute(0, 2, 3, 1), (12,), net.norm.weight, net.norm.bias, 1e-6).permute(
        0, 3, 1, 2
    )


def last(net: Function, x: Tensor) -> Tensor:
    return F.gelu(net.linear(net.norm(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


def gated(net: Function, x: Tensor) -> Tensor:
    scale = F.adaptive_avg_pool2d(x, 1)
    return F.hardsigmoid(net.squeeze(scale)) * x


def scaled(net: Function, x: Tensor) -> Tensor:
    x = net.column * x + net.own.view(1, -1, 1, 1)
    return (x * 0.5 - x * net.number).pow(2)


CASES = {
    "shuffle": (shuffled, ["conv", "shuffle"]),
    "unshuffle": (pixels_to_channels, ["conv", "pixel_unshuffle", "shuffle"]),
    "pixel shuffle": (channels_to_pixels, ["conv", "pixel_shuffle"]),
    "eca": (along_channels, ["conv", "avgpool", "channel_conv", "sigmoid", "mul"]),
    "selected": (
        selected,
        "conv relu concat chunk chunk add avgpool conv concat softmax mul chunk chunk add".split(),
    ),
    "radix": (
        radix,
        "conv chunk chunk add avgpool conv concat softmax mul chunk chunk add".split(),
    ),
    "halves": (halves, ["conv", "chunk", "chunk", "conv", "concat"]),
    "thirds": (thirds, ["conv", "slice", "slice", "slice", "concat"]),
    "ln2d": (normalized, ["conv", "ln2d"]),
    "no bias": (
        lambda net, x: F.layer_norm(x.mean((2, 3)), (12,), net.norm.weight),
        ["conv", "avgpool", "flatten", "ln"],
    ),
    "last": (last, ["conv", "to_last", "ln", "linear", "gelu", "to_first"]),
    "gated": (gated, ["conv", "avgpool", "conv", "hardsigmoid", "mul"]),
    "scaled": (scaled, "conv gain shift scale gain scale add square".split()),
    "mean": (lambda net, x: net.linear(x.mean([2, 3])), ["conv", "avgpool", "flatten", "fc"]),
    "rows": (lambda _, x: x.mean(3, keepdim=True), ["conv", "avgpool"]),
    "largest": (lambda _, x: x.amax((-2, -1), keepdim=True), ["conv", "maxpool"]),
    "corner": (lambda _, x: x[:, :, ::2, ::2], ["conv", "subsample"]),
    "every other row": (lambda _, x: x[:, 3:, ::2], ["conv", "slice", "subsample"]),
    "part": (lambda _, x: x.view(x.shape[0], 3, 4, *x.shape[2:])[:, 1], ["conv", "chunk"]),
    "border": (lambda _, x: F.pad(x, (1, 2, 0, 1), mode="reflect"), ["conv", "pad"]),
    "channels": (lambda _, x: F.pad(x, (0, 0, 0, 0, 0, 4)), ["conv", "pad_channels"]),
    "enlarged": (
        lambda _, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
        ["conv", "upsample"],
    ),
    "resized": (lambda _, x: F.interpolate(x, (9, 5)), ["conv", "upsample"]),
    "clipped": (lambda _, x: x.clamp(0, 6).clamp_(min=0), ["conv", "relu6", "relu"]),
    "in place": (lambda _, x: F.relu_(x).add_(x), ["conv", "relu", "add"]),
    "nothing": (lambda _, x: F.dropout(x.contiguous(), 0.0, False) * 1, ["conv"]),
}


@pytest.mark.parametrize("case", CASES)
def test_calls_become_layers(case: str) -> None:
    function, kinds = CASES[case]
    module = Function(function)
    graph = lift(record(Function(function), SHAPE), "net")
    does = [step.does for step in graph.steps]
    assert [each if isinstance(each, str) else each.kind for each in does] == kinds
    assert_lifted(module, SHAPE, all_used=False)
