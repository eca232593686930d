"""Runs of real trainers that are ended at any moment, and go on until they end by themselves."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from tests.train.faults import Fault
from tests.train.launch import Moment, Server
from tests.train.small import SPEC

RECIPES = {
    "momentum": """
duration: 60 iterations
batch: 16
optimizer: {name: sgd, momentum: 0.9, nesterov: true}
warmup: {length: 10 iterations}
schedule: {name: cosine}
ema: {decay: 0.9}
evaluate: 20 iterations
checkpoint: 7 iterations
log: 1
data: {shift: 1}
""",
    "epochs": """
duration: 2.5 epochs
batch: 50
optimizer: {name: adamw}
schedule: {name: plateau, patience: 1}
clip: 1.0
holdout: 0.1
exact_bn: 100
evaluate: 0.5 epochs
checkpoint: 0.25 epochs
keep: 3
log: 4
""",
    "shares": """
duration: 40 iterations
batch: 32
bn_batch: 8
micro_batch: 16
optimizer: {name: lamb}
loss: bce
evaluate: 13 iterations
checkpoint: 3 iterations
keep: 1
log: 2
data: {shift: 1, mixup: 0.2, cutmix: 1.0, repeated: 2}
""",
    "pictures": """
duration: 16 iterations
batch: 8
evaluate: 6 iterations
checkpoint: 3 iterations
log: 1
data: {random_resized: {size: 8}, flip: true, trivialaugment: true, test: {resize: 9, crop: 8}}
""",
}
RUNS = [
    ("momentum", 0),
    ("epochs", 0),
    ("shares", 0),
    *(("pictures", workers) for workers in (0, 2, 4)),
]
OTHERS = ("crash.txt", "lock", "timings.jsonl")  # which the promise is not about
SAVE, END = r"checkpoints", r"(weights|result|curves|metrics)\.\w+\.\d+\.partial"
EXCEPTIONS = (
    "ZeroDivisionError",
    "RuntimeError",
    "AssertionError",
    "MemoryError",
    "RecursionError",
    "SystemExit",
    "KeyboardInterrupt",
    "ENOSPC",
    "EMFILE",
)
FAILURES = ("ENOSPC", "EIO", "EMFILE")
FIRST = r"/\.?(run\.json|spec\.res|recipe\.yaml|lock)"


@dataclass(frozen=True)
class Course:
    """A recipe of RECIPES, with so many workers, in a folder of its own."""

    server: Server
    folder: Path
    recipe: str
    workers: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        pictures = self.recipe == "pictures"
        spec = SPEC.replace("1x8x8", "3x8x8").replace("fc 10", "fc 3") if pictures else SPEC
        (self.folder / "tiny.res").write_text(spec, encoding="utf-8")
        (self.folder / "recipe.yaml").write_text(RECIPES[self.recipe], encoding="utf-8")
        if pictures:
            draw_pictures(self.folder / "pictures")

    def command(self, run: str) -> list[str]:
        """What follows `resspec`."""
        data = "pictures" if self.recipe == "pictures" else "digits"
        return [
            "train",
            "tiny.res",
            "--recipe",
            "recipe.yaml",
            "--data",
            data,
            "--workers",
            str(self.workers),
            "--run",
            run,
        ]

    def run(self, run: str, *moments: Moment) -> tuple[int, str]:
        return self.server.run(self.folder, *self.command(run), moments=moments)

    def fail(self, run: str, fault: Fault) -> tuple[int, str]:
        """One in which something goes wrong; what it keeps outside of its folder stays in the course's."""
        home = {"XDG_CACHE_HOME": str(self.folder / "cache")}
        return self.server.run(
            self.folder, *self.command(run), fault=asdict(fault), environment=home
        )

    @cached_property
    def lines(self) -> dict[str, int]:
        """How often a run reaches each line of the trainer."""
        file = self.folder / "lines.json"
        code, told = self.server.run(self.folder, *self.command("counted"), lines=str(file))
        assert code == 0, told
        found: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
        return found

    @cached_property
    def whole(self) -> dict[str, bytes]:
        """The files of a run that nothing happened to; it is made once for all tests."""
        spec, recipe = (
            (self.folder / name).read_text(encoding="utf-8") for name in ("tiny.res", "recipe.yaml")
        )
        asked = (spec, recipe, str(self.workers))
        if asked not in self.server.known:
            code, told = self.run("whole")
            assert code == 0, told
            self.server.known[asked] = content(self.folder / "whole")
        return self.server.known[asked]


def killed(course: Course, run: str, moments: list[Moment]) -> int:
    """Ends with each of them, the same command again each time, and at last without; how many of them came. All files are those
    of the whole run."""
    kills = 0
    for moment in moments:
        code, told = course.run(run, moment)
        assert code in (0, -signal.SIGKILL), (moment, told)
        kills += code != 0
    code, told = course.run(run)
    assert code == 0, told
    assert_same(course.whole, content(course.folder / run))
    return kills


def interrupted(course: Course, run: str, signals: list[list[Moment]]) -> int:
    """Ends with each of them, the same command again each time, and at last without; how many ended it. It ends as the whole
    run does."""
    codes = [course.run(run, *moments) for moments in signals]
    for moments, (code, told) in zip(signals, codes, strict=True):
        numbers = {moment.signal for moment in moments}
        assert code in {0} | {-number for number in numbers} | {
            128 + number for number in numbers
        }, (moments, told)
        assert "Traceback" not in told, (moments, told)
    code, told = course.run(run)
    assert code == 0, told
    assert_ended_alike(course, run)
    return sum(code != 0 for code, _ in codes)


def failed(course: Course, run: str, fault: Fault) -> str:
    """What became of a run with a fault: it is told once, no checkpoint is damaged, nothing is left half-written, and the same
    command comes to the end that it would have had."""
    code, told = course.fail(run, fault)
    case = (course.recipe, course.workers, fault, code, told)
    reports = len(re.findall("^(error|interrupted)", told, re.MULTILINE))
    is_quiet = fault.error == "KeyboardInterrupt" and reports == 0 and code == 130
    is_refused = "error[E0535]: this folder cannot be written to" in told  # before there is a run
    assert code in ((1,) if is_refused else (0, 2, 130)), case
    assert reports == (code != 0) or is_quiet, case
    assert "Traceback" not in told, case

    code_again, told_again = course.run(run)
    assert code_again == 0, (*case, told_again)
    assert "instead" not in told_again, (*case, told_again)  # of a damaged checkpoint
    left = list((course.folder / run).rglob(".*"))
    assert not left, (*case, left)
    assert_ended_alike(course, run)
    return (
        "interrupted before the first step"
        if is_quiet
        else outcome(told)
        if reports
        else "nothing was lost"
    )


def outcome(told: str) -> str:
    """What a report says that is saved."""
    said = "E0535|is saved|is good|partly done|could not be saved|not finite|no step was completed|to start|is kept"
    kept = re.search(said, told)
    return kept[0] if kept else "no word of it"


def exception(course: Course, chance: Random) -> Fault:
    """One at a line of the trainer, each of which is as likely, however often it is reached."""
    place, times = chance.choice(sorted(course.lines.items()))
    return Fault(chance.choice(EXCEPTIONS), place, chance.randrange(times) + 1)


def failure(chance: Random) -> Fault:
    """One of the system in a file of the run, for once or from then on."""
    return Fault(
        chance.choice(FAILURES), "files", chance.randrange(1, 120), lasts=chance.random() < 0.5
    )


def kill(chance: Random, number: int = signal.SIGKILL) -> Moment:
    """Any moment: a third inside a save, the others between any two steps, in a test, in the first and the last writes, or
    whenever."""
    match chance.randrange(12):
        case 0 | 1 | 2 | 3:
            return Moment("file", chance.randrange(1, 40), number, SAVE)
        case 4 | 5:
            return Moment("step", chance.randrange(1, 20), number)
        case 6 | 7:
            return Moment("test", chance.randrange(1, 4), number)
        case 8:
            return Moment("file", chance.randrange(1, 25), number, END)
        case 9:
            return Moment("file", chance.randrange(1, 12), number, FIRST)
        case _:
            return Moment("time", chance.randrange(1, 1500), number)


def interruption(chance: Random) -> list[Moment]:
    """A signal at any moment, and every third time another one soon after."""
    first, second = (chance.choice([signal.SIGINT, signal.SIGTERM]) for _ in range(2))
    more = [Moment("file", chance.randrange(1, 20), second)] if chance.randrange(3) == 0 else []
    return [kill(chance, first), *more]


def content(run: Path) -> dict[str, bytes]:
    """Every file of a run that the promise is about."""
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in OTHERS}


def assert_ended_alike(course: Course, run: str) -> None:
    """All files but the checkpoints before the last, which stand at other steps after a signal; of the last the tensors."""

    def last(files: dict[str, bytes]) -> dict[str, bytes]:
        tensors = max(name for name in files if name.endswith("tensors.safetensors"))
        return {
            name: content
            for name, content in files.items()
            if name == tensors or not name.startswith("checkpoints")
        }

    assert_same(last(course.whole), last(content(course.folder / run)))


def assert_same(whole: dict[str, bytes], again: dict[str, bytes]) -> None:
    assert whole.keys() == again.keys()
    differ = [name for name in whole if whole[name] != again[name]]
    assert not differ, differ


class Ending:
    """In place of a draw's indices: a process that is sent it ends at once."""

    def numpy(self) -> Ending:
        return self

    def __getstate__(self) -> str:
        return "sent"

    def __setstate__(self, _: str) -> None:
        os._exit(1)


def draw_pictures(folder: Path) -> None:
    draw = np.random.default_rng(0)
    for part, count in (("train", 12), ("val", 5)):
        for name in ("cat", "dog", "emu"):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for i in range(count):
                image = Image.fromarray(draw.integers(0, 256, (9 + i % 3, 11, 3), dtype=np.uint8))
                image.save(folder / part / name / f"{i}.png")
