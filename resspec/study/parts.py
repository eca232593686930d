"""A study as a row of parts, each of which has a run folder of the trainer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGTERM

from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.passes.quantities import Facts
from resspec.study.bar import Whole
from resspec.training import preflight, stop, trainer
from resspec.training.data import Dataset
from resspec.training.distributed.processes import Processes
from resspec.training.plan import Job, Plan
from resspec.training.recipe_file import ParsedRecipe


@dataclass(frozen=True)
class StudyPart:
    """A network of a family (`plain`, `residual`, or a shortcut option), trained with one seed."""

    family: str
    network: Network
    depth: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.family}-{self.depth}-seed-{self.seed}"

    @property
    def folder(self) -> Path:
        """Its folder in that of the study."""
        return Path("runs", self.name)


def parts(families: Sequence[tuple[str, Network]], seeds: int) -> list[StudyPart]:
    """Return the parts seed by seed, so that a seed can be compared as soon as it is done.

    Raises:
        UsageError: Two parts would share a folder.
    """
    each = [(family, network, Facts(network).total("layers")) for family, network in families]
    known = [(family, depth) for family, _, depth in each]
    for (family, depth), count in Counter(known).items():
        if count > 1:
            raise UsageError(f"two networks of one family have the same depth: {family} {depth}")
    return [StudyPart(*network, seed) for seed in range(seeds) for network in each]


def planned(
    wanted: Sequence[StudyPart],
    recipe: ParsedRecipe,
    data: Dataset,
    out: Path,
    processes: Processes,
    *,
    tell: Callable[[str], None] = lambda _: None,
    bar: preflight.Bar = preflight.silent,
    full_check: bool = False,
) -> list[Plan]:
    """Check that all parts can be trained, and decide how.

    Args:
        wanted: The parts of the study.
        recipe: How each of them is trained.
        data: The images.
        out: The folder of the study.
        processes: The processes that train together.
        tell: Called with each note of the checks.
        bar: Shows how many images were checked.
        full_check: Whether every training image is decoded.

    Raises:
        SpecError: A part cannot be trained; it holds every mistake of all parts.
        UsageError: A part's folder holds another run.
    """
    jobs = [Job(part.network, recipe.recipe, data, part.seed, written=recipe) for part in wanted]
    folders = [out / part.folder for part in wanted]
    requests = [
        preflight.of_job(job, folder, processes, full_check=full_check)
        for job, folder in zip(jobs, folders, strict=True)
    ]
    all_writes = sum(request.writes for request in requests)
    requests[0] = replace(requests[0], writes=all_writes)
    inspections = preflight.require(requests, tell=tell, bar=bar)

    plans = []
    for job, folder, request in zip(jobs, folders, requests, strict=True):
        least = preflight.least_images(request, inspections)
        plans.append(trainer.decided(job, folder, processes, least))
    return plans


def carry_out(
    wanted: Sequence[StudyPart],
    plans: Sequence[Plan],
    out: Path,
    processes: Processes,
    show: Whole,
    say: Callable[[str], None],
) -> None:
    """Train what is not done yet. Raises UsageError, Stopped, NotFinite as the trainer does."""
    with show.over([plan.steps for plan in plans]), stop.watched(processes) as stopping:
        for part, plan in zip(wanted, plans, strict=True):
            # a signal between two parts; one within a part is the trainer's
            if processes.all_reduce_any(stopping.asked > 0):
                number = stopping.asked or SIGTERM
                raise stop.Stopped(number, f"stopped {stop.reason(number)} before {part.name}")
            show.next(part.name)
            trainer.train(plan, out / part.folder, show=show, say=say)
            show.done()
