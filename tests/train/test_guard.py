"""A step that is not finite reaches no weight, ends the run at the next row, and is named."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode

from resspec.training.data import Batch
from resspec.training.recipe import Recipe
from resspec.training.run import checkpoint
from resspec.training.steps import loop, losses
from resspec.training.steps.step import Learner
from tests.train.small import tiny, train


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite(
    value: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    original, shown = losses.loss, 0

    def spoiled(scores: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
        nonlocal shown
        shown += 1
        return original(scores, targets, recipe) * (value if shown == 8 else 1)

    monkeypatch.setattr(losses, "loss", spoiled)
    with pytest.raises(loop.NotFinite, match=r"^step 7 \(epoch 1, images \d+, "):
        train(
            tiny(tmp_path),
            tmp_path / "run",
            "iterations=30",
            "log=5",
            "checkpoint=3 iterations",
        )
    saved = list(checkpoint.newest(tmp_path / "run" / "checkpoints"))
    assert [step for step, _ in saved] == [6, 3]
    assert shown in (9, 10)  # at most to the next row or checkpoint, and once again to tell


def test_the_first_layer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forward = torch.nn.Linear.forward
    monkeypatch.setattr(torch.nn.Linear, "forward", lambda self, x: forward(self, x) * float("inf"))
    with pytest.raises(loop.NotFinite, match="first is the output of `fc`"):
        train(tiny(tmp_path), tmp_path / "run", "iterations=6", "log=2")
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("where", "named"),
    [
        ("gradient", "the gradient of `conv1.weight`"),
        ("weight", "`conv1.weight`"),
        ("buffer", "`bn1.running_var`"),
    ],
)
def test_what_is_injected_is_named_and_goes_nowhere(
    where: str, named: str, value: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    learn, after = Learner.learn, list[dict[str, Tensor]]()

    def spoiling(learner: Learner, batch: Batch) -> None:
        module = learner.state.module
        if learner.state.step == 7:
            weight, buffer = (
                module.get_parameter("conv1.weight"),
                module.get_buffer("bn1.running_var"),
            )
            if where == "gradient":
                weight.register_hook(lambda gradient: gradient * value)
            else:
                {"weight": weight.data, "buffer": buffer}[where].view(-1)[0] = value
        learn(learner, batch)
        if learner.state.step >= 7:
            after.append(
                {
                    name: tensor.clone()
                    for name, tensor in module.state_dict().items()
                    if "num_batches" not in name
                }
            )

    monkeypatch.setattr(Learner, "learn", spoiling)
    with pytest.raises(
        loop.NotFinite, match=r"^step 7 \(epoch 1, images \d+, .* first is "
    ) as caught:
        train(
            tiny(tmp_path),
            tmp_path / "run",
            "iterations=30",
            "log=5",
            "checkpoint=20 iterations",
            "ema.decay=0.9",
        )
    assert f"first is {named}" in str(caught.value)
    before, *later = after
    assert len(later) == 3  # to the next row
    spoiled = {"weight": "conv1.weight", "buffer": "bn1.running_var"}.get(where)
    assert all(
        torch.equal(one[name], before[name]) for one in later for name in before if name != spoiled
    )
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_no_step_waits_for_the_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Between two rows nothing that was computed is looked at: on a GPU each look would be a wait."""

    class Looks(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            name = func.overloadpacket.__name__
            Looks.count += name in (
                "_local_scalar_dense",
                "is_nonzero",
                "equal",
                "nonzero",
                "_unique2",
                "masked_select",
            )
            return func(*args, **kwargs or {})

    learn = Learner.learn

    def watched(learner: Learner, batch: Batch) -> None:
        with Looks():  # type: ignore[no-untyped-call]
            learn(learner, batch)

    monkeypatch.setattr(Learner, "learn", watched)
    for method in ("tolist", "numpy", "cpu"):
        monkeypatch.setattr(Tensor, method, counted(getattr(Tensor, method), Looks))
    settings = (
        "ema.decay=0.9",
        "clip_grad_norm=1.0",
        "optimizer.name=lamb",
        "data.mixup=0.2",
        "norm_weight_decay=0",
    )
    train(tiny(tmp_path), tmp_path / "run", "iterations=12", "log=12", *settings)
    assert Looks.count == 0


def counted(method: Any, looks: Any) -> Any:
    """Counts where it is called within a step."""

    def counting(*given: Any, **more: Any) -> Any:
        looks.count += _get_current_dispatch_mode() is not None
        return method(*given, **more)

    return counting
