"""The weights of a folded network, computed from those of the network before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from resspec.backends.module import build
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.ir.nodes import Op
from resspec.ir.ops.conv import Conv, Linear, Upconv
from resspec.ir.ops.layer import plain
from resspec.ir.ops.norm import BatchNorm
from resspec.passes.folded import Folded, FoldedLayer, FoldedSum, Folding
from resspec.passes.merging import tap_indices

Tensors = Mapping[str, Tensor]


def fold_weights(folding: Folding, weights: Tensors) -> dict[str, Tensor]:
    """Return the weights of a folded network, computed in float64. Needs torch.

    Args:
        folding: The result of `fold`.
        weights: The `state_dict` of the network before.

    Returns:
        The `state_dict` of the folded network, in the dtypes of the given weights.

    Raises:
        UsageError: A tensor is missing.

    Examples:
        >>> network = resspec.load("torchvision/resnet18")
        >>> folding = resspec.fold(network)
        >>> weights = resspec.fold_weights(folding, resspec.build(network).state_dict())
        >>> module = resspec.build(folding.network)
        >>> module.load_state_dict(weights)
        <All keys matched successfully>
    """
    with torch.device("meta"):
        wanted = build(folding.network).state_dict()
    found: dict[str, Tensor] = {}
    try:
        for name, folded in folding.layers.items():
            part = _folded(folded, weights)
            like = _first(folded, weights)
            found[f"{name}.weight"] = part.weight.to(like)
            found[f"{name}.bias"] = part.bias.to(like)
        return {name: found[name] if name in found else weights[name] for name in wanted}
    except KeyError as missing:
        raise UsageError(f"{missing} is missing in the weights to fold") from None


def difference(network: Network, folding: Folding, tensors: Tensors, batch: int = 2) -> float:
    """Return the largest difference of both networks' outputs on random images, as a share of the
    largest output if that is not zero.
    """
    before, after = build(network), build(folding.network)
    before.load_state_dict(dict(tensors))
    after.load_state_dict(fold_weights(folding, tensors))
    images = torch.randn(batch, *network.input.dims, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted, outputs = before.eval()(images), after.eval()(images)
    if isinstance(wanted, Tensor):
        wanted, outputs = {"": wanted}, {"": outputs}
    return max(_distance(outputs[name], wanted[name]) for name in wanted)


def _distance(found: Tensor, wanted: Tensor) -> float:
    largest = float(wanted.abs().max()) or 1.0  # outputs of zeros have no scale of their own
    return float((found - wanted).abs().max()) / largest


def _first(folded: Folded, tensors: Tensors) -> Tensor:
    """Return a tensor that the layers were made of."""
    part = folded[0]
    if isinstance(part, FoldedSum):
        return _first(next(path for path in part.paths if path), tensors)
    kind = "running_mean" if isinstance(part.op.layer, BatchNorm) else "weight"
    return tensors[f"{part.name}.{kind}"]


@dataclass
class _Affine:
    """Layers in a row as one: a weight and a bias; without a contraction, the weight is a factor
    for each channel.
    """

    weight: Tensor
    bias: Tensor
    op: Op | None = None


def _folded(folded: Folded, tensors: Tensors) -> _Affine:
    found: _Affine | None = None
    for part in folded:
        new = _part(part, tensors)
        found = new if found is None else _both(found, new)
    assert found is not None
    return found


def _part(part: FoldedLayer | FoldedSum, tensors: Tensors) -> _Affine:
    if isinstance(part, FoldedSum):
        return _summed(part, tensors)
    if isinstance(part.op.layer, BatchNorm):
        return _normed(part, part.op.layer, tensors)
    weight = tensors[f"{part.name}.weight"].double()
    bias = tensors.get(f"{part.name}.bias", weight.new_zeros(part.op.output.channels))
    return _Affine(weight, bias.double(), part.op)


def _normed(part: FoldedLayer, layer: BatchNorm, tensors: Tensors) -> _Affine:
    mean = tensors[f"{part.name}.running_mean"].double()
    variance = tensors[f"{part.name}.running_var"].double()
    factor = (variance + plain(layer.eps)).rsqrt()
    if not layer.affine:
        return _Affine(factor, -mean * factor)
    factor = factor * tensors[f"{part.name}.weight"].double()
    return _Affine(factor, tensors[f"{part.name}.bias"].double() - mean * factor)


# --- one after the other ---


def _both(first: _Affine, second: _Affine) -> _Affine:
    if second.op is not None:
        return _entered(first, second, second.op)
    bias = first.bias * second.weight + second.bias
    axes = _by_output(second.weight, first)
    return _Affine(first.weight * axes, bias, first.op)


def _by_output(factors: Tensor, of: _Affine) -> Tensor:
    """Return a factor for each output channel as a tensor that a weight can be multiplied with."""
    if of.op is None:
        return factors
    rest = (1,) * (of.weight.ndim - 2)
    if not isinstance(of.op.layer, Upconv):
        return factors.view(-1, 1, *rest)
    inputs, width = of.weight.shape[:2]  # the channels of a group stand in rows of its inputs
    by_group = factors.view(-1, 1, width)
    groups = len(by_group)
    return by_group.expand(groups, inputs // groups, width).reshape(inputs, width, *rest)


def _entered(norm: _Affine, of: _Affine, op: Op) -> _Affine:
    """Return a contraction that does what a batch norm before it did."""
    layer, weight = op.layer, of.weight
    inputs = op.input.channels
    factors, offsets = (
        each.repeat_interleave(inputs // len(each)) for each in (norm.weight, norm.bias)
    )
    if isinstance(layer, Linear):
        return _Affine(weight * factors, of.bias + weight @ offsets, op)
    assert isinstance(layer, Conv)
    channels = _inputs(op)
    bias = (weight.sum((2, 3)) * offsets[channels]).sum(1)
    return _Affine(weight * factors[channels][..., None, None], of.bias + bias, op)


def _inputs(op: Op) -> Tensor:
    """Return which input channels each output channel of a convolution reads."""
    assert isinstance(op.layer, Conv)
    width = op.input.channels // op.layer.groups
    outputs = op.layer.out_channels // op.layer.groups
    groups = torch.arange(op.layer.out_channels) // outputs
    return groups[:, None] * width + torch.arange(width)


# --- side by side ---


def _summed(part: FoldedSum, tensors: Tensors) -> _Affine:
    into = part.op.layer
    assert isinstance(into, Conv)
    shape = into.parameters(part.op.input)["weight"]
    like = _first((part,), tensors)
    weight = like.new_zeros(shape, dtype=torch.double)
    bias = like.new_zeros(into.out_channels, dtype=torch.double)
    for path in part.paths:
        affine = _path(path, part.op, tensors, like)
        _add(weight, affine, part.op)
        bias += affine.bias
    return _Affine(weight, bias, part.op)


def _path(path: Folded, into: Op, tensors: Tensors, like: Tensor) -> _Affine:
    """Return a path of a sum as a convolution: an identity is a 1x1 one of each channel."""
    channels = into.input.channels
    ones = like.new_ones(channels, dtype=torch.double)
    found = _folded(path, tensors) if path else _Affine(ones, torch.zeros_like(ones))
    if found.op is not None:
        return found
    alone = Conv((1, 1), channels, groups=channels)
    op = Op(into.input, into.input, alone)
    return _Affine(found.weight.view(-1, 1, 1, 1), found.bias, op)


def _add(weight: Tensor, path: _Affine, into: Op) -> None:
    assert path.op is not None and isinstance(path.op.layer, Conv) and isinstance(into.layer, Conv)
    rows, columns = (tap_indices(path.op.layer, into.layer, axis) for axis in (0, 1))
    inputs = _inputs(path.op) - _inputs(into)[:, :1]  # within the group
    outputs = torch.arange(len(weight))
    at = (
        outputs[:, None, None, None],
        inputs[:, :, None, None],
        torch.tensor(rows)[:, None],
        torch.tensor(columns),
    )
    weight[at] += path.weight
