"""Modules that are at fault themselves: the import says in what."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import resspec
from resspec.diagnostics import UsageError
from tests.commands.typed import Captured, ran
from tests.importing.test_graphs import same


class Conv(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.calls = 0
        self.factor = torch.full((4, 1, 1), 2.0)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y


class Counting(Conv):
    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x) * self.calls


class Branching(Conv):
    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y * 2 if self.training else y


class Plain(Conv):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.factor


class Large(Conv):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 1e15 * 1e15 * 1e15


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return y

    def train(self, mode: bool = True) -> Frozen:
        super().train(mode)
        self.norm.eval()
        return self


def test_a_module_that_changes_is_not_proven() -> None:
    found = resspec.import_module(Counting(), 16).proof
    assert found.changes
    assert not found.is_sound


def test_a_branch_of_training_is_called_so(capsys: Captured) -> None:
    found = resspec.import_module(Branching(), 16).proof
    assert found.differs_in_training
    assert not found.is_sound
    _, err = ran("import py:tests.importing.test_faults:Branching --input 16", capsys, code=1)
    assert "the module computes something different in training" in err
    _, err = ran("import py:tests.importing.test_faults:Counting --input 16", capsys, code=1)
    assert "the module changes when it is called" in err


def test_a_norm_that_stays_in_eval_mode_is_named() -> None:
    found = resspec.import_module(Frozen(), 16).proof
    assert found.outputs is not None and found.outputs.off == 0
    assert found.gradients is None
    assert "`norm` stays in eval mode" in found.failure


def test_a_tensor_that_does_not_move_is_explained(request: pytest.FixtureRequest) -> None:
    with pytest.raises(UsageError) as raised:
        resspec.import_module(Plain(), 16)
    assert raised.value.code == "E0712"
    same("E0712", str(raised.value), update=request.config.getoption("--update"))


def test_outputs_that_are_infinite_show_nothing() -> None:
    found = resspec.import_module(Large(), 16).proof
    assert found.outputs is None
    assert "not finite" in found.failure


def test_a_factor_that_no_spec_can_have_is_refused() -> None:
    class Larger(Conv):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 1e30

    with pytest.raises(UsageError, match="has too many digits"):
        resspec.import_module(Larger(), 16)


def test_statistics_that_never_change_are_not_those_of_all_batches() -> None:
    def normed(momentum: float | None) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=momentum))

    found = resspec.import_module(normed(0.0), 16)
    assert "bn momentum=0" in found.text
    assert found.proof.is_bitwise
    with pytest.raises(UsageError, match="averages all batches"):
        resspec.import_module(normed(None), 16)
