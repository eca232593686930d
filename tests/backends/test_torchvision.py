"""Modules equal torchvision's own bit for bit.

They have the same names, initial weights, outputs and gradients, and run the same operations in the
same order.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from resspec.backends.module import build
from resspec.compiler import load
from tests.specs.references import SMALL, torchvisions

BATCH = 2


def pair(spec: str) -> tuple[nn.Module, nn.Module]:
    """Return our module and torchvision's, each from the same seed."""
    network = load(spec)
    torch.manual_seed(0)
    ours = build(network)
    torch.manual_seed(0)
    return ours, torchvisions(spec)


def picture(spec: str) -> Tensor:
    side = 32 if "vgg" in spec else 75 if "inception" in spec else 64
    return torch.randn(BATCH, 3, side, side)


class Recorder(TorchDispatchMode):
    """A mode that notes the names of all aten operations that run."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        self.operations.append(str(func))
        return func(*args, **kwargs or {})


def training_step(module: nn.Module, x: Tensor) -> tuple[list[str], list[str]]:
    """Return the operations of a forward and a backward pass, which leaves the gradients."""
    torch.manual_seed(1)
    with Recorder() as forward:
        loss = cross_entropy(module(x), torch.arange(BATCH))
    with Recorder() as backward:
        loss.backward()
    return forward.operations, backward.operations


def differing(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> list[str]:
    assert list(ours) == list(theirs)
    return [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])]


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {
        name: parameter.grad
        for name, parameter in module.named_parameters()
        if parameter.grad is not None
    }


# tests/campaign takes these too: others have the same layers, and far fewer parameters.
HEAVY = {f"torchvision/{name}" for name in ("vgg11_bn", "resnext50_32x4d")}


@pytest.mark.parametrize("spec", [spec for spec in SMALL if spec not in HEAVY])
def test_module_equals_torchvisions(spec: str) -> None:
    assert_equals_torchvision(spec)


def assert_equals_torchvision(spec: str) -> None:
    torch.manual_seed(2)
    x, (ours, theirs) = picture(spec), pair(spec)
    if not spec.endswith(".res"):  # shipped: the same laws, in the same order
        assert differing(ours.state_dict(), theirs.state_dict()) == []
    versioned = theirs.state_dict()  # without its version, MNASNet reads another stem
    versioned.update(ours.state_dict())
    theirs.load_state_dict(versioned, strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)

    ran, expected = training_step(ours, x), training_step(theirs, x)
    if not spec.endswith(".res"):
        assert_same_operations(spec, ran, expected)
    assert not differing(gradients(ours), gradients(theirs))
    assert len(gradients(ours)) == len(list(ours.parameters()))

    for module in (ours, theirs):
        torch.manual_seed(3)
        with torch.no_grad():
            module(picture(spec))
    with torch.no_grad():
        logits = ours.eval()(x)
        assert bool(logits.isfinite().all())
        assert torch.equal(logits, theirs.eval()(x))
    assert not differing(ours.state_dict(), theirs.state_dict())


def assert_same_operations(
    spec: str, ran: tuple[list[str], list[str]], expected: tuple[list[str], list[str]]
) -> None:
    """Compare operations; torchvision's DenseNet concatenates once too often in each block, its
    ShuffleNet and MNASNet take means where ours pool, its stochastic depth draws in fewer steps, and
    its MobileNetV3 writes hard swishes over their inputs.
    """
    others = ("shufflenet", "mnasnet", "convnext", "efficientnet", "mobilenet_v3")
    if any(family in spec for family in others):
        return
    if "densenet" not in spec:
        assert ran == expected
        return
    (ours, _), (theirs, _) = ran, expected
    concat = "aten.cat.default"
    assert [op for op in ours if op != concat] == [op for op in theirs if op != concat]
    assert theirs.count(concat) - ours.count(concat) == 4
