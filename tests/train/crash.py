"""Kill, interrupt or break real trainers at any moment, then resume them to the end."""

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
from tests.train.launch import Server, Trigger
from tests.train.small import SPEC

RECIPES = {
    "momentum": """
iterations: 60
batch_size: 16
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
epochs: 2.5
batch_size: 50
optimizer: {name: adamw}
schedule: {name: plateau, patience: 1}
clip_grad_norm: 1.0
holdout: 0.1
precise_bn: 100
evaluate: 0.5 epochs
checkpoint: 0.25 epochs
keep: 3
log: 4
""",
    "shares": """
iterations: 40
batch_size: 32
bn_batch_size: 8
micro_batch_size: 16
optimizer: {name: lamb}
loss: bce
evaluate: 13 iterations
checkpoint: 3 iterations
keep: 1
log: 2
data: {shift: 1, mixup: 0.2, cutmix: 1.0, aug_repeats: 2}
""",
    "frozen": """
iterations: 40
batch_size: 32
optimizer: {name: adamw}
freeze: {sections: [stem, body], until: 17 iterations}
lr_scale: {head: 2}
layer_decay: 0.7
ema: 0.9
evaluate: 13 iterations
checkpoint: 5 iterations
keep: 1
log: 2
data: {shift: 1}
""",
    "pictures": """
iterations: 16
batch_size: 8
evaluate: 6 iterations
checkpoint: 3 iterations
log: 1
data: {random_resized_crop: {size: 8}, hflip: 0.5, trivialaugment: true, test: {resize: 9, crop: 8}}
""",
}
RUNS = [
    ("momentum", 0),
    ("epochs", 0),
    ("shares", 0),
    ("frozen", 0),
    *(("pictures", workers) for workers in (0, 2, 4)),
]
UNPROMISED = ("crash.txt", "lock", "timings.jsonl")  # may differ after a resume
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
class Scenario:
    """A recipe of RECIPES and a number of workers, in a folder of its own."""

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
        """Return the arguments that follow `resspec`."""
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

    def run(self, run: str, *triggers: Trigger) -> tuple[int, str]:
        return self.server.run(self.folder, *self.command(run), triggers=triggers)

    def fail(self, run: str, fault: Fault) -> tuple[int, str]:
        """Run with a fault. What the trainer writes to the user's cache stays in the folder."""
        home = {"XDG_CACHE_HOME": str(self.folder / "cache")}
        return self.server.run(
            self.folder, *self.command(run), fault=asdict(fault), environment=home
        )

    @cached_property
    def line_counts(self) -> dict[str, int]:
        """Map each line of the trainer to how often a run reaches it."""
        file = self.folder / "lines.json"
        code, output = self.server.run(self.folder, *self.command("counted"), lines=str(file))
        assert code == 0, output
        found: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
        return found

    @cached_property
    def reference(self) -> dict[str, bytes]:
        """Return the files of an uninterrupted run, which is trained once for all tests."""
        spec, recipe = (
            (self.folder / name).read_text(encoding="utf-8") for name in ("tiny.res", "recipe.yaml")
        )
        key = (spec, recipe, str(self.workers))
        if key not in self.server.references:
            code, output = self.run("reference")
            assert code == 0, output
            self.server.references[key] = read_files(self.folder / "reference")
        return self.server.references[key]


def kill_and_resume(scenario: Scenario, run: str, triggers: list[Trigger]) -> int:
    """Run once for each trigger and once without; all files are then those of the reference.

    Returns:
        How many of the triggers ended a run.
    """
    kills = 0
    for trigger in triggers:
        code, output = scenario.run(run, trigger)
        assert code in (0, -signal.SIGKILL), (trigger, output)
        kills += code != 0
    code, output = scenario.run(run)
    assert code == 0, output
    assert_same_files(scenario.reference, read_files(scenario.folder / run))
    return kills


def interrupt_and_resume(scenario: Scenario, run: str, signals: list[list[Trigger]]) -> int:
    """Run once for each list of triggers and once without; the result is the reference's.

    Returns:
        How many of the runs ended early.
    """
    codes = [scenario.run(run, *triggers) for triggers in signals]
    for triggers, (code, output) in zip(signals, codes, strict=True):
        numbers = {trigger.signal for trigger in triggers}
        assert code in {0} | {-number for number in numbers} | {
            128 + number for number in numbers
        }, (triggers, output)
        assert "Traceback" not in output, (triggers, output)
    code, output = scenario.run(run)
    assert code == 0, output
    assert_same_result(scenario, run)
    return sum(code != 0 for code, _ in codes)


def fail_and_resume(scenario: Scenario, run: str, fault: Fault) -> str:
    """Run with a fault, then resume.

    The fault is reported once, no checkpoint is damaged, nothing is left half-written, and the
    resumed run ends with the reference's result.

    Returns:
        What the report said about the run's state.
    """
    code, output = scenario.fail(run, fault)
    case = (scenario.recipe, scenario.workers, fault, code, output)
    reports = len(re.findall("^(error|interrupted)", output, re.MULTILINE))
    is_quiet = fault.error == "KeyboardInterrupt" and reports == 0 and code == 130
    is_refused = "error[E0535]: this folder cannot be written to" in output  # before there is a run
    assert code in ((1,) if is_refused else (0, 2, 130)), case
    assert reports == (code != 0) or is_quiet, case
    assert "Traceback" not in output, case

    code_again, output_again = scenario.run(run)
    assert code_again == 0, (*case, output_again)
    assert "instead" not in output_again, (*case, output_again)  # of a damaged checkpoint
    left = list((scenario.folder / run).rglob(".*"))
    assert not left, (*case, left)
    assert_same_result(scenario, run)
    return (
        "interrupted before the first step"
        if is_quiet
        else outcome(output)
        if reports
        else "nothing was lost"
    )


def outcome(output: str) -> str:
    """Return the phrase of a report that says what is saved."""
    phrases = (
        "E0535|is saved|is good|partly done|could not be saved|not finite|"
        "no step was completed|to start|is kept"
    )
    found = re.search(phrases, output)
    return found[0] if found else "nothing said"


def random_exception(scenario: Scenario, rng: Random) -> Fault:
    """Return an exception at a random line of the trainer; all lines are equally likely."""
    place, times = rng.choice(sorted(scenario.line_counts.items()))
    return Fault(rng.choice(EXCEPTIONS), place, rng.randrange(times) + 1)


def random_io_error(rng: Random) -> Fault:
    """Return an error of the system at a random write, for once or from then on."""
    return Fault(rng.choice(FAILURES), "files", rng.randrange(1, 120), lasts=rng.random() < 0.5)


def random_kill(rng: Random, number: int = signal.SIGKILL) -> Trigger:
    """Return a random moment to be killed at.

    A third are inside a save, the others between two steps, in an evaluation, in the first or the
    last writes, or at any time.
    """
    match rng.randrange(12):
        case 0 | 1 | 2 | 3:
            return Trigger("file", rng.randrange(1, 40), number, SAVE)
        case 4 | 5:
            return Trigger("step", rng.randrange(1, 20), number)
        case 6 | 7:
            return Trigger("test", rng.randrange(1, 4), number)
        case 8:
            return Trigger("file", rng.randrange(1, 25), number, END)
        case 9:
            return Trigger("file", rng.randrange(1, 12), number, FIRST)
        case _:
            return Trigger("time", rng.randrange(1, 1500), number)


def random_signals(rng: Random) -> list[Trigger]:
    """Return a signal at a random moment, and every third time another one soon after."""
    first, second = (rng.choice([signal.SIGINT, signal.SIGTERM]) for _ in range(2))
    more = [Trigger("file", rng.randrange(1, 20), second)] if rng.randrange(3) == 0 else []
    return [random_kill(rng, first), *more]


def read_files(run: Path) -> dict[str, bytes]:
    """Return all files of a run that must be bitwise equal after a resume."""
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in UNPROMISED}


def assert_same_result(scenario: Scenario, run: str) -> None:
    """Compare with the reference, without the files of checkpoints except the last one's tensors.

    A signal saves a checkpoint at its own step, so that the earlier ones differ.
    """

    def last(files: dict[str, bytes]) -> dict[str, bytes]:
        tensors = max(name for name in files if name.endswith("tensors.safetensors"))
        return {
            name: content
            for name, content in files.items()
            if name == tensors or not name.startswith("checkpoints")
        }

    assert_same_files(last(scenario.reference), last(read_files(scenario.folder / run)))


def assert_same_files(expected: dict[str, bytes], actual: dict[str, bytes]) -> None:
    assert expected.keys() == actual.keys()
    differ = [name for name in expected if expected[name] != actual[name]]
    assert not differ, differ


class ExitOnUnpickle:
    """A stand-in for a draw's indices; the process that receives it exits at once."""

    def numpy(self) -> ExitOnUnpickle:
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
