"""From a job to a trained network: run folder, resume, training loop, final evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from resspec.backends.expand import expand
from resspec.backends.module import build
from resspec.diagnostics import UsageError
from resspec.training import preflight, stop
from resspec.training.data.folder import InFolders
from resspec.training.distributed.processes import Processes
from resspec.training.finish import draw, finish, is_drawn
from resspec.training.machine import Machine
from resspec.training.machine.decide import decide
from resspec.training.output.progress import Show
from resspec.training.plan import Job, Plan
from resspec.training.rescue import Rescuer, Task, reported, rescue
from resspec.training.run import checkpoint, ended, measurements, record, repaired
from resspec.training.run.lock import Lock
from resspec.training.run.repaired import RepairedSplit
from resspec.training.run.resume import Seen, as_begun, changes, check_same, identity, look
from resspec.training.steps import ema, loop
from resspec.training.steps.frozen import lr_scales
from resspec.training.steps.guard import Guard
from resspec.training.steps.optimizers import optimizer
from resspec.training.steps.state import Row, State
from resspec.training.steps.step import Learner, seed
from resspec.training.weights.preprocessing import preprocessing


@dataclass(frozen=True)
class Result:
    """The end of a run.

    Attributes:
        run: The folder of the run.
        facts: Loss, top-1 and top-5 of the test images, and more.
        again: Whether the run was already finished.
    """

    run: Path
    facts: dict[str, Any]
    again: bool = False

    @property
    def accuracy(self) -> float:
        return float(self.facts["top1"])


def planned(
    job: Job,
    run: Path,
    processes: Processes,
    *,
    tell: Callable[[str], None] = lambda _: None,
    bar: preflight.Bar = preflight.silent,
    full_check: bool = False,
    only_plans: bool = False,
) -> Plan:
    """Check that a job can be done in a folder, and decide how.

    Args:
        job: What is asked for.
        run: The folder of the run; what was decided there before is kept.
        processes: The processes that train together.
        tell: Called with each note of the checks.
        bar: Shows how many images were checked.
        full_check: Whether every training image is decoded.
        only_plans: Whether nothing will be trained.

    Raises:
        SpecError: The job cannot be done; it holds every mistake.
        UsageError: The folder holds another job, or the processes were not asked for the same.
    """
    request = preflight.of_job(job, run, processes, full_check=full_check, only_plans=only_plans)
    inspections = preflight.require([request], tell=tell, bar=bar)
    plan = decided(job, run, processes, preflight.least_images(request, inspections))
    plan.check_budget()
    return plan


def decided(job: Job, run: Path, processes: Processes, least: int) -> Plan:
    """Return the plan of the run in a folder: as it was decided, or decided now.

    Args:
        job: The task, which has been checked.
        run: The folder of the run.
        processes: The processes that train together.
        least: The least number of images of a micro-batch.

    Raises:
        UsageError: The folder holds another job, something else, or a damaged run.
    """
    seen = Seen(*processes.broadcast(look(job, run) if processes.is_main else Seen(None)))
    found = seen.found
    if found is None:
        return Plan(job, decide(job.network, job.recipe, processes, least), processes)
    if seen.refused:
        raise UsageError(seen.refused, "E0605")
    job = as_begun(job, seen)
    chosen = Machine(**{field.name: found["machine"][field.name] for field in fields(Machine)})
    if (
        found["machine"]["processes"] != processes.world
    ):  # the order of images stays; how many fit at a time does not
        chosen = replace(
            chosen,
            micro_batch_size=decide(job.network, job.recipe, processes, least).micro_batch_size,
        )
    return Plan(job, chosen, processes)


def train(
    plan: Plan, run: Path, *, show: Show, say: Callable[[str], None] = lambda _: None
) -> Result:
    """Train, from the newest checkpoint in the run folder if there is one.

    If an error ends the run, the state is saved first where it is whole.

    Raises:
        UsageError: The folder is in use, there is no room, or an image cannot be read.
        Stopped: A signal asked for a stop.
        NotFinite: A step was not finite.
        Crashed: Any other failure.
    """
    first, task = plan.processes.is_main, Task()
    with (
        reported(task, run, plan.processes),
        record.locked(run) if first else nullcontext() as lock,
        settled(plan),
        stop.watched(plan.processes) as stopping,
    ):
        if result := plan.processes.broadcast(record.result(run) if first else None):
            if first:
                ended.check_weights(run, result)
                _draw_missing(plan, run, say)
            return Result(run, result, again=True)
        state = begun(plan)  # first, since it may raise: a run that cannot begin takes no folder
        if first:
            found = _begin(plan, run)
        learner = Learner(plan, state)
        _resume(plan, state, run, say)
        if first:
            _record_changes(plan, run, found, state.step, say)
            repaired.stop_waiting(run)
            measurements.rewrite(run, state.rows)
        watcher = _watcher(plan, run, show, task, lock)
        try:
            show.start(plan, state)
            loop.fit(plan, state, learner, watcher, stopping)
            facts = finish(plan, state, run, watcher, stopping, say)
        except loop.StopRequested as asked:
            raise stop.Stopped(asked.number, _stopped(plan, state, asked.number)) from None
        except loop.NotFinite:
            raise
        except BaseException as error:
            rescue(error, task, state, learner.undo, _rescuer(plan, watcher, lock))
            raise
        finally:
            stopping.settle()
            show.stop()
    return Result(run, facts)


def _stopped(plan: Plan, state: State, number: int) -> str:
    """Return the message for a run that a signal stopped."""
    stopped = f"stopped {stop.reason(number)}"
    if state.step == 0:
        return f"{stopped} before the first step; run the same command again to start"
    saved = f"after step {state.step:,} of {plan.steps:,}, checkpoint saved"
    return f"{stopped} {saved}; run the same command again to resume"


def begun(plan: Plan) -> State:
    """Return the state before the first step."""
    device, recipe = plan.processes.device, plan.recipe
    seed(plan.job.seed, torch.device("cpu"))
    module = build(plan.job.network)
    if plan.job.weights:
        plan.job.weights.into(module, new_head=True)
    module = plan.machine.placed(module, device)
    made = optimizer(
        module,
        recipe.optimizer,
        norm_weight_decay=recipe.norm_weight_decay,
        lr_scales=lr_scales(module, plan.job.network, recipe),
    )
    return State(
        module,
        made,
        Guard(device, fp16=plan.machine.precision == "fp16"),
        ema.averaged_copy(module) if recipe.ema else None,
        torch.zeros(3, dtype=torch.float64, device=device),
    )


@contextmanager
def settled(plan: Plan) -> Iterator[None]:
    """Set threads and deterministic algorithms as decided, and restore the settings afterwards."""
    threads = torch.get_num_threads()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    with torch.random.fork_rng(
        devices=[plan.processes.device] if plan.processes.device.type == "cuda" else []
    ):
        torch.set_num_threads(plan.machine.threads)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


def _begin(plan: Plan, run: Path) -> dict[str, Any] | None:
    """Begin a run, or return the content of the `run.json` that is there.

    Raises:
        UsageError: Another run has begun here since the plan was made.
    """
    found = record.read(run)
    if found is None:
        facts = {**plan.facts(run), "preprocessing": preprocessing(plan.job)}
        train = plan.job.data.train
        files = repaired.listing(train) if isinstance(train, InFolders) else None
        record.begin(run, facts, expand(plan.job.network), plan.recipe_text, files)
    else:
        check_same(found, plan.job, run)
        record.network(run, found)
    return found


def _record_changes(
    plan: Plan, run: Path, found: dict[str, Any] | None, step: int, say: Callable[[str], None]
) -> None:
    """Record and report changes, among those allowed, since the run was last trained."""
    entries = changes(found, plan.job) if found else []
    if not found or not entries:
        return
    record.change(run, found, entries, step)
    what = ", ".join(f"`{entry['what']}`" for entry in entries)
    if isinstance(plan.job.data.train, RepairedSplit):
        what += f" ({repaired.in_words(plan.job.data.train.differing)})"
    recorded = f"{run / 'run.json'} records it from step {step} on"
    say(f"{what} changed since the run was last trained; {recorded}")


def _resume(plan: Plan, state: State, run: Path, say: Callable[[str], None]) -> None:
    """Restore the newest good checkpoint.

    Raises:
        UsageError: There are checkpoints, and none is good.
    """
    folder = run / "checkpoints"
    damaged: list[str] = []
    for step, found in checkpoint.newest(folder, identity(plan.job)):
        try:
            if isinstance(found, checkpoint.DamagedCheckpoint):
                raise found
            state.restore(found)
        except checkpoint.DamagedCheckpoint as damage:
            damaged.append(str(damage))
            continue
        if plan.processes.is_main:
            for each in damaged:
                say(f"{each}; resuming from step {step} instead")
            checkpoint.tidy(folder, step, keep=plan.recipe.keep)
            epoch = float(step / plan.order.epoch)
            say(f"resuming {run} from step {step:,} (epoch {epoch:.4g})")
        return
    if damaged:
        raise UsageError(
            "no checkpoint is usable: " + "; ".join(damaged) + f"; to start over, remove {folder}",
            "E0606",
        )


def _draw_missing(plan: Plan, run: Path, say: Callable[[str], None]) -> None:
    """Draw the curves of a finished run without them.

    Raises UsageError without room on the disk.
    """
    if is_drawn(run):
        return
    rows, damage = measurements.metrics(run)
    for each in damage:
        say(each)
    if rows:
        draw(plan, rows, run, say)


def _watcher(plan: Plan, run: Path, show: Show, task: Task, lock: Lock | None) -> loop.Watcher:
    """Return the callbacks of the loop; `lock` is that of the run folder, in the main process."""
    start = perf_counter()

    def check() -> None:
        if lock:
            lock.check()

    def measured(row: Row) -> None:
        show.measured(row)
        check()
        if lock:
            measurements.append(
                run,
                row,
                {"step": row["step"], "seconds": round(perf_counter() - start, 3), **show.speed()},
            )

    def save(state: State) -> None:
        check()
        if lock:
            _save(plan, state, run)

    def unreadable(state: State, error: UsageError) -> None:
        if run.is_dir():  # of several processes it may be any that meets the image
            repaired.wait(run, state.step, str(error))

    return loop.Watcher(show.stepped, measured, save, unreadable, check, task)


def _save(plan: Plan, state: State, run: Path) -> None:
    """Save a checkpoint. Raises UsageError."""
    folder = run / "checkpoints"
    checkpoint.save(
        folder, state.step, state.files(), keep=plan.recipe.keep, job=identity(plan.job)
    )


def _rescuer(plan: Plan, watcher: loop.Watcher, lock: Lock | None) -> Rescuer | None:
    """Return what saves a state after a failure; None in a process that does not write."""
    if lock is None:
        return None
    return Rescuer(
        lock, save=watcher.save, save_where_it_is=lambda state: _save(plan, state, lock.place)
    )
