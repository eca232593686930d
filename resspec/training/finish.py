"""What is done once the last step is over, in stages of which each can be repeated.

    exact statistics of batch norm    a function of the last state
    weights.safetensors               what was trained is safe from here on, whatever happens in the test
    the test                          the one stage that reads test images
    metrics, pictures                 a picture that cannot be drawn is told, and ends nothing
    result.json                       it alone says that the run has ended

The last state is in a checkpoint by then. Where a stage fails, the same command begins again with the first one, and comes to
the same end as if nothing had been in the way.
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
from resspec.training.run import measurements, record
from resspec.training.steps import batch_norm, loop
from resspec.training.steps.state import Row, State
from resspec.training.stop import Stop
from resspec.training.weights import metadata
from resspec.training.weights.header import with_metadata

Say = Callable[[str], None]


def finish(
    plan: Plan, state: State, run: Path, watcher: loop.Watcher, stop: Stop, say: Say
) -> dict[str, Any]:
    """Turn the state after the last step into what a run leaves, and return what `result.json` says.

    Raises:
        StopRequested: A signal ended the test; nothing is lost, and the run has not ended.
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
        record.end(run, facts)
    return facts


def draw(plan: Plan, rows: list[Row], run: Path, say: Say) -> None:
    """Draw the curves; tell what is in the way of it, which takes nothing from what was trained.

    Raises:
        UsageError: There is no room for them.
    """
    title = f"{plan.job.network.name} on {plan.job.data.name}"
    try:
        curves.draw([Curve(title, rows)], run)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 (matplotlib raises what it likes, and may be missing)
        why = f"{type(error).__name__}: {error}"
        told = f"the curves of {run} could not be drawn ({why}); everything else is saved"
        say(f"{told}; run the same command again to draw them")


def is_drawn(run: Path) -> bool:
    """Return whether the pictures of a run are there."""
    return all((run / name).exists() for name in curves.PICTURES)


def _measure_batch_norm(plan: Plan, state: State, watcher: loop.Watcher) -> None:
    """Replace batch norm's statistics by exact ones over so many training images, where the recipe asks for it."""
    recipe = plan.recipe
    if not recipe.precise_bn:
        return

    def images() -> Iterator[Tensor]:
        last = plan.steps + -(-recipe.precise_bn // recipe.batch_size)
        for batch in loop.shown(plan, plan.steps, last):
            yield from batch.images.split(plan.machine.micro_batch_size)

    with loop.recording_unreadable(state, watcher):
        batch_norm.measure(state.best, images(), plan.processes.all_reduce_sum)


def _save_weights(plan: Plan, state: State, run: Path) -> str:
    """Write the trained tensors, and what they say of themselves; return the digest of the file."""
    digest = ""
    if plan.processes.is_main:
        tensors = {name: tensor.contiguous() for name, tensor in state.best.state_dict().items()}
        told = metadata.of_job(plan.job, record.spec(run))
        content = with_metadata(save(tensors), told)
        write(run / "weights.safetensors", content)
        digest = sha256(content).hexdigest()
    return plan.processes.broadcast(digest)


def _test(plan: Plan, state: State, watcher: loop.Watcher, stop: Stop) -> dict[str, Any]:
    """Test the final weights: the last row of the metrics, and the test images once. Raises StopRequested, UsageError."""
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
