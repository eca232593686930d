"""Output is the same under any hash seed, locale and width, and holds no control characters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resspec import cli
from tests.diagnostics.test_fixtures import FOLDER

SETTINGS = [
    {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "COLUMNS": "80"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C", "COLUMNS": "20"},
    {"PYTHONHASHSEED": "4242", "LC_ALL": "POSIX", "LANG": "de_DE.UTF-8", "COLUMNS": "300"},
]
ALL = """
from resspec import cli
for form in ("text", "json", "github"):
    cli.run(["check", "--format", form, "."])
"""
EVIL = "e\x1b[31m\n::error::%0A\u202e"
GOOD = "network small { input 3x8x8; head avgpool -> fc 2 }\n"
TEXTS = {
    "good": GOOD,
    "bad": GOOD.replace("fc", "cf\x1b[31m") + "# \x1b]0;title\x07",
    "warned": "let a = 1\n" + GOOD,
}
OTHERS = [["report", ".", "--format", form] for form in ("json", "csv", "markdown")] + [
    ["report", "PATH", "--format", "html"],
    ["compile", "PATH", "--emit", "ir-json"],
    ["compile", "PATH", "--out", EVIL],
    ["draw", "PATH", "-o", f"{EVIL}.svg"],
    ["diff", "PATH", "digits"],
    ["diff", "PATH", "digits", "--format", "json"],
    ["diff", "PATH", "digits", "--format", "html"],
    ["report", "PATH", "--input", EVIL],
    ["report", f"PATH:{EVIL}"],
    ["draw", "PATH", "-o", EVIL],
    ["report", "PATH", "--memory", "1GB", "--set", "n=3"],
]


def test_the_same_under_any_hash_seed_locale_and_width() -> None:
    printed = []
    for settings in SETTINGS:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            **settings,
        }
        done = subprocess.run(
            [sys.executable, "-c", ALL],
            capture_output=True,
            cwd=FOLDER,
            env=environment,
            check=True,
        )
        printed.append((done.stdout, done.stderr))
    assert printed[0] == printed[1] == printed[2] and len(printed[0][1]) > 10_000


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
@pytest.mark.parametrize("name", TEXTS)
def test_no_control_character_of_a_name_or_text(
    name: str,
    form: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = f"{EVIL}{name}.res"
    Path(path).write_text(TEXTS[name], encoding="utf-8")
    for command in (
        ["check", "--format", form, path],
        ["check", "--format", form, "."],
        ["check", "--diff", path],
        ["check", "--format", form, EVIL],
        ["check", path, "--budget", f"params <= {EVIL}"],
        ["report", path],
        ["expand", path],
        ["fmt", "--check", path],
        ["fmt", "--diff", path],
        ["explain", EVIL],
        *(OTHERS if form == "text" else ()),
    ):
        cli.run([path if each == "PATH" else each for each in command])
        out, err = capsys.readouterr()
        assert all(line.isprintable() for line in (out + err).split("\n")), command
    if form == "github":
        cli.run(["check", "--format", form, path])
        lines = capsys.readouterr().out.splitlines()
        assert all(
            line.startswith(
                (
                    "::error file=e<U+001B>[31m%0A%3A%3Aerror%3A%3A%250A<U+202E>",
                    "::warning file=e<U+001B>[31m%0A%3A%3Aerror%3A%3A%250A<U+202E>",
                )
            )
            for line in lines
        )
