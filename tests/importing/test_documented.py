"""The page on imports: its commands print what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from resspec import cli
from tests.commands.typed import Captured
from tests.importing.test_networks import CHANGED, NETWORKS

PAGE = Path(__file__).parents[2] / "docs" / "import.md"
CONSOLE = re.compile(r"^```console\n\$ resspec ([^\n]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMANDS = CONSOLE.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=[each for each, _ in COMMANDS])
def test_a_command_prints_what_the_page_shows(
    command: str, shown: str, here: Path, capsys: Captured
) -> None:
    """Compare the output; the page has only the beginning of a difference, and a part of stderr."""
    text = (NETWORKS / "cifar_resnet.py").read_text(encoding="utf-8")
    (_, _, old, new, _), *_ = CHANGED
    (here / "net.py").write_text(text, encoding="utf-8")
    (here / "changed.py").write_text(text.replace(old, new), encoding="utf-8")
    typed, _, then = command.partition(" | ")
    unproven = ["--no-verify"] if then else []
    cli.run([*shlex.split(typed), *unproven])
    out, err = capsys.readouterr()
    printed = taken(out.splitlines(), shlex.split(then))
    said = err.splitlines()
    expected = [line for line in shown.splitlines() if line not in said]
    if typed.startswith("diff"):
        printed = printed[: len(expected)]
    assert printed == expected


def taken(lines: list[str], words: list[str]) -> list[str]:
    """Return the lines that `grep -A N PATTERN` or `tail -n N` leaves."""
    match words:
        case ["grep", "-A", count, pattern]:
            start = next(i for i, line in enumerate(lines) if pattern in line)
            return lines[start : start + int(count) + 1]
        case ["tail", "-n", count]:
            return lines[-int(count) :]
        case _:
            return lines
