"""Checkpoints of a real run damaged in every way: each noticed and named, and the newest good one used."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from resspec.commands import parser, train
from resspec.diagnostics import UsageError
from resspec.train import trainer
from resspec.train.plan import Plan
from tests.campaign.progress import onwards
from tests.train.crash import Course, assert_same, content
from tests.train.launch import serving
from tests.train.small import ALONE, SPEC

PAGE = 4096
WHOLE = 50  # one of so many goes on in a process of its own, to the end
NONE_GOOD = "no checkpoint is usable"


def flip(folder: Path, chance: Random) -> Path:
    def flipped(before: bytearray) -> None:
        before[chance.randrange(len(before))] ^= 1 << chance.randrange(8)

    return change(folder, chance, flipped)


def truncate(folder: Path, chance: Random) -> Path:
    def truncated(before: bytearray) -> None:
        del before[chance.randrange(len(before)) :]

    return change(folder, chance, truncated)


def zero_page(folder: Path, chance: Random) -> Path:
    def zeroed(before: bytearray) -> None:
        start = chance.randrange(0, len(before), PAGE)
        before[start : start + PAGE] = bytes(len(before[start : start + PAGE]))

    return change(folder, chance, zeroed)


def misplace(folder: Path, chance: Random) -> Path:
    """A file that is missing, too many, or swapped, also with that of an older checkpoint; or two checkpoints are swapped."""
    one, other = chance.sample(sorted(folder.iterdir()), 2)
    older = chance.choice(
        sorted(path for path in folder.parent.iterdir() if path.name < folder.name)
    )
    match chance.randrange(5):
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


def change(folder: Path, chance: Random, changing: Callable[[bytearray], None]) -> Path:
    path = chance.choice(sorted(folder.iterdir()))
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


class Ended(NamedTuple):
    """A run that has ended, and every file of its checkpoints by step."""

    course: Course
    plan: Plan
    saved: dict[int, dict[str, bytes]]


class Harm(NamedTuple):
    """What was damaged in the checkpoints after the newest good one; -1 where none is good."""

    paths: list[str]
    good: int


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    amount, damage = DAMAGES[kind]
    with serving() as server, TemporaryDirectory() as folder:
        course = Course(server, Path(folder) / "epochs", "epochs")
        spec = SPEC.replace("3x3, 4", "3x3, 32").replace(
            "unit 4", "unit 32"
        )  # tensors of many pages
        (course.folder / "tiny.res").write_text(spec, encoding="utf-8")
        assert course.whole
        monkeypatch.chdir(course.folder)
        job = train.job_of(parser().parse_args(course.command("whole")))
        saved = {int(path.name[5:]): content(path) for path in Path("whole/checkpoints").iterdir()}
        assert len(saved) == 3
        ended = Ended(course, trainer.planned(job, Path("whole"), ALONE), saved)

        def one(seed: int, _: Path) -> None:
            chance = Random(seed)
            shutil.copytree("whole", "run")
            harm = harmed(ended, damage, chance)
            (goes_on_to_the_end if seed % WHOLE == 0 else goes_on)(ended, harm)
            shutil.rmtree("run")

        onwards(kind, amount, one, batch=10, workers=1)


def harmed(ended: Ended, damage: Callable[[Path, Random], Path], chance: Random) -> Harm:
    """The newest checkpoint or the newest two."""
    steps, paths, folder = (
        sorted(ended.saved, reverse=True),
        dict[int, str](),
        Path("run/checkpoints"),
    )
    for step in steps[: 1 if damage is misplace else chance.randrange(1, 3)]:
        path = folder / f"step-{step:08d}"
        while content(path) == ended.saved[step]:  # zeros may have been there, or the two be alike
            paths[step] = str(damage(path, chance))
    good = max(
        (step for step in steps if content(folder / f"step-{step:08d}") == ended.saved[step]),
        default=-1,
    )
    assert good < steps[0]
    return Harm([paths.get(step, f"step-{step:08d}") for step in steps if step > good], good)


def goes_on(ended: Ended, harm: Harm) -> None:
    """Within this process, from the state of the newest good one to the bit."""
    state, told = trainer.begun(ended.plan), list[str]()
    try:
        trainer._resume(ended.plan, state, Path("run"), told.append)
    except UsageError as error:
        told.append(str(error))
        assert harm.good < 0, told
    else:
        held = ended.saved[harm.good]
        assert all(held[name] == saved for name, saved in state.files().items())
    assert_told(harm, "\n".join(told))


def goes_on_to_the_end(ended: Ended, harm: Harm) -> None:
    """By `resspec train`, after a crash in its last moment."""
    Path("run/result.json").unlink()
    code, told = ended.course.run("run")
    assert code == (0 if harm.good >= 0 else 2), told
    assert_told(harm, told)
    if harm.good >= 0:
        older = tuple(
            f"checkpoints/step-{step:08d}/" for step in ended.saved if step < harm.good
        )  # a swap stays
        assert_same(
            *(
                {name: held for name, held in files.items() if not name.startswith(older)}
                for files in (ended.course.whole, content(Path("run")))
            )
        )


def assert_told(harm: Harm, told: str) -> None:
    said = NONE_GOOD if harm.good < 0 else f"resuming from step {harm.good} instead"
    assert said in told, (harm, told)
    assert [path for path in harm.paths if path not in told] == []
