"""What flows through the depth of a network, forward and backward: by block the activations and the gradient, by layer the
responses of Figure 7 of He et al. 2015."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
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
    """`mean` and `spread`, the standard deviation, are of the block's output; `gradient` is the norm of that of the loss, the
    mean over the batch, at its input."""

    path: str
    mean: float
    spread: float
    gradient: float


class Response(NamedTuple):
    """`spread`: the standard deviation of what a layer of weights leaves, after its norm, before activation and sum."""

    path: str
    spread: float


class Probed(NamedTuple):
    """A network's blocks and layers in the order in which they run, and the seed equation on each run of x + F(x)."""

    name: str
    blocks: list[BlockSignal]
    responses: list[Response]
    checked: list[Checked]


def probe(
    name: str, network: Network, module: nn.Module, images: Tensor, labels: Tensor, few: int = 4
) -> Probed:
    """In training mode, batch norm with the statistics of the batch, without dropout. The equation is checked on the first
    `few` images; the module is changed: its running statistics, then its type, to float64."""
    paths = blocks(network)
    found, responses = measured(module, paths, images, labels)
    checked = seed.check(module, paths, images[:few], lambda scores: _loss(scores, labels[:few]))
    return Probed(name, found, responses, checked)


def blocks(network: Network) -> list[str]:
    """The paths, as modules have them, of the outermost scopes that came from a block, in a row from input to output; where a
    network has none, of its convolutions."""
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
            case Op(layer=layer) if step.name and layer.kind == wanted:
                yield here
            case _:
                pass


def measured(
    module: nn.Module, paths: Sequence[str], images: Tensor, labels: Tensor
) -> tuple[list[BlockSignal], list[Response]]:
    """One pass forward and one back. What is told of a tensor is told when it is made: it may be written over later."""
    seed.deterministic(module)
    outputs: dict[str, tuple[float, float]] = {}
    gradients: dict[str, float] = {}
    responses = _Responses(module)

    def entered(path: str) -> Callable[..., None]:
        def hook(_: nn.Module, inputs: tuple[Tensor]) -> None:
            inputs[0].register_hook(
                lambda gradient: gradients.__setitem__(path, float(gradient.norm()))
            )

        return hook

    def left(path: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            spread, mean = torch.std_mean(output.detach())
            outputs[path] = float(mean), float(spread)

        return hook

    with ExitStack() as hooks:
        for path in paths:
            child = module.get_submodule(path)
            hooks.callback(child.register_forward_pre_hook(entered(path)).remove)
            hooks.callback(child.register_forward_hook(left(path)).remove)
        hooks.callback(responses.remove)
        _loss(module(images.clone().requires_grad_().clone()), labels).backward()
    module.zero_grad()
    return [BlockSignal(path, *outputs[path], gradients[path]) for path in paths], responses.found()


class _Responses:
    """Of each convolution, in the order in which they run: what its norm leaves where one reads it, otherwise its own."""

    def __init__(self, module: nn.Module) -> None:
        self._spreads: dict[str, float] = {}
        self._last: tuple[str, Tensor] | None = None
        self._hooks = []
        for path, child in module.named_modules():
            if isinstance(child, CONTRACTIONS):
                self._hooks.append(child.register_forward_hook(self._convolved(path)))
            elif isinstance(child, NORMS):
                self._hooks.append(child.register_forward_hook(self._normed))

    def remove(self) -> None:
        for hook in self._hooks:
            hook.remove()

    def found(self) -> list[Response]:
        return [Response(*each) for each in self._spreads.items()]

    def _convolved(self, path: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: Any, output: Tensor) -> None:
            self._spreads[path] = float(output.detach().std())
            self._last = path, output

        return hook

    def _normed(self, _: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if self._last and inputs[0] is self._last[1]:
            self._spreads[self._last[0]] = float(output.detach().std())
        self._last = None


def _loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy."""
    return nn.functional.cross_entropy(scores.flatten(1), labels)
