"""Infinities and NaNs, injected anywhere in training.

None reaches weights or checkpoints, and each is named before the next row of the log.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load
from torch import Tensor

from resspec.training.data import Batch
from resspec.training.recipe import Recipe
from resspec.training.steps import losses
from resspec.training.steps.loop import NotFinite
from resspec.training.steps.step import Learner
from tests.campaign.progress import count_outcomes
from tests.train.small import tiny, train

WHERE = ("loss", "gradient", "weight", "buffer")
OPTIONS = (
    "ema.decay=0.9",
    "clip_grad_norm=1.0",
    "bn_batch_size=16",
    "micro_batch_size=16",
    "precise_bn=128",
    "evaluate=6 iterations",
    "holdout=0.1",
    "optimizer.name=adamw",
    "optimizer.name=lamb",
    "precision=bf16",
    "data.mixup=0.2",
    "norm_weight_decay=0",
)
STEPS = 30


@dataclass
class Injection:
    """A value that is put somewhere in one step, and the phrase by which a message names it."""

    where: str
    value: float
    step: int
    rng: Random
    phrase: str = ""
    spoiled: str | None = None
    learner: Learner | None = None
    before: dict[str, Tensor] = field(default_factory=dict)
    after: dict[str, Tensor] = field(default_factory=dict)
    made: int = 0

    def learn(self, learner: Learner, batch: Batch) -> None:
        self.learner, module = learner, learner.state.module
        if learner.state.step == self.step:
            parameters = dict(module.named_parameters())
            statistics = {
                name: buffer
                for name, buffer in module.named_buffers()
                if buffer.is_floating_point()
            }
            match self.where:
                case "loss":
                    self.phrase = "first is the loss"
                case "gradient":
                    name = self.rng.choice(list(parameters))
                    parameters[name].register_hook(self.spoil)
                    self.phrase = f"first is the gradient of `{name}`"
                case where:
                    tensors = parameters if where == "weight" else statistics
                    self.spoiled = self.rng.choice(list(tensors))
                    tensors[self.spoiled].data.copy_(self.spoil(tensors[self.spoiled].data))
                    self.phrase = f"first is `{self.spoiled}`"
            self.before = self.tensors()
        learn(learner, batch)
        self.made, self.after = self.made + 1, self.tensors()

    def loss(self, scores: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
        found = loss(scores, targets, recipe)
        at = self.learner and self.learner.state.step == self.step and torch.is_grad_enabled()
        return found * self.value if at and self.where == "loss" else found

    def spoil(self, tensor: Tensor) -> Tensor:
        spoiled = tensor.clone().flatten()
        spoiled[self.rng.randrange(len(spoiled))] = self.value
        return spoiled.view_as(tensor)

    def tensors(self) -> dict[str, Tensor]:
        """Of the network and the optimizer; an average follows weights that stand still."""
        assert self.learner
        return {
            name: tensor.detach().clone()
            for name, tensor in self.learner.state.tensors()
            if name.startswith(("module/", "optimizer/")) and "num_batches" not in name
        }


learn, loss = Learner.learn, losses.loss


def test_an_injected_value_is_named_and_nothing_learns_it() -> None:
    assert count_outcomes("not-finite", 100, injected)["files"] == 100


def injected(seed: int, folder: Path) -> Counter[str]:
    rng = Random(seed)
    value, log = rng.choice([float("nan"), float("inf"), -float("inf")]), rng.randrange(1, 9)
    injection = Injection(WHERE[seed % 4], value, rng.randrange(STEPS), rng)
    options = rng.sample(OPTIONS, rng.randrange(5))
    settings = [
        f"iterations={STEPS}",
        f"log={log}",
        f"checkpoint={rng.randrange(1, 9)} iterations",
        *options,
    ]
    run = folder / f"run-{seed}"

    def spoiling(learner: Learner, batch: Batch) -> None:
        injection.learn(learner, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "learn", spoiling)
        patch.setattr(losses, "loss", injection.loss)
        with pytest.raises(NotFinite) as caught:
            train(tiny(folder), run, *settings)
    output = str(caught.value)
    assert re.match(rf"step {injection.step} \(epoch \d+, images \d+, ", output), (seed, output)
    assert injection.phrase in output, (seed, settings, output)
    assert injection.made <= min(STEPS, log * ceil((injection.step + 1) / log)), (
        seed,
        settings,
        injection.made,
    )
    for name, tensor in injection.after.items():
        if name != f"module/{injection.spoiled}":
            assert tensor.isfinite().all(), (seed, settings, name)
            assert torch.equal(tensor, injection.before.get(name, torch.zeros_like(tensor))), (
                seed,
                settings,
                name,
            )
    for path in run.rglob("*.safetensors"):
        saved = load(path.read_bytes())
        assert all(
            tensor.isfinite().all() for tensor in saved.values() if tensor.is_floating_point()
        ), (seed, settings)
    return Counter({f"{injection.where} {value}": 1})
