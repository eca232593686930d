"""The module and the network's module, each with the same random values, and what they compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.ir.network import Network

SEED = 0


def built(network: Network) -> nn.Module:
    """Return the network's module with arbitrary values: initializing it would double the time.

    Buffers that no state dict holds, such as the filter of `blurpool`, keep their own.
    """
    with torch.device("meta"):
        module = build(network)
    kept = module.state_dict()
    if any(name not in kept for name, _ in module.named_buffers()):
        return build(network)
    return module.to_empty(device="cpu")


def outputs_of(module: nn.Module, x: Tensor) -> list[Tensor]:
    module.eval()
    with torch.no_grad():
        return list(_tensors(module(x.clone())))


def training_step(module: nn.Module, x: Tensor, chosen: Sequence[int]) -> dict[str, Tensor]:
    """Return the gradients of a training step, and the buffers of the state dict after it, by name.

    Args:
        module: The module, with its parameters.
        x: A batch of images.
        chosen: The outputs that contribute to the loss.
    """
    module.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        outputs = list(_tensors(module(x.clone())))
    loss = torch.zeros(())
    for place, i in enumerate(chosen):
        weights = torch.randn(outputs[i].shape, generator=generator(f"output {place}"))
        loss = loss + (outputs[i] * weights).sum()
    loss.backward()
    kept = module.state_dict()
    found = {name: buffer for name, buffer in module.named_buffers() if name in kept}
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            found[name] = parameter.grad
    return found


def _tensors(value: object) -> Iterator[Tensor]:
    """Yield the tensors that a module returned: one, or those of lists, tuples and dicts."""
    match value:
        case Tensor():
            yield value
        case dict():
            for each in value.values():
                yield from _tensors(each)
        case list() | tuple():
            for each in value:
                yield from _tensors(each)


@torch.no_grad()
def randomized(module: nn.Module) -> nn.Module:
    """Give each parameter and buffer of a state dict random values, which depend on its name."""
    tensors = module.state_dict()
    shared = {tensor.data_ptr(): name for name, tensor in reversed(tensors.items())}
    for name, tensor in tensors.items():
        if tensor.numel() and shared[tensor.data_ptr()] != name:
            continue  # it has the values of its first name
        if tensor.is_floating_point():
            _randomize(name, tensor)
        elif name.endswith("num_batches_tracked"):
            tensor.zero_()
    return module


def _randomize(name: str, tensor: Tensor) -> None:
    random, kind = generator(name), name.rpartition(".")[2]
    if kind == "running_var":
        tensor.uniform_(0.5, 1.5, generator=random)
    elif tensor.dim() < 2:
        tensor.normal_(1.0 if kind == "weight" else 0.0, 0.1, generator=random)
    else:
        inputs = tensor.numel() // tensor.shape[0]
        tensor.normal_(0.0, 1 / math.sqrt(inputs), generator=random)


def generator(name: str) -> torch.Generator:
    return torch.Generator().manual_seed(crc32(name.encode()))


def first_difference(theirs: nn.Module, ours: nn.Module, x: Tensor) -> str:
    """Return the first module whose outputs differ between both sides."""
    expected, found = _trace(theirs, x), _trace(ours, x)
    for name, value in expected.items():
        other = found.get(name)
        if other is not None and other.shape == value.shape and not torch.equal(value, other):
            return name
    return ""


def _trace(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Return what each module returned last, by its name, in the order of their calls."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(child: nn.Module, inputs: Any, output: Any) -> None:
            del child, inputs
            if isinstance(output, Tensor):
                found[name] = output.clone()

        return hook

    for name, child in module.named_modules():
        if name:
            child.register_forward_hook(keep(name))
    outputs_of(module, x)
    return found
