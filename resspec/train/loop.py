"""Training on one page: steps until the plan is fulfilled; between them rows of metrics, tests, checkpoints, and the end that
a signal asks for. Everything that changes is in the state, and everything else in the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn

from resspec.diagnostics import ResspecError
from resspec.train import guard, losses
from resspec.train.data import Batch, Split
from resspec.train.evaluate import Exam, looked_at
from resspec.train.plan import Plan
from resspec.train.schedules import rate
from resspec.train.state import Row, State
from resspec.train.step import Learner
from resspec.train.stop import Stop

TEST_BATCH = 256


@dataclass(frozen=True)
class Watcher:
    """What the loop tells as it goes: `stepped(step, seconds of waiting for data)`, `measured(row)`, and `save(state)`."""

    stepped: Callable[[int, float], None]
    measured: Callable[[Row], None]
    save: Callable[[State], None]


class Asked(ResspecError):
    """A signal asked for an end, and the state is saved."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class NotFinite(ResspecError):
    """A step that would have spoiled the weights; they are as they were before it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "E0608")


def fit(plan: Plan, state: State, learner: Learner, watcher: Watcher, stop: Stop) -> None:
    """From where the state stands to the end of the plan. Raises Asked, NotFinite."""
    recipe, epoch, saved = plan.recipe, plan.order.epoch, state.step
    batches = shown(plan, state.step, plan.steps)
    while True:
        due = plan.steps == state.step or (recipe.evaluate is not None and recipe.evaluate.ends_at(state.step, epoch))
        if due and state.tested < state.step:
            refuse_spoiled(plan, state, learner)
            test_between(plan, state, watcher, stop)
        asked = stop.agreed()
        if saved < state.step and (asked or state.step == plan.steps or recipe.checkpoint.ends_at(state.step, epoch)):
            refuse_spoiled(plan, state, learner)
            watcher.save(state)
            saved = state.step
        if asked:
            raise Asked(asked)
        if state.step == plan.steps:
            return
        start = perf_counter()
        batch = next(batches)
        watcher.stepped(state.step, perf_counter() - start)
        learner.learn(batch)
        if state.step % recipe.log == 0 or state.step == plan.steps:
            refuse_spoiled(plan, state, learner)
            log(plan, state, watcher)


def shown(plan: Plan, start: int, stop: int) -> Iterator[Batch]:
    """The batches of these steps, this process's part of each."""
    job, device = plan.job, plan.processes.device
    return job.data.train.batches(plan.order.draws(start, stop), view=job.recipe.data, device=device, workers=job.workers)


def log(plan: Plan, state: State, watcher: Watcher) -> None:
    """A row for the images shown since the last one, each as it was told before the step that learned from it."""
    loss, right, count = state.sums.tolist()
    last = rate(state.step - 1, plan.recipe, plan.order.epoch, state.falling)
    state.sums.zero_()
    row = _row(plan, state, "train", last, loss / count, right / count) if count else None
    if row:
        state.falling.showed(1 - row["top1"], plan.recipe)
        state.rows.append(row)
        watcher.measured(row)


def test_between(plan: Plan, state: State, watcher: Watcher, stop: Stop) -> None:
    """On the part that was kept apart, or else on the test images. A signal leaves it undone."""
    data, (_, apart) = plan.job.data, plan.images
    split, indices = (data.train, apart) if len(apart) else (data.test, torch.arange(len(data.test)))
    found = test(plan, state.best, split, indices, lambda: stop.alone and stop.asked)
    if found is None:
        return
    loss, top1, top5 = found
    state.tested = state.step
    row = _row(plan, state, "held-out" if len(apart) else "test", None, loss, top1, top5)
    if len(apart) and plan.recipe.schedule.name == "plateau":
        state.falling.saw(loss, plan.recipe.schedule)
    state.rows.append(row)
    watcher.measured(row)


@torch.no_grad()
def test(
    plan: Plan, module: nn.Module, split: Split, indices: Tensor, interrupted: Callable[[], object] = lambda: False
) -> tuple[float, float, float] | None:
    """Mean loss, top-1 and top-5 over these images, each counted once whatever the number of processes; None where it was
    interrupted."""
    processes = plan.processes
    exam = Exam(split, plan.recipe.data.test, batch=TEST_BATCH, workers=plan.job.workers)
    mine = indices[processes.rank :: processes.world]
    sums = torch.zeros(3, dtype=torch.float64, device=processes.device)
    module.eval()
    for _, (images, targets) in looked_at(exam, exam.view, mine, processes.device):
        if interrupted():
            return None
        with plan.machine.autocast(processes.device):
            scores = module(images).float()
        best = scores.topk(min(5, scores.shape[1])).indices == targets[:, None]
        loss = losses.loss(scores, targets, plan.recipe).double() * len(images)
        sums += torch.stack([loss, best[:, 0].sum(), best.sum()])
    loss, top1, top5 = (processes.sum(sums) / len(indices)).tolist()
    return loss, top1, top5


def refuse_spoiled(plan: Plan, state: State, learner: Learner) -> None:
    """Raises NotFinite where a step was not finite, or anything that a checkpoint would hold is not."""
    bad, spoiled = int(state.guard.bad), guard.spoiled(state.tensors())
    if not plan.processes.any(bad >= 0 or spoiled is not None):
        return
    if bad < 0:
        raise NotFinite(f"`{spoiled}` is not finite after step {state.step}; nothing of it was saved")
    state.step = bad
    draw, (batch,) = plan.order.draw(bad), shown(plan, bad, bad + 1)
    epoch = int(bad / plan.order.epoch)
    images = ", ".join(map(str, draw.indices[:4].tolist()))
    raise NotFinite(f"step {bad} (epoch {epoch + 1}, images {images}, … of the training part) is not finite: first is "
                    f"{learner.culprit(batch) or 'nothing when it is made again'}; the weights are as they were before it, "
                    "and nothing of it was saved")


def _row(
    plan: Plan, state: State, part: str, rate: float | None, loss: float, top1: float, top5: float | None = None
) -> Row:
    epoch = round(float(state.step / plan.order.epoch), 4)
    return {"step": state.step, "epoch": epoch, "part": part, "rate": rate, "loss": loss, "top1": top1, "top5": top5}
