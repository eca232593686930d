"""Shells complete commands, options, specs and codes by the script that `resspec completion`
prints.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest

from resspec import cli
from resspec.commands import COMMANDS
from resspec.commands.completion import SHELLS
from tests.commands.typed import Captured

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_shtab_resspec "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "source $argv[1]; complete -C (string join ' ' -- $argv[2..])"


@pytest.fixture
def script(here: Path, capsys: Captured) -> Callable[[str], Path]:
    """`script("bash")`: the file that `resspec completion bash` would make, in an empty folder."""

    def made(shell: str) -> Path:
        assert cli.run(["completion", shell]) == 0
        path = here / f"completion.{shell}"
        path.write_text(capsys.readouterr().out, encoding="utf-8")
        return path

    return made


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_knows_every_command_and_is_valid(
    shell: str, script: Callable[[str], Path]
) -> None:
    path = script(shell)
    text = path.read_text(encoding="utf-8")
    assert all(command in text for command in COMMANDS)
    assert "torchvision/resnet50" in text and "cifar-he2015" in text and "E0301" in text
    if which(shell):
        subprocess.run([shell, "-n", path], check=True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("resspec rep", ["report"]),
        ("resspec report torchvision/resnet1", ["101", "152", "18"]),
        ("resspec check m", ["mine.res"]),
        ("resspec check d", ["digits"]),
        ("resspec report --opt", ["--optimizer"]),
        ("resspec report --dtype bf", ["bfloat16"]),
        ("resspec train digits --data cifar-1", ["cifar-10", "cifar-100"]),
        ("resspec explain E040", ["E0401", "E0402", "E0403"]),
        ("resspec help degr", []),
        ("resspec study degr", ["degradation"]),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_completions(
    shell: str, line: str, expected: list[str], here: Path, script: Callable[[str], Path]
) -> None:
    if not which(shell):
        pytest.skip(f"{shell} is not installed")
    (here / "mine.res").write_text("", encoding="utf-8")
    path = script(shell)
    program = {"bash": ["bash", "-c", BASH, "bash"], "fish": ["fish", "-c", FISH]}[shell]
    done = subprocess.run(
        [*program, path, *line.split()], capture_output=True, text=True, check=True
    )
    found = sorted(each.partition("\t")[0] for each in done.stdout.split("\n") if each)
    prefix = "torchvision/resnet" if expected[:1] == ["101"] else ""
    assert found == [prefix + each for each in expected]
