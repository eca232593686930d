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
class Falling:
    """What `plateau` remembers: the lowest loss, evaluations since, how often the learning rate fell; and whether the warm-up that
    waits for a training error is over."""

    lowest: float | None = None
    waited: int = 0
    falls: int = 0
    warm: bool = False

    def saw(self, loss: float, plateau: PlateauSchedule) -> None:
        """The loss on the held-out part."""
        if self.lowest is None or loss < self.lowest * (1 - plateau.threshold):
            self.lowest, self.waited = loss, 0
            return
        self.waited += 1
        if self.waited >= plateau.patience:
            self.waited, self.falls = 0, self.falls + 1

    def showed(self, error: float, recipe: Recipe) -> None:
        """The share of training images told wrong lately."""
        if recipe.warmup and recipe.warmup.until_error and error < recipe.warmup.until_error:
            self.warm = True


def learning_rate(step: int, recipe: Recipe, epoch: Fraction, falling: Falling) -> float:
    """Return the learning rate of a step, counted from 0, where an epoch has `epoch` steps."""
    if recipe.lr_interval == "epoch":
        step = ceil(int(step / epoch) * epoch)
    return recipe.optimizer.lr * _share(step, recipe, epoch, falling)


def _share(step: int, recipe: Recipe, epoch: Fraction, falling: Falling) -> float:
    rising = recipe.warmup.length.steps(epoch) if recipe.warmup else 0
    if recipe.warmup and step < rising and not falling.warm:
        start = recipe.warmup.start_factor
        return start + (1 - start) * step / rising if recipe.warmup.method == "linear" else start
    rest = recipe.duration.steps(epoch) - rising
    gone = min(max(step - rising, 0) / rest, 1.0) if rest > 0 else 0.0
    match recipe.schedule:
        case ConstantSchedule():
            return 1.0
        case StepSchedule(step_size=length, gamma=gamma):
            return float(gamma ** (step // length.steps(epoch)))
        case MultiStepSchedule(milestones=milestones, gamma=gamma):
            return float(gamma ** sum(step >= point.steps(epoch) for point in milestones))
        case CosineSchedule(min_lr=least):
            floor = least / recipe.optimizer.lr
            return floor + (1 - floor) * (1 + cos(pi * gone)) / 2
        case LinearSchedule(min_lr=least):
            floor = least / recipe.optimizer.lr
            return floor + (1 - floor) * (1 - gone)
        case PlateauSchedule(factor=factor):
            return float(factor**falling.falls)
