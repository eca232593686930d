"""Exceptions at random lines of the trainer, and failures of the system in its files, by the hundred: one report each, a good
checkpoint, and the same command comes to the end that the run would have had."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from random import Random

from resspec.train import checkpoint
from tests.campaign.progress import FOLDER, onwards
from tests.campaign.test_crash import server_and_folder
from tests.train.crash import RUNS, Course, assert_ended_alike
from tests.train.faults import Fault

EXCEPTIONS = ("ZeroDivisionError", "RuntimeError", "AssertionError", "MemoryError", "RecursionError", "SystemExit",
              "KeyboardInterrupt", "ENOSPC", "EMFILE")
FAILURES = ("ENOSPC", "EIO", "EMFILE")
REPORT = re.compile("^(error|interrupted)", re.MULTILINE)


def test_exceptions_at_lines() -> None:
    """A line is as likely as any other, however often it is reached."""
    def fault(course: Course, chance: Random) -> Fault:
        place, times = chance.choice(sorted(reached(course).items()))
        return Fault(chance.choice(EXCEPTIONS), place, chance.randrange(times) + 1)

    survived("faults-at-lines", 200, fault)


def test_failures_of_files() -> None:
    def fault(course: Course, chance: Random) -> Fault:
        del course
        return Fault(chance.choice(FAILURES), "files", chance.randrange(1, 120), lasts=chance.random() < 0.5)

    survived("faults-in-files", 100, fault)


def survived(what: str, amount: int, fault_of: object) -> None:
    """So many, by what came of each in build/campaign/WHAT.json."""
    assert callable(fault_of)
    tally = FOLDER / f"{what}.json"
    with server_and_folder() as (server, folder):
        courses = [Course(server, folder / f"{recipe}-{workers}", recipe, workers) for recipe, workers in RUNS]

        def one(seed: int, _: Path) -> None:
            course, chance = courses[seed % len(courses)], Random(seed)
            fault = fault_of(course, chance)
            outcome = came_of(course, fault, seed)
            came = Counter[str](json.loads(tally.read_text(encoding="utf-8")) if tally.exists() else {})
            came[outcome] += 1
            tally.write_text(json.dumps(came) + "\n", encoding="utf-8")

        onwards(what, amount, one, batch=1, workers=1)


def came_of(course: Course, fault: Fault, seed: int) -> str:
    """What became of a run with a fault, which then goes on to the end of one without."""
    run = course.folder / "run"
    code, told = course.fail("run", fault)
    case = (seed, course.recipe, course.workers, fault, code, told)

    reports = len(REPORT.findall(told))
    is_quiet = fault.error == "KeyboardInterrupt" and reports == 0
    assert code in (0, 2, 130), case
    assert reports == (code != 0) or is_quiet, case
    assert "Traceback" not in told, case

    saved = max(checkpoint.steps(run / "checkpoints"), default=0)
    code_again, told_again = course.run("run")
    assert code_again == 0, (*case, told_again)
    assert "instead" not in told_again, (*case, told_again)  # of a damaged checkpoint
    left = [path for path in run.rglob("*") if path.name.startswith(".")]
    assert not left, (*case, left)
    assert_ended_alike(course, "run")
    shutil.rmtree(run)

    if is_quiet:
        return "interrupted before the first step"
    if reports == 0:
        return "nothing was lost"
    kept = re.search(r"is saved|is good|half done|could not be saved|not finite|no step was done|to start", told)
    return f"{kept[0] if kept else 'no word of it'}, {'none' if not saved else 'a checkpoint'} stands"


def reached(course: Course) -> dict[str, int]:
    """How often a run reaches each line of the trainer."""
    file = course.folder / "lines.json"
    if not file.exists():
        code, told = course.server.run(course.folder, *course.command("counted"), lines=str(file))
        assert code == 0, told
    found: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
    return found
