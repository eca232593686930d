"""Modules equal torchvision's own bit for bit.

They have the same names, initial weights, outputs and gradients, and run the same operations in the
same order.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from resspec.backends.module import build
from resspec.compiler import load
from tests.specs.references import TORCHVISION

SPECS = {  # ConvNeXt has other names for its scales
    spec: name for spec, name in TORCHVISION.items() if name != "convnext_tiny"
}
SHIPPED = [spec for spec in SPECS if not spec.endswith(".res")]

# The same blocks as their smaller siblings, or hundreds of megabytes: tests/campaign takes them.
LARGE = [
    spec
    for spec in SPECS
    if re.search(r"vgg1[369]|vgg11$|resnet34|resn\w+101|resnet152|wide", spec)
]
BATCH = 2


def pair(spec: str) -> tuple[nn.Module, nn.Module]:
    """Return our module and torchvision's, each from the same seed."""
    network = load(spec)
    torch.manual_seed(0)
    ours = build(network)
    torch.manual_seed(0)
    return ours, torchvision.models.get_model(SPECS[spec])


def picture(spec: str) -> Tensor:
    side = 32 if "vgg" in spec else 64
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


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec not in LARGE])
def test_module_equals_torchvisions(spec: str) -> None:
    assert_equals_torchvision(spec)


def assert_equals_torchvision(spec: str) -> None:
    torch.manual_seed(2)
    x, (ours, theirs) = picture(spec), pair(spec)
    if spec in SHIPPED:  # the same laws, in the same order
        assert not differing(ours.state_dict(), theirs.state_dict())
    theirs.load_state_dict(ours.state_dict(), strict=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)

    ran, expected = training_step(ours, x), training_step(theirs, x)
    if spec in SHIPPED:
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
    """Compare operations; torchvision's DenseNet concatenates once too often in each block."""
    if spec != "densenet121":
        assert ran == expected
        return
    (ours, _), (theirs, _) = ran, expected
    concat = "aten.cat.default"
    assert [op for op in ours if op != concat] == [op for op in theirs if op != concat]
    assert theirs.count(concat) - ours.count(concat) == 4
