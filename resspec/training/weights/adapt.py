"""Weights adapted to a different number of channels or classes, as in timm."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from torch import Tensor, nn


class Adapted(NamedTuple):
    """The tensors that were changed to fit a network, and those that keep their initial values.

    Attributes:
        tensors: The changed tensors by name.
        fresh: The names of those that keep their initial values.
        sentences: What was done, for the user.
    """

    tensors: dict[str, Tensor]
    fresh: frozenset[str]
    sentences: tuple[str, ...]


def adapted(tensors: dict[str, Tensor], module: nn.Module, *, new_head: bool) -> Adapted:
    """Return weights adapted to a network with a different number of channels or classes.

    Args:
        tensors: The weights by name.
        module: The network.
        new_head: Whether the last layer may have a different number of outputs, and then keeps its
            initial values.
    """
    changed, sentences = dict[str, Tensor](), list[str]()
    wanted = module.state_dict()
    name = first_conv(module)
    if name in tensors and _differ_in(tensors[name], wanted[name], 1):
        have, need = tensors[name].shape[1], wanted[name].shape[1]
        changed[name] = with_channels(tensors[name], need)
        how = "summed" if need == 1 else f"repeated, and scaled by {have}/{need}"
        reads = "1 channel" if need == 1 else f"{need:,} channels"
        sentences.append(f"`{name}` reads {reads}, not {have}: its weights are {how}")

    head = head_of(module)
    found = {name for name in head if name in tensors}
    fresh = {name for name in found if _differ_in(tensors[name], wanted[name], 0)}
    if not new_head or not fresh:
        return Adapted(changed, frozenset(), tuple(sentences))
    one = min(fresh)
    have, need = len(tensors[one]), len(wanted[one])
    last = one.rpartition(".")[0]
    sentences.append(f"`{last}` has {need:,} outputs, not {have:,}: it is initialized at random")
    return Adapted(changed, frozenset(head), tuple(sentences))


def with_channels(weight: Tensor, channels: int) -> Tensor:
    """Return the weight of a convolution for a different number of input channels.

    For one channel, its channels are summed: a grayscale image gives the same output as its RGB
    version. For several, they are repeated, and scaled so that outputs keep their magnitude.

    Args:
        weight: OxIxHxW.
        channels: The new number of input channels.
    """
    have = weight.shape[1]
    exact = weight.float()
    if channels == 1:
        return exact.sum(dim=1, keepdim=True).to(weight.dtype)
    repeated = exact.repeat(1, ceil(channels / have), 1, 1)[:, :channels]
    return (repeated * (have / float(channels))).to(weight.dtype)


def first_conv(module: nn.Module) -> str:
    """Return the name of the weight that reads the image; empty where that is no convolution."""
    for name, part in module.named_modules():
        if any(True for _ in part.parameters(recurse=False)):
            is_plain = isinstance(part, nn.Conv2d) and part.groups == 1
            return f"{name}.weight" if is_plain else ""
    return ""


def head_of(module: nn.Module) -> set[str]:
    """Return the names of the tensors of the last layer that has tensors."""
    names = list(module.state_dict())
    last = names[-1].rpartition(".")[0]
    return {name for name in names if name.rpartition(".")[0] == last}


def _differ_in(a: Tensor, b: Tensor, axis: int) -> bool:
    """Return whether two shapes differ along one axis, and nowhere else."""
    differing = [i for i, (x, y) in enumerate(zip(a.shape, b.shape, strict=False)) if x != y]
    return a.dim() == b.dim() and differing == [axis]
