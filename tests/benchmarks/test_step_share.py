"""The share of training in memory that the model's own passes and optimizer take: `make bench`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import torch

from resspec.compiler import load
from resspec.training import data, recipe_file, trainer
from resspec.training.distributed.processes import Processes
from resspec.training.plan import Job
from resspec.training.steps import loop
from resspec.training.steps.step import Learner
from resspec.training.stop import Stop

ALONE = Processes(0, 1, torch.device("cpu"))


def test_97_percent_of_the_time_is_forward_backward_and_optimizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [
        ("iterations", "140"),
        ("evaluate", "100 epochs"),
        ("checkpoint", "100 epochs"),
    ]
    recipe = recipe_file.load("fashion-mnist", settings)
    plan = trainer.planned(
        Job(load("fashion20"), recipe, data.load("fashion-mnist")), tmp_path, ALONE
    )
    inside = 0.0

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            nonlocal inside
            start = perf_counter()
            result = call(*given, **named)
            inside += perf_counter() - start
            return result

        return run

    with trainer.settled(plan):
        state = trainer.begun(plan)
        learner = Learner(plan, state)
        learner.run.forward = timed(learner.run.forward)
        monkeypatch.setattr(torch.Tensor, "backward", timed(torch.Tensor.backward))
        monkeypatch.setattr(state.optimizer, "step", timed(state.optimizer.step))
        marks: list[tuple[float, float]] = []

        def stepped(step: int, waited: float) -> None:
            del waited
            if step in (20, 139):  # the first steps find their kernels
                marks.append((perf_counter(), inside))

        watcher = loop.Watcher(stepped, lambda _: None, lambda _: None)
        monkeypatch.setattr(loop, "test_between", lambda *_: None)
        loop.fit(plan, state, learner, watcher, Stop(ALONE))
    (start, before), (end, after) = marks
    share = (after - before) / (end - start)
    print(
        f"\n{share:.1%} of {end - start:.1f} s, {(end - start) / 119 * 1e3:.1f} ms a step, {plan.machine.precision}"
    )
    assert share >= 0.97
