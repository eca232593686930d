"""The end of a run, after the last step, in stages that can be repeated.

    exact statistics of batch norm    a function of the last state
    weights.safetensors               the trained weights are safe from here on
    the test                          the only stage that reads test images
    metrics, pictures, card.md        a failure to draw a picture is only reported
    result.json                       its existence means that the run has finished

The last state is in a checkpoint by then. If a stage fails, running the same command again repeats
all of them, with the same result as if nothing had failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.files import write
from resspec.training.output import curves
from resspec.training.output.curves import Curve
from resspec.training.plan import Plan
from resspec.training.run import card, measurements, record
from resspec.training.steps import batch_norm, loop
from resspec.training.steps.frozen import Frozen
from resspec.training.steps.state import Row, State
from resspec.training.stop import Stop
from resspec.training.weights import metadata
from resspec.training.weights.header import with_metadata

Say = Callable[[str], None]


def finish(
    plan: Plan, state: State, run: Path, watcher: loop.Watcher, stop: Stop, say: Say
) -> dict[str, Any]:
    """Write the results of a run after its last step, and return the content of `result.json`.

    Raises:
        StopRequested: A signal ended the test; nothing is lost, and the run has not finished.
        UsageError: An image cannot be read, or there is no room.
    """
    task = watcher.task
    task.doing = "while measuring batch norm's statistics"
    _measure_batch_norm(plan, state, watcher)
    task.doing = "while saving the weights"
    watcher.check()
    digest = _save_weights(plan, state, run)
    task.doing = "while testing the trained weights"
    facts = {**_test(plan, state, watcher, stop), "weights": digest}
    if plan.processes.is_main:
        task.doing = "while writing the results"
        watcher.check()
        measurements.rewrite(run, state.rows)
        draw(plan, state.rows, run, say)
        card.save(run, plan, facts)
        record.end(run, facts)
    return facts


def draw(plan: Plan, rows: list[Row], run: Path, say: Say) -> None:
    """Draw the curves, and report if that fails, which costs nothing else.

    Raises:
        UsageError: There is no room for them.
    """
    title = f"{plan.job.network.name} on {plan.job.data.name}"
    try:
        curves.draw([Curve(title, rows)], run)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 (matplotlib raises anything, or is missing)
        why = f"{type(error).__name__}: {error}"
        problem = f"the curves of {run} could not be drawn ({why}); everything else is saved"
        say(f"{problem}; run the same command again to draw them")


def is_drawn(run: Path) -> bool:
    """Return whether the pictures of a run exist."""
    return all((run / name).exists() for name in curves.PICTURES)


def _measure_batch_norm(plan: Plan, state: State, watcher: loop.Watcher) -> None:
    """Replace the statistics of batch norm by exact ones, if the recipe has `precise_bn`."""
    recipe = plan.recipe
    if not recipe.precise_bn:
        return

    def images() -> Iterator[Tensor]:
        last = plan.steps + -(-recipe.precise_bn // recipe.batch_size)
        for batch in loop.shown(plan, plan.steps, last):
            yield from batch.images.split(plan.machine.micro_batch_size)

    frozen = Frozen(state.best, plan.job.network, recipe, plan.order.epoch).norms(plan.steps)
    with loop.recording_unreadable(state, watcher):
        batch_norm.measure(state.best, images(), plan.processes.all_reduce_sum, frozen)


def _save_weights(plan: Plan, state: State, run: Path) -> str:
    """Write the trained tensors with their metadata; return the digest of the file."""
    digest = ""
    if plan.processes.is_main:
        tensors = {name: tensor.contiguous() for name, tensor in state.best.state_dict().items()}
        content = with_metadata(save(tensors), metadata.of_job(plan.job, record.spec(run)))
        write(run / "weights.safetensors", content)
        digest = sha256(content).hexdigest()
    return plan.processes.broadcast(digest)


def _test(plan: Plan, state: State, watcher: loop.Watcher, stop: Stop) -> dict[str, Any]:
    """Test the final weights for the last row of the metrics, and once on the test images."""
    data = plan.job.data
    held_out = len(plan.images[1]) > 0
    if not loop.test_between(plan, state, watcher, stop):
        raise loop.StopRequested(stop.asked)

    if held_out:
        indices = torch.arange(len(data.test))
        found = loop.test(plan, state.best, data.test, indices, lambda: stop.alone and stop.asked)
        if found is None:
            raise loop.StopRequested(stop.asked)
        loss, top1, top5 = found
    else:
        row = state.rows[-1]
        loss, top1, top5 = row["loss"], row["top1"], row["top5"]

    total = len(data.test)
    return {
        "loss": loss,
        "top1": top1,
        "top5": top5,
        "correct": round(top1 * total),
        "total": total,
        "test": {
            "images": data.test.digest,
            "protocol": "1-crop",
            "transform": plan.recipe.data.test.model_dump(mode="json"),
        },
    }
