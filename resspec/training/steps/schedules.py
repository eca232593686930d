"""The learning rate of each step, as a function of how far the run is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, cos, pi

from resspec.training.recipe import (
    ConstantSchedule,
    CosineSchedule,
    LinearSchedule,
    MultiStepSchedule,
    PlateauSchedule,
    Recipe,
    StepSchedule,
)


@dataclass
class PlateauState:
    """The state of the learning rate besides the step.

    Attributes:
        best: The lowest loss of an evaluation.
        num_bad: Evaluations since then.
        reductions: How often `plateau` reduced the learning rate.
        is_warm: Whether a warm-up that waits for a training error is over.
    """

    best: float | None = None
    num_bad: int = 0
    reductions: int = 0
    is_warm: bool = False

    def update(self, loss: float, plateau: PlateauSchedule) -> None:
        """Take account of the loss on the held-out images."""
        if self.best is None or loss < self.best * (1 - plateau.threshold):
            self.best, self.num_bad = loss, 0
            return
        self.num_bad += 1
        if self.num_bad >= plateau.patience:
            self.num_bad, self.reductions = 0, self.reductions + 1

    def update_warmup(self, error: float, recipe: Recipe) -> None:
        """End the warm-up if the error of recent training images is low enough."""
        if recipe.warmup and recipe.warmup.until_error and error < recipe.warmup.until_error:
            self.is_warm = True


def learning_rate(step: int, recipe: Recipe, epoch: Fraction, plateau: PlateauState) -> float:
    """Return the learning rate of a step.

    Args:
        step: The step, counted from 0.
        recipe: The recipe.
        epoch: The number of steps of an epoch.
        plateau: What it depends on besides.
    """
    if recipe.lr_interval == "epoch":
        step = ceil(int(step / epoch) * epoch)
    return recipe.optimizer.lr * _factor(step, recipe, epoch, plateau)


def _factor(step: int, recipe: Recipe, epoch: Fraction, plateau: PlateauState) -> float:
    warmup = recipe.warmup
    rising = warmup.length.steps(epoch) if warmup else 0
    if warmup and step < rising and not plateau.is_warm:
        start = warmup.start_factor
        return start + (1 - start) * step / rising if warmup.method == "linear" else start

    rest = recipe.duration.steps(epoch) - rising
    progress = min(max(step - rising, 0) / rest, 1.0) if rest > 0 else 0.0
    match recipe.schedule:
        case ConstantSchedule():
            return 1.0
        case StepSchedule(step_size=length, gamma=gamma):
            return float(gamma ** (step // length.steps(epoch)))
        case MultiStepSchedule(milestones=milestones, gamma=gamma):
            return float(gamma ** sum(step >= point.steps(epoch) for point in milestones))
        case CosineSchedule(min_lr=min_lr):
            least = min_lr / recipe.optimizer.lr
            return least + (1 - least) * (1 + cos(pi * progress)) / 2
        case LinearSchedule(min_lr=min_lr):
            least = min_lr / recipe.optimizer.lr
            return least + (1 - least) * (1 - progress)
        case PlateauSchedule(factor=factor):
            return float(factor**plateau.reductions)
