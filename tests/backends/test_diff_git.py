"""Specs at revisions of a real repository, and what docs/git.md tells users to set up."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from resspec.compiler import load, load_revised
from resspec.diagnostics import UsageError
from resspec.ir.fingerprint import fingerprint

DOCS = (Path(__file__).parents[2] / "docs/git.md").read_text(encoding="utf-8")
YAML = re.findall(r"^```yaml\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
UNIT = "block unit(width) {{ conv {}, width -> bn -> relu }}\n"
NET = "use mine\nnetwork net {{ input 3x8x8; stage a: {} x unit 4; head avgpool -> fc 2 }}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits: the library's kernel grows from 1x1 to 3x3, and the net from 2 to 3 blocks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin/resspec"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m resspec "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    top = tmp_path / "repository"
    (top / "specs").mkdir(parents=True)
    monkeypatch.chdir(top)
    ran("git", "init", "-q", "-b", "main")
    for size, blocks in (("1x1", 2), ("3x3", 3)):
        Path("specs/mine.res").write_text(UNIT.format(size), encoding="utf-8")
        Path("specs/net.res").write_text(NET.format(blocks), encoding="utf-8")
        ran("git", "add", ".")
        ran(
            "git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", size
        )
    return top


def ran(*command: str, code: int = 0) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_revision_has_its_own_libraries(repository: Path) -> None:
    del repository
    out = ran("resspec", "diff", "HEAD~1:specs/net.res", "specs/net.res", code=1)
    assert "~ a: 2 → 3 blocks, + unit (a.2)" in out
    assert "~ conv1 of a.0, a.1: kernel_size 1 → 3" in out
    assert "HEAD~1:specs/mine.res:1 → specs/mine.res:1" in out
    ran("resspec", "diff", "HEAD:specs/net.res", "specs/net.res")
    ran("resspec", "diff", "main:specs/net.res:net", "specs/net.res:net")


def test_paths_are_from_the_top_or_from_here(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = fingerprint(load("specs/net.res"))
    monkeypatch.chdir(repository / "specs")
    assert fingerprint(load_revised("HEAD:specs/net.res").network) == now
    assert fingerprint(load_revised("HEAD:./net.res").network) == now
    assert fingerprint(load_revised("HEAD~1:specs/net.res").network) != now
    assert fingerprint(load_revised("net.res:net").network) == now, "what is a file is no revision"
    assert fingerprint(load_revised("resnet18").network) == fingerprint(load("resnet18"))


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("HEAD~9:specs/net.res", "git has no revision 'HEAD~9'"),
        ("--help:specs/net.res", "git has no revision '--help'"),
        ("HEAD:specs/none.res", "there is no spec 'specs/none.res' in 'HEAD'"),
        ("HEAD:../net.res", "there is no spec"),
        ("HEAD:specs", "there is no spec 'specs' in 'HEAD'"),
        ("HEAD:specs/net.res:other", "has no network 'other'"),
        ("HEAD:specs/\0", "cannot run git"),
    ],
)
def test_what_git_does_not_have(repository: Path, side: str, message: str) -> None:
    del repository
    with pytest.raises(UsageError, match=re.escape(message)):
        load_revised(side)


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match=r"there is no spec 'HEAD:a\.res'.*not a git repository"):
        load_revised("HEAD:a.res")


def test_a_symbolic_link_is_not_followed(repository: Path) -> None:
    (repository / "specs/link.res").symlink_to("/etc/passwd")
    ran("git", "add", ".")
    ran("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "link")
    with pytest.raises(UsageError, match="there is no spec"):
        load_revised("HEAD:specs/link.res")


def test_git_diff_runs_resspec(repository: Path) -> None:
    _, command, tool, textconv, _ = [text for language, text in BLOCKS if language == "sh"]
    Path("one.res").write_text(
        "network one { input 3x8x8; stage a: conv 3x3, 4; head avgpool -> fc 2 }\n",
        encoding="utf-8",
    )
    ran("git", "add", ".")
    ran("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "one")
    ran("sh", "-c", command)
    Path("one.res").write_text(Path("one.res").read_text().replace("4", "8"), encoding="utf-8")
    assert "out_channels 4 → 8" in ran("git", "diff", "--", "one.res")
    ran("git", "config", "--unset", "diff.resspec.command")
    ran("sh", "-c", textconv)
    assert re.search(
        r"^\+ .*conv 3x3, 8, padding=1", ran("git", "diff", "--", "one.res"), re.MULTILINE
    )
    (repository / "specs/net.res").write_text(NET.format(5), encoding="utf-8")
    out = ran("sh", "-c", tool)
    assert "~ a: 3 → 5 blocks, + 2 × unit (a.3..4)" in out


def test_the_workflow_writes_a_comment(repository: Path) -> None:
    del repository
    workflow = yaml.safe_load(next(text for text in YAML if text.startswith("name: architecture")))
    steps = [step.get("run", "") for step in workflow["jobs"]["diff"]["steps"]]
    script = next(run for run in steps if "diff --since" in run).removeprefix(
        'pip install "$RESSPEC" && '
    )
    base = ran("git", "rev-parse", "HEAD~1").strip()
    ran("env", f"BASE={base}", "bash", "-e", "-o", "pipefail", "-c", script)
    comment = Path("comment.md").read_text(encoding="utf-8")
    assert "### `specs/net.res:net`\n**net → net**: different networks\n" in comment
    assert (
        "- **a**: 2 → 3 blocks, \\+ unit" in comment or "- **a**: 2 → 3 blocks, + unit" in comment
    )
    assert "mine.res`\n**" not in comment, "a library has no network of its own"


def test_since_a_library_changed(repository: Path) -> None:
    del repository
    ran("git", "checkout", "-q", "HEAD~1", "--", "specs/net.res")
    out = ran("resspec", "diff", "--since", "HEAD~1", code=1)
    assert out.startswith("specs/net.res:net\na  net")
    assert "~ conv1 of a.0, a.1: kernel_size 1 → 3" in out
    ran("git", "checkout", "-q", "HEAD~1", "--", "specs/mine.res")
    assert ran("resspec", "diff", "--since", "HEAD~1") == ""


def test_since_shows_short_hashes(repository: Path) -> None:
    del repository
    out = ran("resspec", "diff", "--since", "HEAD~1", code=1)
    short = ran("git", "rev-parse", "--short", "HEAD~1").strip()
    assert f"{short}:specs" in out and not re.search("[0-9a-f]{20}:", out)


def test_since_a_revision_of_another_history(repository: Path) -> None:
    del repository
    ran("git", "checkout", "-q", "--orphan", "alone")
    ran(
        "git",
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "commit",
        "-q",
        "-m",
        "another beginning",
    )
    done = subprocess.run(
        ["resspec", "diff", "--since", "main"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: 'main' and HEAD have no commit in common\n",
    )


def test_since_passes_over_what_is_broken(repository: Path) -> None:
    """Untouched files are not read; a touched one that is broken is noted, the rest compared."""
    old = {
        "dull": NET.format("none"),
        "mended": "use mine\nnetwork mended { input",
        "spoiled": NET.format(2),
    }
    for name, text in old.items():
        (repository / f"specs/{name}.res").write_text(text, encoding="utf-8")
    ran("git", "add", ".")
    ran(
        "git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "broken"
    )
    assert since() == (0, "", [])
    Path("specs/mended.res").write_text(
        NET.format(2).replace("network net", "network mended"), encoding="utf-8"
    )
    Path("specs/net.res").write_text(NET.format(5), encoding="utf-8")
    code, out, notes = since()
    assert code == 1 and out.startswith("specs/net.res:net\n") and "3 → 5 blocks" in out
    assert len(notes) == 1
    assert notes[0].startswith("note: specs/mended.res was skipped, it was broken in HEAD: ")
    assert "specs/mended.res:2:16: error[E0104]" in notes[0]
    Path("specs/spoiled.res").write_text(NET.format("none"), encoding="utf-8")
    code, out, notes = since()
    assert code == 2 and out.startswith("specs/net.res:net\n")
    assert [
        line
        for line in notes
        if line.startswith("note: specs/spoiled.res:net was skipped, it is broken now: ")
    ]
    assert len(notes) == 2


def since() -> tuple[int, str, list[str]]:
    done = subprocess.run(
        ["resspec", "diff", "--since", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_the_hook_checks_specs(repository: Path) -> None:
    del repository
    hooks = yaml.safe_load(next(text for text in YAML if text.startswith("repos:")))["repos"][0][
        "hooks"
    ]
    assert re.search(hooks[0]["files"], "specs/net.res")
    assert "no errors" in ran(*hooks[0]["entry"].split(), "specs/net.res", "specs/net.res")
