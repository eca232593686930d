"""Training on one page: steps until the plan is fulfilled; between them rows of metrics, tests, checkpoints, and the end that
a signal asks for. Everything that changes is in the state, and everything else in the plan."""

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
    """What the loop tells as it goes: `stepped(step, seconds of waiting for data)`, `measured(row)`, `save(state)`,
    `unreadable(state, error)` of a training image that cannot be decoded, and by `task` what it is doing.
    `check()` raises UsageError where the run folder is not this process's own any more."""

    stepped: Callable[[int, float], None]
    measured: Callable[[Row], None]
    save: Callable[[State], None]
    unreadable: Callable[[State, UsageError], None] = lambda *_: None
    check: Callable[[], None] = lambda: None
    task: Task = field(default_factory=Task)


class StopRequested(ResspecError):
    """A signal asked for an end, and the state is saved."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class NotFinite(ResspecError):
    """A step that was not finite; the weights are as they were before it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "E0608")


def fit(plan: Plan, state: State, learner: Learner, watcher: Watcher, stop: Stop) -> None:
    """Train from where the state stands up to the last step, after which the state is saved and nothing is tested yet.

    Where a checkpoint and a test are due at one step, the checkpoint comes first: no test can cost what was trained.

    Raises:
        StopRequested: A signal asked for an end; the state is saved.
        NotFinite: A step was not finite.
        UsageError: An image cannot be read.
    """
    recipe, epoch, task = plan.recipe, plan.order.epoch, watcher.task
    task.saved = state.step
    batches = shown(plan, state.step, plan.steps)
    while True:
        if state.step % plan.log_interval == 0 or state.step == plan.steps:
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
    """Around the reading of training images: the run remembers that it waits for one of them to be mended."""
    try:
        yield
    except UsageError as error:
        if error.code == UNREADABLE:
            watcher.unreadable(state, error)
        raise


def shown(plan: Plan, start: int, stop: int) -> Iterator[Batch]:
    """The batches of these steps, this process's part of each."""
    job, device = plan.job, plan.processes.device
    return job.data.train.batches(
        plan.order.draws(start, stop), transform=job.recipe.data, device=device, workers=job.workers
    )


def log(plan: Plan, state: State, learner: Learner, watcher: Watcher) -> bool:
    """Add a row for the images shown since the last one, each as it was told before the step that learned from it.

    Return False where there were none, as where a run goes on from a step whose row it has. Raises NotFinite.
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
    """Test on the part that was kept apart, or else on the test images. Return False where a signal left it undone."""
    data, (_, apart) = plan.job.data, plan.images
    split, indices = (
        (data.train, apart) if len(apart) else (data.test, torch.arange(len(data.test)))
    )
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
    """Raises NotFinite where a step was not finite, or anything that a checkpoint would hold is not."""
    bad, name = int(state.guard.bad), guard.first_non_finite(state.tensors())
    if not plan.processes.all_reduce_any(bad >= 0 or name is not None):
        return
    if bad < 0:
        raise NotFinite(f"`{name}` is not finite after step {state.step}, which was not saved")
    state.step = bad
    draw, (batch,) = plan.order.draw(bad), shown(plan, bad, bad + 1)
    epoch = int(bad / plan.order.epoch)
    images = ", ".join(map(str, draw.indices[:4].tolist()))
    raise NotFinite(
        f"step {bad} (epoch {epoch + 1}, images {images}, … of the training part) is not finite: first is "
        f"{learner.culprit(batch) or 'nothing when the step is repeated'}; the weights were not changed, "
        "and the step was not saved"
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
