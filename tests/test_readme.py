"""The README runs: its commands print what it shows, its specs are clean, its Python works."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import which
from statistics import mean

import pytest

from resspec import compiler
from resspec.ir.fingerprint import fingerprint

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCKS = re.findall(
    r"^```(\w+)\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
CONSOLE = [text for language, text in BLOCKS if language == "console"]
MAKE = re.compile(r"(?:^|`)make(?: [A-Z]+=\S+)* ([a-z]+)", re.MULTILINE)


def printed(command: str, folder: Path) -> str:
    """What a command shows in a terminal of 80 columns, stderr first."""
    words = shlex.split(command.removeprefix("$ resspec "))
    out = ["--out", str(folder)] if words[0] == "compile" else []
    environment = {
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "PATH": "",
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
    }
    command_line = [sys.executable, "-m", "resspec", *words, *out]
    done = subprocess.run(
        command_line, cwd=ROOT, capture_output=True, text=True, env=environment, check=False
    )
    return (done.stdout + done.stderr).replace(f"{folder}/", "build/")


def made(target: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `make TARGET` in a folder that has the specs and this environment, but no other program."""
    (folder / "specs").symlink_to(ROOT / "specs")
    resspec = folder / "bin" / "resspec"
    resspec.parent.mkdir()
    resspec.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m resspec "$@"\n', encoding="utf-8")
    resspec.chmod(0o755)

    installed = [f"--old-file=.venv/.{extra}" for extra in ("torch", "dev")]
    command = [
        which("make") or "make",
        "-f",
        str(ROOT / "Makefile"),
        *installed,
        *options,
        target,
        "BIN=bin",
    ]
    outside = {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE")
    }  # `make test` runs this
    environment = {**outside, "PATH": "", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_demo_checks_compiles_reports_and_trains(tmp_path: Path) -> None:
    done = made("demo", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "layer3  36 × bottleneck" in done.stdout
    assert (tmp_path / "build" / "resnet152.py").exists()
    result = json.loads((tmp_path / "runs" / "digits" / "result.json").read_text(encoding="utf-8"))
    assert result["correct"] / result["total"] > 0.98


def test_make_test_is_all_that_the_readme_says(tmp_path: Path) -> None:
    done = made("test", tmp_path, "--dry-run")
    assert done.returncode == 0, done.stderr
    programs = [line.split()[0].rpartition("/")[2] for line in done.stdout.splitlines()]
    assert programs == ["ruff", "ruff", "mypy", "lint-imports", "python", "pytest"]


def test_the_targets_of_make_are_those_of_the_makefile() -> None:
    """Wherever a text for readers says `make`, it says something that can be made."""
    documents = [README, ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
    said = {
        target for path in documents for target in MAKE.findall(path.read_text(encoding="utf-8"))
    }
    assert {"demo", "test"} <= said
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert said <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_contributing_names_files_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    words = re.findall(r"\b(?:resspec|tests|grammar|docs|specs)/[\w/.-]*\w", text)
    assert len(words) > 20
    assert [word for word in words if not (ROOT / word).exists()] == []


@pytest.mark.parametrize("text", CONSOLE, ids=lambda text: text.split("\n")[0])
def test_commands_print_what_is_shown(
    text: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    command = text.split("\n", maxsplit=1)[0]
    found = f"{command}\n{printed(command, tmp_path)}"
    if request.config.getoption("--update"):
        updated = README.read_text(encoding="utf-8").replace(
            f"```console\n{text}", f"```console\n{found}"
        )
        README.write_text(updated, encoding="utf-8")
    else:
        assert text == found


def test_the_picture_is_what_its_command_draws(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (command,) = re.findall(r"`(resspec draw [^`]* -o [^`]*)`", README.read_text(encoding="utf-8"))
    words = shlex.split(command)
    shown = ROOT / words[-1]
    printed(
        shlex.join(["$", *words[:-1], str(tmp_path / "drawn.svg")]).replace("'$'", "$"), tmp_path
    )
    drawn = (tmp_path / "drawn.svg").read_bytes()
    if request.config.getoption("--update"):
        shown.write_bytes(drawn)
    assert drawn == shown.read_bytes()
    assert f'src="{words[-1]}"' in README.read_text(encoding="utf-8")


def test_the_first_spec_is_the_shipped_network(tmp_path: Path) -> None:
    spec = tmp_path / "resnet152.res"
    spec.write_text(next(text for language, text in BLOCKS if language == "res"), encoding="utf-8")
    shown, shipped = (compiler.load(each) for each in (spec, ROOT / "specs/resnet152.res"))
    assert fingerprint(shown) == fingerprint(shipped)


def test_the_blocks_are_clean(tmp_path: Path) -> None:
    for language, text in BLOCKS:
        if language == "res":
            (tmp_path / "readme.res").write_text(text, encoding="utf-8")
            assert compiler.check(tmp_path / "readme.res") == []


def test_python() -> None:
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "README.md", "exec"), {})


def test_the_claim_of_the_study_is_what_its_folder_holds() -> None:
    with (ROOT / "docs" / "degradation" / "results.csv").open(encoding="utf-8") as file:
        error = {
            (row["family"], row["layers"], row["seed"]): float(row["test_error"])
            for row in csv.DictReader(file)
        }
    seeds = {seed for *_, seed in error}
    assert len(seeds) == 3
    families = ("plain", "residual")
    gaps = {
        family: [error[family, "56", seed] - error[family, "20", seed] for seed in seeds]
        for family in families
    }
    told = [f"{mean(gap):.1f} points ({min(gap):.1f} … {max(gap):.1f})" for gap in gaps.values()]
    text = README.read_text(encoding="utf-8")
    assert f"56 plain layers have {told[0]} more test error than 20" in text
    assert f"residual ones {told[1].replace(' points', '')}" in text
    assert mean(gaps["plain"]) - mean(gaps["residual"]) > max(
        max(gap) - min(gap) for gap in gaps.values()
    )
