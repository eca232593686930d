"""A step that is not finite reaches no weight, ends the run at the next row, and is named."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from resspec.train import checkpoint, loop, losses
from resspec.train.recipe import Recipe
from tests.train.small import tiny, train


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite(value: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told, shown = losses.loss, 0

    def spoiled(scores: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
        nonlocal shown
        shown += 1
        return told(scores, targets, recipe) * (value if shown == 8 else 1)

    monkeypatch.setattr(losses, "loss", spoiled)
    with pytest.raises(loop.NotFinite, match=r"^step 7 \(epoch 1, images \d+, "):
        train(tiny(tmp_path), tmp_path / "run", "duration=30 iterations", "log=5", "checkpoint=3 iterations")
    saved = list(checkpoint.newest(tmp_path / "run" / "checkpoints"))
    assert [step for step, _ in saved] == [6, 3]
    assert shown in (9, 10)  # at most to the next row or checkpoint, and once again to tell


def test_the_first_layer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forward = torch.nn.Linear.forward
    monkeypatch.setattr(torch.nn.Linear, "forward", lambda self, x: forward(self, x) * float("inf"))
    with pytest.raises(loop.NotFinite, match="first is what `fc` leaves"):
        train(tiny(tmp_path), tmp_path / "run", "duration=6 iterations", "log=2")
    assert not (tmp_path / "run" / "checkpoints").exists()
