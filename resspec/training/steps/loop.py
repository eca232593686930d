"""The training loop: steps, and between them metrics, tests, checkpoints, and a stop on a signal.

Everything that changes is in the state, and everything else in the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import torch
from torch import Tensor, nn

from resspec.diagnostics import ResspecError, UsageError
from resspec.training.data import Batch, Split
from resspec.training.evaluate import TEST_BATCH, EvalConfig, evaluate_module
from resspec.training.plan import Plan
from resspec.training.rescue import UNREADABLE, Task
from resspec.training.steps import guard
from resspec.training.steps.schedules import learning_rate
from resspec.training.steps.state import Row, State
from resspec.training.steps.step import Learner
from resspec.training.stop import Stop


@dataclass(frozen=True)
class Watcher:
    """Callbacks of the loop.

    Attributes:
        stepped: Called before each step, with its number and the seconds of waiting for its data.
        measured: Called with each row of the metrics.
        save: Saves a checkpoint.
        unreadable: Called when a training image cannot be decoded.
        check: Raises UsageError if another process has taken the run folder.
        task: The current task, for messages about failures.
    """

    stepped: Callable[[int, float], None]
    measured: Callable[[Row], None]
    save: Callable[[State], None]
    unreadable: Callable[[State, UsageError], None] = lambda *_: None
    check: Callable[[], None] = lambda: None
    task: Task = field(default_factory=Task)


class StopRequested(ResspecError):
    """A stop on a signal, after the state was saved."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class NotFinite(ResspecError):
    """A step that was not finite; the weights are as they were before it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "E0608")


def fit(plan: Plan, state: State, learner: Learner, watcher: Watcher, stop: Stop) -> None:
    """Train from the state to the last step, and save the state; the last test is left to others.

    If a checkpoint and a test are due at the same step, the checkpoint comes first, so that a
    failing test cannot lose steps.

    Raises:
        StopRequested: A signal asked for a stop; the state is saved.
        NotFinite: A step was not finite.
        UsageError: An image cannot be read.
    """
    recipe, epoch, task = plan.recipe, plan.order.epoch, watcher.task
    task.saved = state.step
    batches = shown(plan, state.step, plan.steps)
    while True:
        if plan.is_logged(state.step):
            task.doing = f"while logging step {state.step:,}"
            if log(plan, state, learner, watcher):
                task.stale = True

        asked = stop.agreed()
        last = state.step == plan.steps
        due = asked or last or recipe.checkpoint.ends_at(state.step, epoch)
        if due and (task.saved < state.step or task.stale):
            with task.saving(state.step):
                check_finite(plan, state, learner)
                watcher.save(state)
        if asked:
            raise StopRequested(asked)
        if last:
            return

        if _is_test_due(plan, state):
            task.doing = f"while testing after step {state.step:,}"
            check_finite(plan, state, learner)
            if not test_between(plan, state, watcher, stop):
                continue

        task.doing = f"while reading the images of step {state.step + 1:,}"
        start = perf_counter()
        with recording_unreadable(state, watcher):
            batch = next(batches)
        watcher.stepped(state.step, perf_counter() - start)
        task.doing = f"in step {state.step + 1:,}"
        learner.learn(batch)


def _is_test_due(plan: Plan, state: State) -> bool:
    evaluate = plan.recipe.evaluate
    if evaluate is None or state.tested == state.step:
        return False
    return evaluate.ends_at(state.step, plan.order.epoch)


@contextmanager
def recording_unreadable(state: State, watcher: Watcher) -> Iterator[None]:
    """Report an image that cannot be read to the watcher, and raise its error."""
    try:
        yield
    except UsageError as error:
        if error.code == UNREADABLE:
            watcher.unreadable(state, error)
        raise


def shown(plan: Plan, start: int, stop: int) -> Iterator[Batch]:
    """Yield this process's part of the batches of some steps."""
    job, device = plan.job, plan.processes.device
    return job.data.train.batches(
        plan.order.draws(start, stop), transform=job.recipe.data, device=device, workers=job.workers
    )


def log(plan: Plan, state: State, learner: Learner, watcher: Watcher) -> bool:
    """Add a row for the images since the last one, each predicted before its step learned.

    Returns:
        Whether there were any; not after resuming from a step whose row was written.

    Raises:
        NotFinite: A step was not finite.
    """
    loss, right, count = state.sums.tolist()
    if not count and int(state.guard.bad) < 0:
        return False
    check_finite(plan, state, learner)
    last = learning_rate(state.step - 1, plan.recipe, plan.order.epoch, state.plateau)
    row = _row(plan, state, "train", last, loss / count, right / count)
    with watcher.task.changing():
        state.sums.zero_()
        state.plateau.update_warmup(1 - row["top1"], plan.recipe)
        state.rows.append(row)
    watcher.measured(row)
    return True


def test_between(plan: Plan, state: State, watcher: Watcher, stop: Stop) -> bool:
    """Evaluate on the held-out images, or else on the test images.

    Returns:
        Whether it was finished; not if a signal stopped it.
    """
    data, (_, apart) = plan.job.data, plan.images
    split = data.train if len(apart) else data.test
    indices = apart if len(apart) else torch.arange(len(data.test))
    found = test(plan, state.best, split, indices, lambda: stop.alone and stop.asked)
    if found is None:
        return False
    loss, top1, top5 = found
    row = _row(plan, state, "held-out" if len(apart) else "test", None, loss, top1, top5)
    with watcher.task.changing():
        state.tested = state.step
        if len(apart) and plan.recipe.schedule.name == "plateau":
            state.plateau.update(loss, plan.recipe.schedule)
        state.rows.append(row)
    watcher.measured(row)
    return True


def test(
    plan: Plan,
    module: nn.Module,
    split: Split,
    indices: Tensor,
    interrupted: Callable[[], object] = lambda: False,
) -> tuple[float, float, float] | None:
    """Return loss, top-1 and top-5 accuracy over these images; None if it was interrupted."""
    config = EvalConfig(
        split,
        plan.recipe.data.test,
        batch_size=TEST_BATCH,
        workers=plan.job.workers,
        precision=plan.machine.precision,
        indices=indices,
    )
    classes = len(plan.job.data.classes)
    found = evaluate_module(module, classes, config, plan.processes, interrupted=interrupted)
    if found is None:
        return None
    return found.loss, found.correct / found.total, found.top5_correct / found.total


def check_finite(plan: Plan, state: State, learner: Learner) -> None:
    """Raise NotFinite if a step was not finite, or a tensor of the state is not."""
    bad, name = int(state.guard.bad), guard.first_non_finite(state.tensors())
    if not plan.processes.all_reduce_any(bad >= 0 or name is not None):
        return
    if bad < 0:
        raise NotFinite(f"`{name}` is not finite after step {state.step}, which was not saved")
    state.step = bad
    draw, (batch,) = plan.order.draw(bad), shown(plan, bad, bad + 1)
    epoch = int(bad / plan.order.epoch)
    images = ", ".join(map(str, draw.indices[:4].tolist()))
    where = f"step {bad} (epoch {epoch + 1}, images {images}, … of the training part)"
    first = learner.culprit(batch) or "nothing when the step is repeated"
    raise NotFinite(
        f"{where} is not finite: first is {first}; "
        "the weights were not changed, and the step was not saved"
    )


def _row(
    plan: Plan,
    state: State,
    part: str,
    lr: float | None,
    loss: float,
    top1: float,
    top5: float | None = None,
) -> Row:
    epoch = round(float(state.step / plan.order.epoch), 4)
    return {
        "step": state.step,
        "epoch": epoch,
        "part": part,
        "lr": lr,
        "loss": loss,
        "top1": top1,
        "top5": top5,
    }
