"""An imported network is held to its module: names, outputs, gradients, and what was not compared."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.functional import interpolate

import resspec
from resspec.importing.imported import ImportOptions, import_source
from resspec.importing.proof import Proof
from resspec.importing.reading import network
from resspec.importing.sources import source_of
from resspec.importing.verify import compare

SMALL = """
network small {
    input 3x96x96
    stem conv1: conv 3x3, 8, /2 -> bn1: bn -> relu
    head avgpool -> drop: dropout 0.5 -> fc: fc 10
}
"""


CONV2 = "conv2: conv 3x3, 64, padding=1, dilation=1"


class Small(nn.Module):
    """The module of SMALL."""

    def __init__(self, activation: nn.Module | None = None, p: float = 0.5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.act = activation or nn.ReLU()
        self.drop = nn.Dropout(p)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(self.act(self.bn1(self.conv1(x))).mean((2, 3))))  # type: ignore[no-any-return]


class WithAuxiliary(Small):
    """A module with a second head, which it has in training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.aux = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 10))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:  # type: ignore[override]
        x = self.act(self.bn1(self.conv1(x))).mean((2, 3))
        aux = self.aux(x) if self.training else None
        x = self.fc(self.drop(x))
        return x if aux is None else (x, aux)


class Particular(Small):
    """A module that takes its own input size alone."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != 96:
            raise ValueError("images are 96x96")
        return super().forward(x)


def proof(make: Callable[[], nn.Module], text: str = SMALL) -> Proof:
    return compare.verify(text, make, compare.names(network(text), make()))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_torchvisions_networks_agree_to_the_bit(name: str) -> None:
    text = resspec.expand(resspec.load(f"torchvision/{name}"))
    found = proof(lambda: torchvision.models.get_model(name), text)
    assert found.is_bitwise
    assert found.loaded == found.tensors == len(torchvision.models.get_model(name).state_dict())
    assert str(found.input) == "3x64x64"


def test_filters_that_no_state_dict_holds_are_compared() -> None:
    source = source_of("timm:resnetblur18")
    assert source is not None
    found = import_source(source, ImportOptions(dims=(64, 64)))
    assert found.proof.is_bitwise


def test_a_zero_initialized_residual_path_hides_nothing() -> None:
    """torchvision's `zero_init_residual` makes every new block the identity."""
    text = resspec.expand(resspec.load("torchvision/resnet18"))
    wrong = text.replace(CONV2, CONV2.replace("=1", "=2"), 1)
    assert wrong != text

    def make() -> nn.Module:
        module: nn.Module = torchvision.models.resnet18(zero_init_residual=True)
        return module

    assert proof(make, text).is_bitwise
    found = proof(make, wrong)
    assert not found.is_sound
    assert found.first == "layer1.0.conv2"


def test_the_first_module_that_differs_is_named() -> None:
    found = proof(lambda: Small(nn.GELU()))
    assert not found.is_sound
    assert "the first difference is in " in str(found)


def test_a_difference_in_training_alone_is_found() -> None:
    assert proof(Small).is_bitwise
    found = proof(lambda: Small(p=0.25))
    assert found.outputs is not None
    assert found.outputs.off == 0
    assert not found.is_sound


def test_a_head_of_training_alone_keeps_the_gradients_comparable() -> None:
    found = proof(WithAuxiliary)
    assert found.is_bitwise
    assert found.unused == ("aux.1.weight", "aux.1.bias")
    assert (found.loaded, found.tensors) == (8, 10)
    assert "dropout was turned off" in str(found)


def test_a_module_that_takes_one_size_is_compared_at_that() -> None:
    found = proof(Particular)
    assert found.is_bitwise
    assert str(found.input) == "3x96x96"


def test_outputs_of_other_shapes_at_a_small_input_are_compared_at_the_full_one() -> None:
    """A module that enlarges to its input's size; the spec has that size as a number."""

    class Enlarged(Small):
        def forward(self, x: Tensor) -> Tensor:
            return interpolate(self.act(self.bn1(self.conv1(x))), x.shape[-2:])

    text = SMALL.replace("avgpool -> drop: dropout 0.5 -> fc: fc 10", "upsample size=96")
    found = proof(Enlarged, text)
    assert str(found.input) == "3x96x96"
    assert found.is_bitwise
    assert not proof(Enlarged, text.replace("size=96", "size=90")).is_sound


def test_a_module_that_cannot_run_is_not_compared() -> None:
    class Broken(Small):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError(f"no such thing: {x.shape}")

    found = proof(Broken)
    assert found.outputs is None
    assert "no such thing" in str(found)


def test_other_names_are_told_before_anything_is_computed() -> None:
    renamed = SMALL.replace("conv1:", "convolution:").replace("fc 10", "fc 11")
    found = proof(Small, renamed)
    assert found.missing == ("convolution.weight",)
    assert found.reshaped == ("fc.weight", "fc.bias")
    assert found.outputs is None


def test_what_is_too_large_to_be_trained_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "MOST_BYTES", 1000)
    found = proof(Small)
    assert found.outputs is not None
    assert found.outputs.off == 0
    assert found.gradients is None
    assert "gradients were not compared" in str(found)


def test_the_random_numbers_of_the_caller_are_left_as_they_are() -> None:
    module = Small()
    before = torch.random.get_rng_state()
    proof(lambda: module)
    assert torch.equal(torch.random.get_rng_state(), before)
