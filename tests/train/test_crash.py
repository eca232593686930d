"""kill -9 at any moment, the same command again: everything ends bit for bit as without."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from signal import SIGKILL

import pytest

from tests.train.crash import END, FIRST, SAVE, Course, assert_same, content, killed
from tests.train.launch import Moment, Server


def test_ten_kills_change_nothing(server: Server, tmp_path: Path) -> None:
    course, chance = Course(server, tmp_path, "momentum"), Random(0)
    saves = [Moment("file", chance.randrange(1, 40), path=SAVE) for _ in range(3)]
    others = [
        Moment("file", 3, path=FIRST),
        Moment("step", 5),
        Moment("test", 2),
        Moment("time", 30),
        Moment("step", 7),
    ]
    moments = [
        *others[:2],
        *saves,
        *others[2:],
        Moment("file", 4, path=END),
        Moment("file", 9, path=END),
    ]
    assert killed(course, "killed", moments) == 10


def test_no_row_is_there_twice_before_the_end_either(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "momentum")
    assert killed_at(course, 20) == [*range(1, 20)]
    assert killed_at(course, 5) == [*range(1, 19)]  # on from step 14


def killed_at(course: Course, step: int) -> list[int]:
    """Steps of the rows of training, after a kill before so many more steps."""
    assert course.run("run", Moment("step", step))[0] == -SIGKILL
    with (course.folder / "run" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file) if row["part"] == "train"]


@pytest.mark.parametrize("workers", [0, 2, 4])
def test_kills_with_workers_change_nothing(workers: int, server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "pictures", workers)
    assert (
        killed(
            course, "killed", [Moment("file", 17, path=SAVE), Moment("test", 1), Moment("step", 3)]
        )
        == 3
    )


def test_a_process_of_its_own_ends_as_a_forked_one(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "momentum")
    command = [sys.executable, "-m", "resspec", *course.command("own")]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert_same(course.whole, content(tmp_path / "own"))


def test_kills_throughout_the_end_changes_nothing(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "momentum")
    last_test = Moment("test", 6)
    writes = [Moment("file", number, path=END) for number in range(1, 30, 2)]
    assert killed(course, "killed", [last_test, *writes]) == 16
