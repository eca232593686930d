"""The learning rate of each step, as a function of how far the run is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, cos, pi

from resspec.training.recipe import (
    ConstantSchedule,
    CosineRestartsSchedule,
    CosineSchedule,
    LinearSchedule,
    MultiStepSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    PolynomialSchedule,
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
            return _between(min_lr, recipe, (1 + cos(pi * progress)) / 2)
        case LinearSchedule(min_lr=min_lr):
            return _between(min_lr, recipe, 1 - progress)
        case PolynomialSchedule(power=power, min_lr=min_lr):
            return _between(min_lr, recipe, (1 - progress) ** power)
        case CosineRestartsSchedule(min_lr=min_lr) as restarts:
            in_cycle = _part_of_cycle(step - rising, restarts, epoch)
            return _between(min_lr, recipe, (1 + cos(pi * in_cycle)) / 2)
        case OneCycleSchedule() as cycle:
            return _one_cycle(step - rising, rest, cycle)
        case PlateauSchedule(factor=factor):
            return float(factor**plateau.reductions)


def _between(min_lr: float, recipe: Recipe, part: float) -> float:
    """Return the factor of a rate that is so far between `min_lr` and the whole rate."""
    least = min_lr / recipe.optimizer.lr
    return least + (1 - least) * part


def _part_of_cycle(step: int, restarts: CosineRestartsSchedule, epoch: Fraction) -> float:
    """Return how much of its cycle is over at a step."""
    length = restarts.t_0.steps(epoch)
    while step >= length:
        step -= length
        length *= restarts.t_mult
    return step / length


def _one_cycle(step: int, steps: int, cycle: OneCycleSchedule) -> float:
    """Return the factor of a step, between the points of torch's OneCycleLR."""
    start = 1 / cycle.div_factor
    end = start / cycle.final_div_factor
    peak = cycle.pct_start * steps - 1
    if step <= peak:
        return _annealed(start, 1.0, step / peak, cycle)
    rest = steps - 1 - peak
    return _annealed(1.0, end, min((step - peak) / rest, 1.0) if rest > 0 else 1.0, cycle)


def _annealed(start: float, end: float, part: float, cycle: OneCycleSchedule) -> float:
    if cycle.anneal_strategy == "linear":
        return start + (end - start) * part
    return end + (start - end) / 2 * (1 + cos(pi * part))
