"""The learning rate of every step against torch's schedulers, which are stepped one by one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from resspec.source import Source
from resspec.training import recipe_file
from resspec.training.recipe import PlateauSchedule, Recipe
from resspec.training.steps.schedules import PlateauState, learning_rate

STEPS = 60
Make = Callable[[SGD], Any]


def load_recipe(*lines: str) -> Recipe:
    text = f"iterations: {STEPS}\nbatch_size: 8\noptimizer: {{name: sgd, lr: 0.4}}\n" + "".join(
        f"{x}\n" for x in lines
    )
    return recipe_file.parse(Source("recipe.yaml", text))


def stepped(make: Make, steps: int = STEPS) -> list[float]:
    made = SGD([torch.zeros(1, requires_grad=True)], 0.4)
    scheduler, rates = make(made), []
    for _ in range(steps):
        rates.append(float(made.param_groups[0]["lr"]))
        made.step()
        scheduler.step()
    return rates


def rates(recipe: Recipe, epoch: Fraction = Fraction(10)) -> list[float]:
    return [learning_rate(step, recipe, epoch, PlateauState()) for step in range(STEPS)]


def warm(after: Make) -> Make:
    return lambda made: lr_scheduler.SequentialLR(
        made, [lr_scheduler.LinearLR(made, 0.1, total_iters=12), after(made)], milestones=[12]
    )


CASES: list[tuple[str, Make]] = [
    ("{name: constant}", lambda made: lr_scheduler.ConstantLR(made, 1.0)),
    (
        "{name: step, step_size: 1.5 epochs, gamma: 0.3}",
        lambda made: lr_scheduler.StepLR(made, 15, 0.3),
    ),
    (
        "{name: multistep, milestones: [20 iterations, 4.5 epochs], gamma: 0.2}",
        lambda made: lr_scheduler.MultiStepLR(made, [20, 45], 0.2),
    ),
    (
        "{name: cosine, min_lr: 0.02}",
        lambda made: lr_scheduler.CosineAnnealingLR(made, STEPS, 0.02),
    ),
    ("{name: linear, min_lr: 0.02}", lambda made: lr_scheduler.LinearLR(made, 1.0, 0.05, STEPS)),
    (
        "{name: polynomial, power: 2.5}",
        lambda made: lr_scheduler.PolynomialLR(made, STEPS, 2.5),
    ),
    (
        "{name: cosine-restarts, t_0: 1 epoch, t_mult: 2, min_lr: 0.01}",
        lambda made: lr_scheduler.CosineAnnealingWarmRestarts(made, 10, 2, 0.01),
    ),
    (
        "{name: one-cycle}",
        lambda made: lr_scheduler.OneCycleLR(made, 0.4, STEPS, cycle_momentum=False),
    ),
    (
        "{name: one-cycle, pct_start: 0.15, div_factor: 5, anneal_strategy: linear}",
        lambda made: lr_scheduler.OneCycleLR(
            made,
            0.4,
            STEPS,
            pct_start=0.15,
            anneal_strategy="linear",
            cycle_momentum=False,
            div_factor=5,
        ),
    ),
]


@pytest.mark.parametrize(("schedule", "make"), CASES)
def test_every_schedule_is_torchs(schedule: str, make: Make) -> None:
    assert rates(load_recipe(f"schedule: {schedule}")) == pytest.approx(stepped(make), rel=1e-9)


@pytest.mark.parametrize(
    ("schedule", "make"),
    [
        (CASES[0][0], CASES[0][1]),
        (
            "{name: cosine, min_lr: 0.02}",
            lambda made: lr_scheduler.CosineAnnealingLR(made, STEPS - 12, 0.02),
        ),
        (
            "{name: linear, min_lr: 0.02}",
            lambda made: lr_scheduler.LinearLR(made, 1.0, 0.05, STEPS - 12),
        ),
        (
            "{name: multistep, milestones: [20 iterations, 45 iterations], gamma: 0.2}",
            lambda made: lr_scheduler.MultiStepLR(made, [8, 33], 0.2),
        ),
        (
            "{name: polynomial, power: 0.9}",
            lambda made: lr_scheduler.PolynomialLR(made, STEPS - 12, 0.9),
        ),
        (
            "{name: cosine-restarts, t_0: 7 iterations, min_lr: 0.01}",
            lambda made: lr_scheduler.CosineAnnealingWarmRestarts(made, 7, 1, 0.01),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("length", ["12 iterations", "1.2 epochs"])
def test_a_warm_up_is_torchs_with_the_schedule_after_it(
    schedule: str, make: Make, length: str
) -> None:
    found = rates(
        load_recipe(f"schedule: {schedule}", f"warmup: {{length: {length}, start_factor: 0.1}}")
    )
    assert found == pytest.approx(stepped(warm(make)), rel=1e-9)


def test_rates_that_change_each_epoch_are_those_of_a_scheduler_stepped_at_its_end() -> None:
    whole = stepped(lambda made: lr_scheduler.CosineAnnealingLR(made, 6), steps=6)
    found = rates(load_recipe("schedule: {name: cosine}", "lr_interval: epoch"))
    assert found == pytest.approx([whole[step // 10] for step in range(STEPS)], rel=1e-9, abs=1e-12)


def test_a_plateau_is_torchs() -> None:
    recipe = load_recipe(
        "schedule: {name: plateau, factor: 0.5, patience: 3, threshold: 0.01}",
        "holdout: 0.1",
        "evaluate: 1 epoch",
    )
    assert isinstance(recipe.schedule, PlateauSchedule)
    made = SGD([torch.zeros(1, requires_grad=True)], 0.4)
    # torch's patience is of tests that may pass in vain; ours is how many it takes
    scheduler = lr_scheduler.ReduceLROnPlateau(made, factor=0.5, patience=2, threshold=0.01)
    falling, draw, loss = PlateauState(), torch.Generator().manual_seed(1), 2.0
    for _ in range(80):
        loss *= 1 + 0.04 * float(torch.randn((), generator=draw)) - 0.005
        falling.update(loss, recipe.schedule)
        scheduler.step(loss)
        assert learning_rate(0, recipe, Fraction(10), falling) == pytest.approx(
            made.param_groups[0]["lr"], rel=1e-9
        )
    assert 3 < falling.reductions < 40


def test_a_warm_up_until_an_error_stays_low_until_then() -> None:
    recipe = load_recipe(
        "warmup: {length: 50 iterations, start_factor: 0.1, method: constant, until_error: 0.8}"
    )
    falling = PlateauState()
    assert learning_rate(30, recipe, Fraction(10), falling) == pytest.approx(0.04)
    falling.update_warmup(0.85, recipe)
    assert learning_rate(30, recipe, Fraction(10), falling) == pytest.approx(0.04)
    falling.update_warmup(0.79, recipe)
    assert learning_rate(30, recipe, Fraction(10), falling) == pytest.approx(0.4)
    falling.update_warmup(0.9, recipe)
    assert learning_rate(31, recipe, Fraction(10), falling) == pytest.approx(0.4)
    assert learning_rate(50, recipe, Fraction(10), PlateauState()) == pytest.approx(0.4)
