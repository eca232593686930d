"""The walks of resspec/README.md are true, and the one of `check` enters few files."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import FrameType

import pytest

import resspec
from resspec import cli
from tests.texts import chain, written

PACKAGE = Path(resspec.__file__).parent
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^\d+\. `([\w/]+)\.py`: `([\w.]+)`", README, re.MULTILINE)
FILES = re.findall(r"`([\w/]+/|[\w/]*\w\.py)`", README)
ENDS = {"parse_partly", "at", "render"}  # text is a tree; a mistake is made; it is printed


@contextmanager
def calls_of(names: set[str], found: Callable[[list[str]], None]) -> Iterator[None]:
    """Give the files of the package on the stack at each call of a function of these names."""

    def trace(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name in names:
            found(list(files_of(frame)))

    before = sys.getprofile()
    sys.setprofile(trace)
    try:
        yield
    finally:
        sys.setprofile(before)


def files_of(frame: FrameType | None) -> Iterator[str]:
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            yield path.relative_to(PACKAGE).as_posix()
        frame = frame.f_back


def test_from_check_to_an_unknown_layer_at_most_14_files_are_entered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = written(tmp_path, chain("cnov 3x3, 64"))
    entered: dict[str, None] = {}
    with calls_of(ENDS, lambda files: entered.update(dict.fromkeys(reversed(files)))):
        assert cli.run(["check", str(spec)]) == 1
    assert "no layer or block is called `cnov`" in capsys.readouterr().err
    assert {"cli.py", "compiler.py", "syntax/parse.py", "render.py"} <= set(entered)
    assert len(entered) <= 14, list(entered)
    walk = README.split("### ")[1]
    assert list(entered) == re.findall(r"^\d+\. `([\w/]+\.py)`", walk, re.MULTILINE)


@pytest.mark.parametrize(("file", "name"), STEPS, ids=lambda each: each)
def test_every_step_of_a_walk_exists(file: str, name: str) -> None:
    module = import_module(f"resspec.{file.replace('/', '.')}")
    assert reduce(getattr, name.split("."), module)


@pytest.mark.parametrize("file", sorted(set(FILES)))
def test_every_file_of_the_architecture_exists(file: str) -> None:
    assert (PACKAGE / file).exists()
