"""Kills, signals and full disks in real trainers, by the hundred. Stopped at any time, each goes on."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from signal import SIGKILL, Signals
from tempfile import TemporaryDirectory

from tests.campaign.progress import FOLDER, onwards
from tests.train.crash import (
    END,
    FIRST,
    RUNS,
    SAVE,
    Course,
    assert_ended_alike,
    assert_same,
    content,
    interruption,
    kill,
)
from tests.train.launch import Moment, Server, serving
from tests.train.small import SPEC

PLACES = {
    SAVE: "inside a save",
    END: "in the last writes",
    FIRST: "in the first writes",
    "test": "in a test",
    "step": "between two steps",
    "time": "at any time",
}


def test_kills() -> None:
    def survived(course: Course, moment: list[Moment]) -> int:
        code, told = course.run("run", *moment)
        assert code in (0, -SIGKILL), (moment, told)
        return code

    ended(
        "kills",
        1_000,
        lambda chance: [kill(chance)],
        survived,
        lambda course: assert_same(*both(course)),
    )


def test_signals() -> None:
    """Before it hears, a signal ends it as it ends any program; a second one at once."""

    def survived(course: Course, moments: list[Moment]) -> int:
        code, told = course.run("run", *moments)
        codes = {0, *(128 + moment.signal for moment in moments)}
        early = moments[0].kind == "time" or moments[0].path == FIRST
        assert code in codes or (early and -code in {moment.signal for moment in moments}), (
            moments,
            told,
        )
        assert "Traceback" not in told, (moments, told)
        assert re.search(r"stopped by SIG\w+ ", told) or not code or early or len(moments) > 1, (
            moments,
            told,
        )
        return code

    ended("signals", 100, interruption, survived, lambda course: assert_ended_alike(course, "run"))


def test_full_disks() -> None:
    with server_and_folder() as (server, folder):
        course = Course(server, folder / "momentum", "momentum")
        spec = SPEC.replace("3x3, 4", "3x3, 32").replace(
            "unit 4", "unit 32"
        )  # tensors larger than all else
        (course.folder / "tiny.res").write_text(spec, encoding="utf-8")
        size = max(map(len, course.whole.values()))
        run = course.folder / "run"

        def one(seed: int, _: Path) -> None:
            chance = Random(seed)
            assert course.run("run", Moment("step", chance.randrange(9, 60)))[0] == -SIGKILL
            former = max((run / "checkpoints").glob("step-*"))
            before, limit = content(former), chance.randrange(12_000, size)
            code, told = server.run(course.folder, *course.command("run"), limit=limit)
            assert code == 2, (seed, limit, told)
            assert (
                f"cannot save a checkpoint in run/checkpoints: File too large; it takes {size / 1e6:,.1f} MB, "
                in told
            )
            assert f"B are free; the checkpoint of step {int(former.name[5:])} is kept" in told, (
                seed,
                limit,
                told,
            )
            assert content(former) == before, (seed, limit)
            assert course.run("run")[0] == 0
            settle(course, lambda course: assert_same(*both(course)))

        onwards("full-disks", 50, one, batch=1, workers=1)


def ended(
    what: str,
    amount: int,
    moments_of: Callable[[Random], list[Moment]],
    survived: Callable[[Course, list[Moment]], int],
    alike: Callable[[Course], object],
) -> None:
    """So many that ended a trainer, by kind in build/campaign/WHAT.json. `survived` runs it, and gives its exit code; the same
    command again, until a run has ended by itself, which is then `alike` one that nothing happened to."""
    tally = FOLDER / f"{what}.json"
    with server_and_folder() as (server, folder):
        courses = [
            Course(server, folder / f"{recipe}-{workers}", recipe, workers)
            for recipe, workers in RUNS
        ]

        def eight(seed: int, _: Path) -> None:
            course, chance = courses[seed // 8 % len(courses)], Random(seed)
            came = Counter[str](
                json.loads(tally.read_text(encoding="utf-8")) if tally.exists() else {}
            )
            until = came.total() + 8
            while came.total() < until:
                moments = moments_of(chance)
                if survived(course, moments):
                    came[kind_of(moments)] += 1
                else:
                    settle(course, alike)
            code, told = course.run("run")
            assert code == 0, (seed, told)
            settle(course, alike)
            tally.write_text(json.dumps(came) + "\n", encoding="utf-8")

        onwards(what, amount, eight, each=8, batch=1, workers=1)


def kind_of(moments: list[Moment]) -> str:
    first, *more = moments
    name = "" if first.signal == SIGKILL else f"{Signals(first.signal).name} "
    return name + PLACES[first.path or first.kind] + (", and again" if more else "")


def settle(course: Course, alike: Callable[[Course], object]) -> None:
    """A run that has ended is what it must be, and makes room for the next."""
    alike(course)
    shutil.rmtree(course.folder / "run")


def both(course: Course) -> tuple[dict[str, bytes], dict[str, bytes]]:
    return course.whole, content(course.folder / "run")


@contextmanager
def server_and_folder() -> Iterator[tuple[Server, Path]]:
    with serving() as server, TemporaryDirectory() as folder:  # of its own: hours outlive pytest's
        yield server, Path(folder)
