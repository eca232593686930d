"""From a job to a trained network: its run folder, where it goes on from, the loop, and what is measured in the end."""

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
from resspec.training.steps.guard import Guard
from resspec.training.steps.optimizers import optimizer
from resspec.training.steps.state import Row, State
from resspec.training.steps.step import Learner, seed
from resspec.training.weights.preprocessing import preprocessing


@dataclass(frozen=True)
class Result:
    """What a run ended with: loss, top-1 and top-5 of the test images; its folder; whether it had ended before."""

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
    return decided(job, run, processes, preflight.least_images(request, inspections))


def decided(job: Job, run: Path, processes: Processes, least: int) -> Plan:
    """Return what the run in this folder was decided to be, or is decided to be now.

    Args:
        job: What is asked for, which has been checked.
        run: The folder of the run.
        processes: The processes that train together.
        least: Images that a process must show at a time, at least.

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
    """Train from where the run in this folder stands.

    Raises:
        UsageError: The folder is in use, there is no room, an image cannot be read: what a person can mend.
        Stopped: A signal asked for an end.
        NotFinite: A step was not finite.
        Crashed: Anything else. Whatever ends it, the state is saved first if it is whole.
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
    """Return what is said of a run that was asked to end."""
    if state.step == 0:
        return f"stopped {stop.reason(number)} before the first step; run the same command again to start"
    return (
        f"stopped {stop.reason(number)} after step {state.step:,} of {plan.steps:,}, checkpoint saved; "
        "run the same command again to resume"
    )


def begun(plan: Plan) -> State:
    """The state before the first step."""
    device, recipe = plan.processes.device, plan.recipe
    seed(plan.job.seed, torch.device("cpu"))
    module = build(plan.job.network)
    if plan.job.weights:
        plan.job.weights.into(module)
    module = plan.machine.placed(module, device)
    return State(
        module,
        optimizer(module, recipe.optimizer, norm_weight_decay=recipe.norm_weight_decay),
        Guard(device, fp16=plan.machine.precision == "fp16"),
        ema.averaged_copy(module) if recipe.ema else None,
        torch.zeros(3, dtype=torch.float64, device=device),
    )


@contextmanager
def settled(plan: Plan) -> Iterator[None]:
    """As the machine was decided: threads, and sums that come out the same every time; afterwards as it was before."""
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
    """Begin a run, or return what `run.json` says of the one that is there. Raises UsageError where another run has begun here
    since the plan was made."""
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
    """Write down, and say, what may change in a run and has changed since it was last seen."""
    entries = changes(found, plan.job) if found else []
    if not found or not entries:
        return
    record.change(run, found, entries, step)
    what = ", ".join(f"`{entry['what']}`" for entry in entries)
    if isinstance(plan.job.data.train, RepairedSplit):
        what += f" ({repaired.in_words(plan.job.data.train.differing)})"
    say(
        f"{what} changed since the run was last trained; {run / 'run.json'} records it from step {step} on"
    )


def _resume(plan: Plan, state: State, run: Path, say: Callable[[str], None]) -> None:
    """Restore the newest good checkpoint. Raises UsageError where there are some and none is good."""
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
    """Draw the curves of a run that has ended without them. Raises UsageError where there is no room."""
    if is_drawn(run):
        return
    rows, damage = measurements.metrics(run)
    for each in damage:
        say(each)
    if rows:
        draw(plan, rows, run, say)


def _watcher(plan: Plan, run: Path, show: Show, task: Task, lock: Lock | None) -> loop.Watcher:
    """`lock`: of the run folder, in the process that writes."""
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
