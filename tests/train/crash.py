"""Real trainers that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.train.small import SPEC

SETTINGS = (
    "duration=400 iterations", "batch=16", "log=1", "checkpoint=7 iterations", "evaluate=60 iterations",
    "ema.decay=0.9",
)


def command(folder: Path, run: str) -> list[str]:
    (folder / "tiny.res").write_text(SPEC, encoding="utf-8")
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    return [sys.executable, "-m", "resspec", "train", str(folder / "tiny.res"), "--run", str(folder / run), *settings]


def start(folder: Path, run: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command(folder, run), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "OMP_NUM_THREADS": "1"})


def finished(folder: Path, run: str) -> None:
    process = start(folder, run)
    _, err = process.communicate()
    assert process.returncode == 0, err


def killed(folder: Path, run: str, chance: Random, *, in_save: bool) -> bool:
    """A trainer, killed after some more steps, or as soon as it is inside a save after them; whether it was."""
    metrics, drafts = folder / run / "metrics.jsonl", folder / run / "checkpoints"
    wanted = rows(metrics) + chance.randrange(1, 45)
    now: Callable[[], bool] = (lambda: any(drafts.glob(".saving-*"))) if in_save else (lambda: True)
    with start(folder, run) as process:
        while process.poll() is None:
            if rows(metrics) >= wanted and now():
                process.kill()
                process.communicate()
                return process.returncode == -9
        _, err = process.communicate()
        assert process.returncode == 0, err
    return False


def rows(metrics: Path) -> int:
    return metrics.read_bytes().count(b"\n") if metrics.exists() else 0


def content(run: Path) -> dict[str, bytes]:
    """Every file of a run that the promise is about."""
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name not in ("lock", "timings.jsonl")}
