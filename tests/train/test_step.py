"""A step against the same written down naively: losses, accumulation, clipping, fp16's scale, and
the micro-batch.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from timm.loss.binary_cross_entropy import BinaryCrossEntropy
from torch import Tensor, nn
from torch.nn.functional import one_hot

from resspec.backends.module import build
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.training import recipe_file, trainer
from resspec.training.data import Batch
from resspec.training.machine import bound, decide
from resspec.training.recipe import Recipe
from resspec.training.steps import losses
from resspec.training.steps.guard import GROWS_AFTER, Guard
from resspec.training.steps.order import Order
from resspec.training.steps.step import Learner
from tests.train.small import ALONE, job, plan

PLAIN = """
network plain {
    input 1x8x8
    stem conv 3x3, 4, /2 -> bn -> relu
    stage body: conv 3x3, 6 -> bn -> relu
    head avgpool -> fc 10
}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "plain.res").write_text(PLAIN)
    return tmp_path / "plain.res"


def stepped(spec: Path, *settings: str) -> tuple[nn.Module, Batch]:
    """After one step of a batch of 12, and the batch."""
    decided = plan(
        job(load(spec), "batch_size=12", "precision=fp32", "loss=cross-entropy", *settings),
        spec.parent / "run",
    )
    state = trainer.begun(decided)
    draw = torch.Generator().manual_seed(5)
    batch = Batch(
        torch.randn(12, 1, 8, 8, generator=draw), torch.randint(0, 10, (12,), generator=draw)
    )
    Learner(decided, state).learn(batch)
    return state.module, batch


def naive(
    spec: Path, batch: Batch, parts: int, rate: float, decay: float, clip: float | None
) -> nn.Module:
    """The same step of the paper's: gradients of each part added up, then plain SGD's first step
    with Nesterov's momentum.
    """
    torch.manual_seed(0)
    module = build(load(spec)).train()
    for images, targets in zip(batch.images.chunk(parts), batch.targets.chunk(parts), strict=True):
        scores = module(images)
        chosen = scores.log_softmax(1)[torch.arange(len(images)), targets]
        (-chosen.sum() / len(batch.images)).backward()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    norm = torch.sqrt(
        sum((g.double().square().sum() for g in gradients), torch.zeros((), dtype=torch.float64))
    )
    factor = min(1.0, clip / float(norm)) if clip else 1.0
    with torch.no_grad():
        for parameter, gradient in zip(module.parameters(), gradients, strict=True):
            parameter.sub_(1.9 * rate * (gradient * factor + decay * parameter))
    return module


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        (("micro_batch_size=12",), 1),
        (("micro_batch_size=4",), 3),
        (("micro_batch_size=12", "bn_batch_size=4"), 3),
        (("micro_batch_size=6", "bn_batch_size=6"), 2),
    ],
)
@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_step_in_parts_is_the_whole_one(
    spec: Path, settings: tuple[str, ...], parts: int, clip: float | None
) -> None:
    """The rate of the first step is a fiftieth of the digits' recipe, which warms up."""
    found, batch = stepped(spec, *settings, *([f"clip_grad_norm={clip}"] if clip else []))
    wanted = naive(spec, batch, parts, 0.1 * 0.02, 5e-4, clip)
    start = build(load(spec)).state_dict()
    for (name, mine), other in zip(found.named_parameters(), wanted.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-7)
        assert not torch.equal(mine, start[name])


def test_losses_are_what_the_papers_say() -> None:
    draw = torch.Generator().manual_seed(2)
    scores, labels = (
        torch.randn(6, 4, generator=draw, dtype=torch.float64),
        torch.tensor([0, 3, 1, 2, 2, 0]),
    )
    shares = torch.rand(6, 4, generator=draw, dtype=torch.float64).softmax(1)

    def recipe(loss: str, smoothing: float) -> Recipe:
        return Recipe.model_validate(
            {"epochs": 1, "batch_size": 1, "loss": loss, "label_smoothing": smoothing}
        )

    def entropy(targets: Tensor) -> float:
        return float(-(targets * scores.softmax(1).log()).sum(1).mean())

    def binary(targets: Tensor) -> float:
        p = 1 / (1 + (-scores).exp())
        return float(-(targets * p.log() + (1 - targets) * (1 - p).log()).mean())

    hard = one_hot(labels, 4).double()
    for targets, given in ((hard, labels), (shares, shares)):
        smooth = 0.9 * targets + 0.1 / 4
        for kind, reference in (("cross-entropy", entropy), ("bce", binary)):
            given = given if given.ndim == 1 else given.float()  # noqa: PLW2901
            assert float(losses.loss(scores, given, recipe(kind, 0.0))) == pytest.approx(
                reference(targets), rel=1e-5
            )
            assert float(losses.loss(scores, given, recipe(kind, 0.1))) == pytest.approx(
                reference(smooth), rel=1e-5
            )


def test_what_is_mixed_counts_as_there_above_a_share_as_in_timm() -> None:
    draw = torch.Generator().manual_seed(0)
    scores, shares = torch.randn(6, 4, generator=draw), torch.rand(6, 4, generator=draw).softmax(1)
    recipe = Recipe.model_validate(
        {"epochs": 1, "batch_size": 1, "loss": "bce", "bce_threshold": 0.25}
    )
    wanted = BinaryCrossEntropy(smoothing=0, target_threshold=0.25)(scores, shares)
    assert float(losses.loss(scores, shares, recipe)) == pytest.approx(float(wanted), rel=1e-6)


def test_torchvisions_second_recipe_averages_as_torchvision_does() -> None:
    """`ExponentialMovingAverage` of references/classification/train.py with its README's flags."""
    recipe = recipe_file.load("imagenet-torchvision-v2")
    assert recipe.ema is not None
    alpha = (1 - 0.99998) * (recipe.batch_size * 32 / 600)
    assert 1 - recipe.ema.decay**recipe.ema.every == pytest.approx(alpha, rel=1e-3)


def test_fp16_scales_as_torchs_scaler() -> None:
    ours, theirs = (
        Guard(torch.device("cpu"), fp16=True),
        torch.amp.GradScaler("cpu", init_scale=2.0**16, growth_interval=GROWS_AFTER),
    )
    one, other = (torch.zeros(3, requires_grad=True) for _ in range(2))
    mine, reference = torch.optim.SGD([one], 0.1, fused=True), torch.optim.SGD([other], 0.1)
    for step in range(GROWS_AFTER + 30):
        value = float("inf") if step in (3, 4, 15) else 1.0
        one.grad = torch.full((3,), value) * ours.scale
        ours.check(step, [one.grad], [], torch.zeros(()), mine)
        mine.step()
        theirs.scale(torch.zeros(()))
        other.grad = torch.full((3,), value) * theirs.get_scale()
        theirs.step(reference)
        theirs.update()
        assert float(ours.scale) == theirs.get_scale()
    assert torch.equal(one, other)
    assert int(ours.bad) == -1
    assert float(ours.scale) == 2.0**14


def test_fp16_trains(spec: Path) -> None:
    decided = plan(
        job(load(spec), "batch_size=12", "precision=fp16", "optimizer.lr=0.5"), spec.parent / "run"
    )
    state = trainer.begun(decided)
    learner, draw = Learner(decided, state), torch.Generator().manual_seed(5)
    batch = Batch(torch.randn(12, 1, 8, 8, generator=draw), torch.arange(12) % 10)
    values = []
    for _ in range(60):
        learner.learn(batch)
        values.append(float(state.sums[0]))
        state.sums.zero_()
    assert values[-1] < 0.5 * values[0]


def test_the_micro_batch_that_is_found_fits_and_is_a_multiple_of_what_batch_norm_sees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = load("resnet20")
    recipe = Recipe.model_validate({"epochs": 1, "batch_size": 192, "bn_batch_size": 16})
    for free in (60, 100, 150, 250, 1000):
        monkeypatch.setattr(decide, "memory", lambda _, free=free: free * 1_000_000)
        found = decide.micro_batch_size(network, recipe, ALONE)
        fitting = [
            n
            for n in range(16, 193, 16)
            if 192 % n == 0 and bound(network, recipe, n) * 2 < free * 1_000_000
        ]
        assert found == max(fitting)
    monkeypatch.setattr(decide, "memory", lambda _: 1_000_000)
    with pytest.raises(UsageError, match=r"with 16 images at a time, but only 1 MB are free"):
        decide.micro_batch_size(network, recipe, ALONE)


def test_repeated_augmentation_shows_an_image_in_several_ways_and_mixes_it_with_others() -> None:
    decided = job(load("digits"), "aug_repeats=4", "data.shift=2", "mixup=0.5")
    order = Order(torch.arange(len(decided.data.train)), 32, 0, 4)
    (batch,) = decided.data.train.batches(
        [order.draw(3)], transform=decided.recipe.data, device=torch.device("cpu")
    )
    groups = batch.images.view(8, 4, -1)
    assert all(not torch.equal(group[0], other) for group in groups for other in group[1:])
    own = decided.data.train.labels[order.draw(3).indices].view(8, 4)
    assert bool((own == own[:, :1]).all())
    assert bool((batch.targets.sum(1) - 1).abs().max() < 1e-5)
