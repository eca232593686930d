"""The plan of a run, and its result, as text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from resspec.passes.measure import measure
from resspec.passes.quantities import Facts
from resspec.passes.recomputation import Recomputation
from resspec.training import machine, recipe_file
from resspec.training.automatic import CHOSEN
from resspec.training.plan import Job, Plan
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
from resspec.training.trainer import Result
from resspec.units import size_of


def text(plan: Plan, run: Path) -> str:
    """Return the plan as a table of names and values."""
    return "".join(f"{name:<12} {words}\n" for name, words in _lines(plan, run))


def chosen_recipe(job: Job) -> str:
    """Return the recipe of a job if resspec chose it, with all settings; empty if it was given."""
    if job.written is None or job.written.text.source.name != CHOSEN:
        return ""
    why, *lines = recipe_file.brief(job.recipe).splitlines()
    indented = "".join(f"             {line}\n" for line in lines)
    return f"{'recipe':<12} {why.removeprefix('source: ')}\n{indented}"


def _lines(plan: Plan, run: Path) -> list[tuple[str, str]]:
    job, recipe, chosen, world = plan.job, plan.recipe, plan.machine, plan.processes.world
    batch = f"{recipe.batch_size}" + (f" over {world} processes" if world > 1 else "")
    batch += (
        f", {chosen.micro_batch_size} at a time"
        if chosen.micro_batch_size * world < recipe.batch_size
        else ""
    )
    batch += f", batch norm sees {recipe.bn_batch_size}" if recipe.bn_batch_size else ""
    again = plan.recomputation
    bound = machine.bound(job.network, recipe, chosen.micro_batch_size, chosen.precision)
    bound = again.peak if again else bound
    memory = machine.memory(plan.processes.device)
    of_free = "; the free memory is unknown" if memory is None else f" of {size_of(memory)} free"
    room = next(path for path in (run, *run.absolute().parents) if path.exists())
    trained_on, held_out = map(len, plan.images)
    images = f"{trained_on:,} images" + (f", {held_out:,} held out" if held_out else "")
    layout = ", channels last" * chosen.channels_last + ", compiled" * chosen.compile
    return [
        ("network", f"{job.network.name}, {measure(job.network).params:,} parameters"),
        ("data", f"{job.data.name}, {images}, {len(job.data.test):,} for testing"),
        (
            "steps",
            f"{plan.steps:,} ({_epochs(plan):.4g} epochs of {float(plan.order.epoch):,.6g} steps)",
        ),
        ("batch", batch),
        (
            "optimizer",
            ", ".join(
                f"{name} {value}" if name != "name" else value
                for name, value in recipe.optimizer.model_dump().items()
            ),
        ),
        ("schedule", schedule(recipe) + _cold(plan)),
        *_sections(recipe),
        ("precision", f"{chosen.precision}{layout}"),
        (
            "device",
            f"{plan.processes.device.type}, {chosen.threads} thread{'s' * (chosen.threads > 1)}",
        ),
        ("memory", f"at least {size_of(bound)}{of_free}"),
        *([("recompute", _recomputed(plan, again))] if again else []),
        (
            "checkpoint",
            f"{size_of(job.state_bytes)}, {recipe.keep} kept, every {recipe.checkpoint}",
        ),
        ("disk", f"{size_of(shutil.disk_usage(room).free)} free"),
        ("run", str(run)),
    ]


def _sections(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield how sections differ from each other in training."""
    if freeze := recipe.freeze:
        until = f" until {freeze.until}" if freeze.until else ""
        norms = ", but not their batch norms" if freeze.batch_norm == "train" else ""
        yield "frozen", f"{', '.join(freeze.sections)}{until}{norms}"
    scales = [f"{name} times {factor:g}" for name, factor in (recipe.lr_scale or {}).items()]
    if recipe.layer_decay != 1:
        scales.append(f"times {recipe.layer_decay:g} for each layer below the last")
    if scales:
        yield "rates", ", ".join(scales)


def _recomputed(plan: Plan, again: Recomputation) -> str:
    """Return what the memory budget costs."""
    facts = Facts(plan.job.network)
    share = again.macs / (facts.total("macs") + facts.total("backward_macs"))
    blocks = f"{len(again.blocks)} of {again.of} blocks"
    return f"{blocks}, {share:.1%} more macs, for a budget of {plan.recipe.memory}"


def _epochs(plan: Plan) -> float:
    """Return the number of epochs, as the recipe says; the last step may end a bit later."""
    return float(plan.recipe.epochs or plan.steps / plan.order.epoch)


def schedule(recipe: Recipe) -> str:
    """Return the learning rate over the run, in words."""
    told = recipe.schedule
    match told:
        case ConstantSchedule():
            words = "constant"
        case StepSchedule():
            words = f"times {told.gamma:g} every {told.step_size}"
        case MultiStepSchedule():
            words = f"times {told.gamma:g} at {', '.join(map(str, told.milestones))}"
        case CosineSchedule():
            words = f"cosine down to {told.min_lr:g}"
        case LinearSchedule():
            words = f"linear down to {told.min_lr:g}"
        case PolynomialSchedule():
            words = f"down to {told.min_lr:g} with power {told.power:g}"
        case CosineRestartsSchedule():
            longer = f", each {told.t_mult} times as long" if told.t_mult > 1 else ""
            words = f"cosine down to {told.min_lr:g}, again from {told.t_0} on{longer}"
        case OneCycleSchedule():
            words = f"one cycle, up during {told.pct_start:.0%} of the steps"
        case PlateauSchedule():
            words = f"times {told.factor:g} after {told.patience} tests without improvement"
    return words + (f", after a warm-up of {recipe.warmup.length}" if recipe.warmup else "")


def _cold(plan: Plan) -> str:
    """Return a warning if the warm-up is not over when the run ends, else nothing."""
    warmup = plan.recipe.warmup
    if warmup is None or warmup.until_error or warmup.length.steps(plan.order.epoch) < plan.steps:
        return ""
    return ", which is not over when the run ends"


def summary(result: Result) -> str:
    """Return the result of a run in a line."""
    facts = result.facts
    again = "this run was already finished: " if result.again else ""
    top1 = facts["top1"]
    correct = f"{facts['correct']} of {facts['total']} images correct"
    return (
        f"{again}test accuracy {top1:.2%} (top-1 error {1 - top1:.2%}; {correct}), "
        f"loss {facts['loss']:.4f}, recorded in {result.run}"
    )
