"""`resspec diff --since`: Python networks of `resspec.toml`, run only where that is allowed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.commands.typed import Captured, ran

NET = """
from pathlib import Path

from torch import nn

Path({witness!r}).touch()


class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, stride={stride}, padding=1)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.conv(x))
"""
PROJECT = """
[networks]
net = "net.py:Net"
wide = {source = "net.py:Net", input = "3x16x16", arguments = {width = 8}}
"""


def git(*words: str) -> None:
    user = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *user, *words], check=True, capture_output=True)


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that exists once the network's code has run, with two commits of it in the folder."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    top = tmp_path / "repository"
    top.mkdir()
    monkeypatch.chdir(top)
    git("init", "-q", "-b", "main")
    Path("resspec.toml").write_text(PROJECT, encoding="utf-8")
    found = tmp_path / "witness"
    for stride in (1, 2):
        text = NET.format(stride=stride, witness=str(found))
        Path("net.py").write_text(text, encoding="utf-8")
        git("add", ".")
        git("commit", "-q", "-m", f"stride {stride}")
    return found


def test_python_is_not_run_unless_that_is_allowed(witness: Path, capsys: Captured) -> None:
    out, err = ran("diff --since HEAD~1", capsys)
    assert out == ""
    assert "net was skipped: importing net.py:Net runs Python code, which needs --allow-code" in err
    assert not witness.exists()


def test_each_side_is_the_code_of_its_revision(witness: Path, capsys: Captured) -> None:
    out, _ = ran("diff --since HEAD~1 --allow-code", capsys, code=1)
    assert witness.exists()
    assert out.startswith("net\n")
    assert "\nwide\n" in out
    assert out.count("~ conv: stride 1 → 2") == 2
    assert ":net.py:Net:5 → net.py:Net:5" in out
    listed = subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == 1


def test_a_network_that_cannot_be_imported_is_skipped(witness: Path, capsys: Captured) -> None:
    Path("net.py").write_text("raise ValueError('broken')", encoding="utf-8")
    out, err = ran("diff --since HEAD --allow-code", capsys, code=2)
    assert out == ""
    assert "net was skipped, it is broken now:" in err
    assert "broken" in err
    assert witness.exists() is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("networks = 3", "has one table, [networks]"),
        ("[networks]\nnet = 3", "net is neither a source"),
        ("[networks]\nnet = {source = 'a.py:A', width = 3}", "net is neither a source"),
        ("[networks", "resspec.toml: "),
    ],
)
def test_a_wrong_file_is_a_usage_error(
    witness: Path, text: str, message: str, capsys: Captured
) -> None:
    Path("resspec.toml").write_text(text, encoding="utf-8")
    assert message in ran("diff --since HEAD", capsys, code=2)[1]
    assert not witness.exists()


def test_initial_values_can_be_ignored(witness: Path, capsys: Captured) -> None:
    del witness
    net = "network net {{ input 3x8x8; {} head conv 3x3, {} }}\n"
    files = {"started.res": ("init zeros;", 2), "wider.res": ("init zeros;", 3)}
    for name in files:
        Path(name).write_text(net.format("", 2), encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "specs")
    for name, values in files.items():
        Path(name).write_text(net.format(*values), encoding="utf-8")
    assert "started.res:net" in ran("diff --since HEAD", capsys, 1)[0]
    out = ran("diff --since HEAD --ignore init", capsys, 1)[0]
    assert "started.res" not in out
    assert "wider.res:net" in out
    assert "init" not in out


@pytest.mark.parametrize(
    "source", ["py:net:Net.onnx", "net.py:Net.pt2", "--out=a.onnx", "timm:resnet18"]
)
def test_nothing_of_a_repository_runs_by_its_name(
    witness: Path, source: str, capsys: Captured
) -> None:
    """A name that ends like a file's is no file, and `timm` is not the one beside the network."""
    Path("resspec.toml").write_text(f"[networks]\nnet = '{source}'\n", encoding="utf-8")
    for name in ("timm.py", "onnx.py", "resspec.py"):
        Path(name).write_text(Path("net.py").read_text(encoding="utf-8"), encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "others")
    code = 2 if source.startswith("--") else 0
    ran("diff --since HEAD", capsys, code)
    assert not witness.exists()


def test_python_of_a_revision_needs_permission(witness: Path, capsys: Captured) -> None:
    for command in ("diff HEAD~1:net.py:Net HEAD:net.py:Net", "import HEAD~1:net.py:Net"):
        _, err = ran(command, capsys, code=2)
        assert "HEAD~1:net.py:Net runs Python code of that revision: add --allow-code" in err
        assert not witness.exists()


def test_python_of_a_revision_is_compared_with_that_of_now(witness: Path, capsys: Captured) -> None:
    sides = "HEAD~1:net.py:Net net.py:Net --allow-code --set width=6"
    out, err = ran(f"diff {sides}", capsys, code=1)
    assert witness.exists()
    assert "~ conv: stride 1 → 2" in out
    assert "HEAD~1:net.py:Net:5 → net.py:Net:5" in out
    assert "note: importing HEAD~1:net.py:Net runs Python code\n" in err
    page, _ = ran(f"diff {sides} --format html", capsys, code=1)
    assert "conv 3x3, 6" in page
    _, err = ran("diff HEAD~1:other.py:Net net.py:Net --allow-code", capsys, code=2)
    assert "there is no file 'other.py' in 'HEAD~1'" in err


def test_python_of_a_revision_is_imported(witness: Path, capfd: pytest.CaptureFixture[str]) -> None:
    del witness
    flags = "--allow-code --arg width=6 --input 16 --no-verify -o old.res"
    ran(f"import HEAD~1:net.py:Net {flags}", capfd)
    text = Path("old.res").read_text(encoding="utf-8")
    assert "input 3x16x16" in text
    assert "conv 3x3, 6, bias=true" in text
    ran("import HEAD~1:net.py:Nett --allow-code", capfd, code=2)


def test_only_the_first_process_of_torchrun_speaks(
    witness: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    del witness
    for rank, speaks in (("0", True), ("1", False)):
        monkeypatch.setenv("RANK", rank)
        _, err = ran("report net.py:Net", capsys)
        assert ("runs Python code" in err) is speaks
