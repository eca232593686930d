"""The documentation: the tutorial's commands print what it shows, and the site builds without
another host.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pygments.token import Error

from resspec.highlighting import ResLexer

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"\n]+)\")?\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ resspec (.+)\n", re.MULTILINE)
EXTERNAL = re.compile(
    r"""<(?:script|img|iframe|source)[^>]+src=["']?https?://"""
    r"""|<link[^>]+rel=["']?(?:stylesheet|icon|preload|preconnect)[^>]+href=["']?https?://"""
)


def terminal(command: str, folder: Path) -> str:
    """Return what a command shows in a terminal of 80 columns, stderr last."""
    settings = {
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "PATH": "",
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
    }
    words = [sys.executable, "-m", "resspec", *shlex.split(command)]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, encoding="utf-8", env=settings, check=False
    )
    return done.stdout + done.stderr


def replayed(text: str, folder: Path) -> str:
    """Return a page with the output of its commands as it is now; its specs are written to a
    folder.
    """

    def again(found: re.Match[str]) -> str:
        language, title, body = found.groups()
        if title:
            (folder / title).write_text(body, encoding="utf-8")
        if language != "console":
            return found[0]
        shown = [f"$ resspec {line}\n{terminal(line, folder)}" for line in COMMAND.findall(body)]
        return f"```console\n{''.join(shown)}```"

    return BLOCK.sub(again, text)


def test_the_commands_of_the_tutorial_print_what_it_shows(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    found = replayed(text, tmp_path)
    if request.config.getoption("--update"):
        TUTORIAL.write_text(found, encoding="utf-8")
    else:
        assert found == text


def test_the_python_of_the_tutorial_runs() -> None:
    blocks = [
        body
        for language, _, body in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8"))
        if language == "python"
    ]
    assert blocks
    for body in blocks:
        exec(compile(body, TUTORIAL.name, "exec"), {})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation site."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(folder),
    ]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_pages_of_the_site_load_nothing_from_another_host(site: Path) -> None:
    pages = [*site.rglob("*.html")]
    assert len(pages) > 100
    for page in pages:
        assert not EXTERNAL.search(page.read_text(encoding="utf-8")), page.name


def test_the_site_has_every_command_and_every_diagnostic(site: Path) -> None:
    commands = (site / "commands.html").read_text(encoding="utf-8")
    assert "usage: resspec report" in commands
    pages = {path.stem for path in (ROOT / "grammar" / "diagnostics").glob("*.md")}
    index = (site / "diagnostics" / "index.html").read_text(encoding="utf-8")
    assert all(
        f'href="{code}.html"' in index and (site / "diagnostics" / f"{code}.html").exists()
        for code in pages
    )


def test_every_shipped_spec_is_highlighted_without_an_error() -> None:
    for path in (ROOT / "specs").rglob("*.res"):
        tokens = ResLexer().get_tokens(path.read_text(encoding="utf-8"))
        assert not [text for kind, text in tokens if kind is Error], path.name
