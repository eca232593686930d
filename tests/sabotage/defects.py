"""Planted defects: a text of the package that is replaced by a wrong one, and the test that must notice it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_COPIED = ("resspec", "grammar", "specs", "schemas", "tests", "pyproject.toml")


class Defect(NamedTuple):
    """`old` occurs exactly once in `file`; with `new` in its place `test`, as pytest takes it, fails."""

    name: str
    file: str
    old: str
    new: str
    test: str


def copied(folder: Path) -> Path:
    """A copy of all that the tests need."""
    for name in _COPIED:
        if (source := ROOT / name).is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def passes(test: str, copy: Path) -> bool:
    """Whether a test passes in a copy; a failure is one of the test, not of finding it."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 0


def is_noticed(defect: Defect, copy: Path) -> bool:
    """Whether the test of a defect fails with it. The copy is left as it was."""
    path = copy / defect.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(defect.old, defect.new), encoding="utf-8")
    try:
        return not passes(defect.test, copy)
    finally:
        path.write_text(text, encoding="utf-8")
