"""A thousand kills of real trainers. Stopped at any time, it goes on."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from signal import SIGKILL
from tempfile import TemporaryDirectory

from tests.campaign.progress import FOLDER, onwards
from tests.train.crash import RUNS, SAVE, Course, assert_same, content, kill
from tests.train.launch import serving

KILLS = FOLDER / "kills.json"  # how many of which kind


def test_kills() -> None:
    with serving() as server, TemporaryDirectory() as folder:  # of its own: hours outlive pytest's
        courses = [Course(server, Path(folder) / f"{recipe}-{workers}", recipe, workers) for recipe, workers in RUNS]

        def eight(seed: int, _: Path) -> None:
            course, chance = courses[seed // 8 % len(courses)], Random(seed)
            came: Counter[str] = Counter(json.loads(KILLS.read_text(encoding="utf-8")) if KILLS.exists() else {})
            until, run = came.total() + 8, course.folder / "killed"
            while came.total() < until:
                moment = kill(chance)
                code, told = course.run("killed", moment)
                assert code in (0, -SIGKILL), (seed, moment, told)
                if code:
                    came["inside a save" if moment.path == SAVE else moment.path or moment.kind] += 1
                else:
                    settle(course, run)
            code, told = course.run("killed")
            assert code == 0, (seed, told)
            settle(course, run)
            KILLS.write_text(json.dumps(came) + "\n", encoding="utf-8")

        onwards("kills", 1_000, eight, each=8, batch=1, workers=1)


def settle(course: Course, run: Path) -> None:
    """A run that has ended is what the whole one is, and makes room for the next."""
    assert_same(course.whole, content(run))
    shutil.rmtree(run)
