"""Checkpoints of a real run, damaged in every way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from resspec.commands import jobs, parser
from resspec.diagnostics import UsageError
from resspec.training import trainer
from resspec.training.plan import Plan
from tests.campaign.progress import run_campaign
from tests.train.crash import Scenario, assert_same_files, read_files
from tests.train.launch import start_server
from tests.train.small import ALONE, SPEC

PAGE = 4096
BY_COMMAND = 50  # one in so many is resumed to the end, by the command
NONE_GOOD = "no checkpoint is usable"


def flip(folder: Path, rng: Random) -> Path:
    def flipped(before: bytearray) -> None:
        before[rng.randrange(len(before))] ^= 1 << rng.randrange(8)

    return change(folder, rng, flipped)


def truncate(folder: Path, rng: Random) -> Path:
    def truncated(before: bytearray) -> None:
        del before[rng.randrange(len(before)) :]

    return change(folder, rng, truncated)


def zero_page(folder: Path, rng: Random) -> Path:
    def zeroed(before: bytearray) -> None:
        start = rng.randrange(0, len(before), PAGE)
        before[start : start + PAGE] = bytes(len(before[start : start + PAGE]))

    return change(folder, rng, zeroed)


def misplace(folder: Path, rng: Random) -> Path:
    """Remove or add a file, swap two, swap one with an older checkpoint's, or two checkpoints."""
    one, other = rng.sample(sorted(folder.iterdir()), 2)
    older = rng.choice(sorted(path for path in folder.parent.iterdir() if path.name < folder.name))
    match rng.randrange(5):
        case 0:
            one.unlink()
            return one
        case 1:
            return Path(shutil.copy(one, folder / f"{one.name}.old"))
        case 2:
            swap(one, other)
        case 3:
            swap(one, older / one.name)
        case _:
            swap(folder, older)
    return folder


def change(folder: Path, rng: Random, changing: Callable[[bytearray], None]) -> Path:
    path = rng.choice(sorted(folder.iterdir()))
    content = bytearray(path.read_bytes())
    changing(content)
    path.write_bytes(content)
    return path


def swap(one: Path, other: Path) -> None:
    aside = one.with_name(".aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


DAMAGES = {
    "bit-flips": (1_000, flip),
    "truncations": (1_000, truncate),
    "zeroed-pages": (200, zero_page),
    "swapped-and-missing-files": (500, misplace),
}


class FinishedRun(NamedTuple):
    """A run that has ended, and the files of its checkpoints by step."""

    scenario: Scenario
    plan: Plan
    saved: dict[int, dict[str, bytes]]


class Damage(NamedTuple):
    """The damaged paths of the newest checkpoints, and the step of the newest good one or -1."""

    paths: list[str]
    good: int


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_named_and_the_newest_good_checkpoint_used(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, damage_one = DAMAGES[kind]
    with start_server() as server, TemporaryDirectory() as folder:
        scenario = Scenario(server, Path(folder) / "epochs", "epochs")
        wide = SPEC.replace("3x3, 4", "3x3, 32").replace("unit 4", "unit 32")  # of many pages
        (scenario.folder / "tiny.res").write_text(wide, encoding="utf-8")
        assert scenario.reference

        monkeypatch.chdir(scenario.folder)
        job = jobs.job_of(parser().parse_args(scenario.command("reference")))
        checkpoints = Path("reference/checkpoints").iterdir()
        saved = {int(path.name[5:]): read_files(path) for path in checkpoints}
        assert len(saved) == 3
        finished = FinishedRun(scenario, trainer.planned(job, Path("reference"), ALONE), saved)

        def damage_and_resume(seed: int, _: Path) -> None:
            shutil.copytree("reference", "run")
            damage = damage_checkpoints(finished, damage_one, Random(seed))
            resume = resume_by_command if seed % BY_COMMAND == 0 else resume_in_process
            resume(finished, damage)
            shutil.rmtree("run")

        run_campaign(kind, count, damage_and_resume, batch_size=10, workers=1)


def damage_checkpoints(
    finished: FinishedRun, damage_one: Callable[[Path, Random], Path], rng: Random
) -> Damage:
    """Damage the newest checkpoint, or the newest two."""
    steps = sorted(finished.saved, reverse=True)
    folders = {step: Path(f"run/checkpoints/step-{step:08d}") for step in steps}
    paths = {step: folder.name for step, folder in folders.items()}

    def is_good(step: int) -> bool:
        return read_files(folders[step]) == finished.saved[step]

    for step in steps[: 1 if damage_one is misplace else rng.randrange(1, 3)]:
        while is_good(step):  # a page may have been zeros already, or swapped files equal
            paths[step] = str(damage_one(folders[step], rng))

    good = max(filter(is_good, steps), default=-1)
    assert good < steps[0]
    return Damage([paths[step] for step in steps if step > good], good)


def resume_in_process(finished: FinishedRun, damage: Damage) -> None:
    """Resume here: the state is bit for bit the newest good checkpoint's."""
    state, notes = trainer.begun(finished.plan), list[str]()
    try:
        trainer._resume(finished.plan, state, Path("run"), notes.append)
    except UsageError as error:
        notes.append(str(error))
        assert damage.good < 0, notes
    else:
        saved = finished.saved[damage.good]
        assert all(saved[name] == content for name, content in state.files().items())
    assert_reported(damage, "\n".join(notes))


def resume_by_command(finished: FinishedRun, damage: Damage) -> None:
    """Resume by `resspec train`, as after a crash just before the end."""
    Path("run/result.json").unlink()
    code, output = finished.scenario.run("run")
    assert code == (0 if damage.good >= 0 else 2), output
    assert_reported(damage, output)
    if damage.good < 0:
        return

    # Older checkpoints are not rewritten: two that were swapped stay swapped.
    older = tuple(f"checkpoints/step-{step:08d}/" for step in finished.saved if step < damage.good)

    def newer(files: dict[str, bytes]) -> dict[str, bytes]:
        return {name: content for name, content in files.items() if not name.startswith(older)}

    assert_same_files(newer(finished.scenario.reference), newer(read_files(Path("run"))))


def assert_reported(damage: Damage, output: str) -> None:
    resumed = f"resuming from step {damage.good} instead"
    assert (NONE_GOOD if damage.good < 0 else resumed) in output, (damage, output)
    assert [path for path in damage.paths if path not in output] == []
