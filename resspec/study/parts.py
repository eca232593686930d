"""A study as a row of parts, each a run folder of the trainer: what is done stays done, and the same command goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from resspec.diagnostics import UsageError
from resspec.ir.nodes import Network
from resspec.passes.quantities import Facts
from resspec.study.bar import Whole
from resspec.train import stop, trainer
from resspec.train.data import Dataset
from resspec.train.plan import Job
from resspec.train.processes import Processes
from resspec.train.recipe import Recipe


@dataclass(frozen=True)
class Part:
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
        """In that of the study."""
        return Path("runs", self.name)


def parts(families: Sequence[tuple[str, Network]], seeds: int) -> list[Part]:
    """Seed by seed, so that each seed's parts can be compared as soon as they are done. Raises UsageError where two would
    share a folder."""
    each = [(family, network, Facts(network).total("layers")) for family, network in families]
    known = [(family, depth) for family, _, depth in each]
    if twice := [f"{family} {depth}" for family, depth in known if known.count((family, depth)) > 1]:
        raise UsageError(f"two networks of one family have the same depth: {twice[0]}")
    return [Part(*network, seed) for seed in range(seeds) for network in each]


def carry_out(
    wanted: Sequence[Part], recipe: Recipe, data: Dataset, out: Path, processes: Processes,
    show: Whole, say: Callable[[str], None],
) -> None:
    """Trains what is not done yet. Raises SpecError, UsageError, Stopped, NotFinite as the trainer does."""
    plans = []
    for part in wanted:
        try:
            plans.append(trainer.planned(Job(part.network, recipe, data, part.seed), out / part.folder, processes))
        except UsageError as error:
            raise UsageError(str(error).replace("train in another folder", "choose another with --out")) from None
    with show.over([plan.steps for plan in plans]), stop.watched(processes) as stopping:
        for part, plan in zip(wanted, plans, strict=True):
            if processes.any(stopping.asked > 0):  # a signal between two parts; one within is the trainer's
                number = stopping.asked or SIGTERM
                raise stop.Stopped(number, f"stopped {stop.reason(number)} before {part.name}")
            show.next(part.name)
            trainer.train(plan, out / part.folder, show=show, say=say)
            show.done()
