"""Planted defects: a source text, a wrong one in its place, and the test that must then fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_COPIED = ("resspec", "grammar", "specs", "schemas", "tests", "pyproject.toml")


class Defect(NamedTuple):
    """A wrong text for one that occurs once in `file`; `test` is the argument of pytest that fails."""

    name: str
    file: str
    old: str
    new: str
    test: str


def why_stale(defect: Defect, root: Path = ROOT) -> str:
    """Return why a row no longer fits the code, or an empty text."""
    path, _, name = defect.test.partition("::")
    count = (root / defect.file).read_text(encoding="utf-8").count(defect.old)

    if count != 1:
        return f"{defect.file} holds {defect.old!r} {count} times"
    if defect.old == defect.new:
        return "its new text is the old one"
    if not (root / path).exists():
        return f"{path} does not exist"

    function = rf"^def {name.partition('[')[0]}\b"
    if name and not re.search(function, (root / path).read_text(encoding="utf-8"), re.MULTILINE):
        return f"{path} has no {name}"
    return ""


def copied(folder: Path) -> Path:
    """Copy all that the tests need into a folder, and return it."""
    for name in _COPIED:
        if (source := ROOT / name).is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def passes(test: str, copy: Path) -> bool:
    """Return whether a test passes in a copy. An error in collecting it is ours, and raises."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 0


def is_noticed(defect: Defect, copy: Path) -> bool:
    """Return whether a defect makes its test fail. The copy is restored afterwards."""
    path = copy / defect.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(defect.old, defect.new), encoding="utf-8")
    try:
        return not passes(defect.test, copy)
    finally:
        path.write_text(text, encoding="utf-8")
