"""A command as a user types it, and small specs to give it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from resspec import cli

Captured = pytest.CaptureFixture[str]

GOOD = "network {} {{ input 3x8x8; stage a: conv 3x3, 4; head avgpool -> fc 2 }}\n"
WRONG = GOOD.replace("fc 2", "fcc 2")


def spec(path: str, text: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(
        text.replace("{}", Path(path).stem).replace("{{", "{").replace("}}", "}"), encoding="utf-8"
    )
    return path


def ran(command: str, capsys: Captured, code: int = 0) -> tuple[str, str]:
    """What a command prints on stdout and on stderr."""
    assert cli.run(shlex.split(command)) == code
    return capsys.readouterr()
