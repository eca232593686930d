"""Signals through the depth of a network, forward and backward.

Of each block the activations and the gradient, of each layer the responses, as in Figure 7 of He
et al. 2015.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Scope
from resspec.study import seed
from resspec.study.seed import Checked

NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
CONTRACTIONS = (nn.Conv2d, nn.ConvTranspose2d)


class BlockSignal(NamedTuple):
    """The signal of one block.

    Attributes:
        path: The block's path.
        mean: Of its output.
        spread: The standard deviation of its output.
        gradient: The norm of the gradient of the loss, the mean over the batch, at its input.
    """

    path: str
    mean: float
    spread: float
    gradient: float


class Response(NamedTuple):
    """The standard deviation of a convolution's output after its norm, before the activation."""

    path: str
    spread: float


class Probed(NamedTuple):
    """A network's blocks and layers in the order in which they run.

    Attributes:
        checked: The seed equation on each run of blocks that are x + F(x).
    """

    name: str
    blocks: list[BlockSignal]
    responses: list[Response]
    checked: list[Checked]


def probe(
    name: str, network: Network, module: nn.Module, images: Tensor, labels: Tensor, few: int = 4
) -> Probed:
    """Probe a network in training mode without dropout, with batch norm using batch statistics.

    The module is changed: its running statistics, then its type, to float64.

    Args:
        name: The name of the network.
        network: The network.
        module: The module that was built of it.
        images: A batch of images.
        labels: Their labels.
        few: How many of the images the seed equation is checked on.
    """
    paths = blocks(network)
    found, responses = measured(module, paths, images, labels)
    checked = seed.check(module, paths, images[:few], lambda scores: _loss(scores, labels[:few]))
    return Probed(name, found, responses, checked)


def blocks(network: Network) -> list[str]:
    """Return the paths of the outermost blocks in a row from input to output.

    A network that has none is probed at its convolutions.
    """
    body = walk.whole(network)
    return list(_trunk(body, "", wanted="block")) or list(_trunk(body, "", wanted="conv"))


def _trunk(located: Located, path: str, wanted: str) -> Iterator[str]:
    for step in walk.unrolled(located):
        here = f"{path}{step.name}"
        match step.node:
            case Scope():
                if wanted == "block" and step.located.block:
                    yield here
                else:
                    yield from _trunk(step.located.body, f"{here}.", wanted)
            case Op(kind=kind) if step.name and kind == wanted:
                yield here


def measured(
    module: nn.Module, paths: Sequence[str], images: Tensor, labels: Tensor
) -> tuple[list[BlockSignal], list[Response]]:
    """Return the signals of one pass forward and one back.

    A tensor is measured when it is made, since it may be written over later.
    """
    seed.deterministic(module)
    outputs: dict[str, tuple[float, float]] = {}
    gradients: dict[str, float] = {}

    def entered(path: str, _: nn.Module, inputs: tuple[Tensor]) -> None:
        def hook(gradient: Tensor) -> None:
            gradients[path] = float(gradient.norm())

        inputs[0].register_hook(hook)

    def left(path: str, _: nn.Module, __: Any, output: Tensor) -> None:
        spread, mean = torch.std_mean(output.detach())
        outputs[path] = float(mean), float(spread)

    with ExitStack() as hooks:
        for path in paths:
            child = module.get_submodule(path)
            hooks.callback(child.register_forward_pre_hook(partial(entered, path)).remove)
            hooks.callback(child.register_forward_hook(partial(left, path)).remove)
        responses = _Responses(module, hooks)
        _loss(module(images.clone().requires_grad_().clone()), labels).backward()
    module.zero_grad()
    signals = [BlockSignal(path, *outputs[path], gradients[path]) for path in paths]
    return signals, [Response(*each) for each in responses.spreads.items()]


class _Responses:
    """The spread of each convolution's output, or of that of its norm, in the order they run."""

    def __init__(self, module: nn.Module, hooks: ExitStack) -> None:
        self.spreads: dict[str, float] = {}
        self._last: tuple[str, Tensor] | None = None
        for path, child in module.named_modules():
            if isinstance(child, CONTRACTIONS):
                hook = child.register_forward_hook(partial(self._convolved, path))
                hooks.callback(hook.remove)
            elif isinstance(child, NORMS):
                hooks.callback(child.register_forward_hook(self._normed).remove)

    def _convolved(self, path: str, _: nn.Module, __: Any, output: Tensor) -> None:
        self.spreads[path] = float(output.detach().std())
        self._last = path, output

    def _normed(self, _: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if self._last and inputs[0] is self._last[1]:
            self.spreads[self._last[0]] = float(output.detach().std())
        self._last = None


def _loss(scores: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(scores.flatten(1), labels)
