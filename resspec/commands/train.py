"""`resspec train`: train a network by a recipe, in a folder that the same command resumes."""

from __future__ import annotations

import gc
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.commands import given, numbers
from resspec.commands.installed import torch_installed
from resspec.commands.jobs import job_of
from resspec.commands.terminal import complain, note, say, waiting
from resspec.diagnostics import UsageError
from resspec.training.names import DIGITS

if TYPE_CHECKING:
    from resspec.training.plan import Job

SUMMARY = "train a network by a recipe, or resume its training"
EXAMPLES = """\
  resspec train digits                a small residual network on the digits of
                                      scikit-learn, in about a minute
  resspec train torchvision/resnet18 --data FOLDER
                                      with a recipe that is chosen, and shown
  resspec train resnet20 --data cifar-10 --recipe cifar-he2015 --run runs/a
  resspec train digits --plan           what it would need, without training
  resspec train digits --set lr=0.2 --set epochs=10
  torchrun --nproc-per-node 2 -m resspec train digits -r runs/b

Recipes: specs/recipes/*.yaml, or a file of your own. --set reaches the
network's parameters and the recipe's keys, in full (optimizer.lr) or by
their last name.

Exit codes: 0 trained, 1 diagnostics, 2 error, 3 a value that is not finite,
130, 143 or 129 stopped by Ctrl-C, SIGTERM or a closed terminal, 141 because
its output cannot be written; each time a checkpoint is saved: run the
same command again to resume. torchrun turns each of these but 0 into 1.
"""


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    given.takes_data(parser, None, DIGITS)
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="a recipe, or a YAML file (the data set's own, or one chosen for its size)",
    )
    parser.add_argument(
        "--seed",
        type=numbers.seed,
        default=0,
        metavar="N",
        help="initial weights and the order of images (0)",
    )
    parser.add_argument(
        "--epochs", type=numbers.epochs, metavar="N", help="short for --set epochs=N"
    )
    parser.add_argument(
        "-r", "--run", type=Path, metavar="DIR", help="the folder of the run (runs/NAME)"
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="initial weights (.safetensors or .pth), adapted to the network's channels and "
        "classes",
    )
    given.takes_workers(parser)
    given.takes_download(parser)
    given.takes_device(parser)
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write the metrics for TensorBoard too, in the run's folder",
    )
    given.takes_full_check(parser)
    parser.add_argument(
        "--plan", action="store_true", help="print what it would need, and stop there"
    )


def run(arguments: Namespace) -> int:
    gc.enable()
    with _interrupted_at_once(), torch_installed("train"):
        with waiting("loading PyTorch"):
            from resspec.training import preflight, stop, trainer
            from resspec.training.distributed import processes
            from resspec.training.output import plan_text
            from resspec.training.output.progress import counting, shown
            from resspec.training.steps.loop import NotFinite

            if arguments.tensorboard:
                from resspec.training.output.tensorboard import Board

        with processes.joined(arguments.device) as together:
            job = job_of(arguments, note if together.is_main else lambda _: None)
            folder, taken = (arguments.run, "") if arguments.run else free_folder(Path("runs"), job)
            first = together.is_main
            if first:
                given.warn([(arguments.spec, job.network)])
            plan = trainer.planned(
                job,
                folder,
                together,
                tell=note,
                bar=counting if first else preflight.silent,
                full_check=arguments.full_check,
                only_plans=arguments.plan,
            )
            if first:
                if taken:
                    note(f"{taken}; this one is {folder}")
                print(
                    plan_text.chosen_recipe(job) + plan_text.text(plan, folder),
                    file=sys.stdout if arguments.plan else sys.stderr,
                    end="",
                )
            if arguments.plan:
                return 0
            show = shown(visible=first)
            if arguments.tensorboard and first:
                show = Board(show, folder / "tensorboard")
            try:
                result = trainer.train(plan, folder, show=show, say=note)
            except stop.Stopped as stopped:
                if first:
                    say(str(stopped))
                return stopped.exit_code
            except NotFinite as error:
                if first:
                    complain(str(error), error.code)
                return 3
    if first:
        print(plan_text.summary(result))
    return 0


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Let SIGINT end the process at once while there is nothing to save, even during an import."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as a shell starts what runs in its background
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def free_folder(parent: Path, job: Job) -> tuple[Path, str]:
    """Return `runs/digits`, or `runs/digits-2` if that is taken, and what takes the first."""
    number, taken = 1, ""
    while True:
        folder = parent / (job.network.name if number == 1 else f"{job.network.name}-{number}")
        found = _holds(folder, job)
        if not found:
            return folder, taken
        number, taken = number + 1, taken or f"{folder} contains {found}"


def _holds(folder: Path, job: Job) -> str:
    """Return what makes a folder unusable for this job; empty if it is free, or holds this job."""
    from resspec.training.run import record, resume

    try:
        seen = resume.look(job, folder)
        if seen.found is None:
            return ""
        if record.result(folder):
            return "a finished run"
    except UsageError as error:
        return (
            "a run of another resspec version"
            if error.code == "E0604"
            else "something else, or a damaged run"
        )
    return "another run" if seen.refused else ""
