"""What a word imports, in the documented order, and files that are imported without running code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.importing.sources import source_of
from tests.commands.typed import GOOD, Captured, ran, spec

NET = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self, width=4, kernel=(3, 3), bias=True):
        super().__init__(nn.Conv2d(3, width, kernel, bias=bias), nn.ReLU())


class Other(Net):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else x


made = Net(6)
"""


@pytest.fixture
def net(here: Path) -> Path:
    (here / "net.py").write_text(NET, encoding="utf-8")
    return here


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("net.py:Net", "file"),
        ("./net.py:Net", "file"),
        ("torchvision:resnet18", "torchvision"),
        ("timm:net.py:Net", "timm"),
        ("py:net:Net", "py"),
        ("timm:mine", None),  # a file of this name is there
        ("none.py:Net", None),
        ("net.py", None),
        ("net.py:3", None),
        ("HEAD:net.py", None),
        ("resnet18", None),
        ("", None),
        ("\0", None),
    ],
)
def test_what_a_word_imports(net: Path, word: str, kind: str | None) -> None:
    spec(str(net / "timm:mine"), GOOD)
    found = source_of(word)
    assert (found.kind if found else None) == kind


def test_a_file_comes_before_a_prefix(net: Path) -> None:
    (net / "torchvision:resnet18").write_text(GOOD.format("net"), encoding="utf-8")
    assert load("torchvision:resnet18").output.dims == (2,)


def test_arguments_of_python_and_of_the_command_line(net: Path, capsys: Captured) -> None:
    del net
    assert load("net.py:Net", input=16, width=5).output.dims == (5, 14, 14)
    assert load("net.py:Net", input="3x16x20", kernel=(1, 1)).output.dims == (4, 16, 20)
    assert load("net.py:made", input=16).output.dims == (6, 14, 14)
    assert load("py:net:Net", input=(16, 20)).output.dims == (4, 14, 18)
    command = "report net.py:Net --input 16 --set width=7 --set bias=false --set kernel=5,5"
    out, err = ran(f"{command} --format csv", capsys)
    assert "525" in out.splitlines()[-1].split(",")  # 7 * 3 * 5 * 5 parameters
    assert "1 of 1 tensors load strictly; outputs and gradients were not compared" in err
    assert ran("check net.py:Net --budget 'params <= 100'", capsys, code=1)[1].count("E0311") == 1
    assert ran("draw net.py:Net -o - --input 16", capsys)[0].startswith("<svg")
    assert "def net(" in ran("compile net.py:Net --input 16 --emit source", capsys)[0]


def test_what_cannot_be_imported_is_one_message(net: Path, capsys: Captured) -> None:
    del net
    assert "did you mean resnet18?" in ran("import torchvision:resnt18", capsys, code=2)[1]
    assert "cannot be imported: write" in ran("import resnet18", capsys, code=2)[1]
    assert "there is no file nowhere.py" in ran("import nowhere.py:Net", capsys, code=2)[1]
    assert "there is no file nowhere.onnx" in ran("import nowhere.onnx", capsys, code=2)[1]
    assert "as in net.py:Net" in ran("import net.py", capsys, code=2)[1]
    assert "unexpected keyword" in ran("report net.py:Net --set with=3", capsys, code=2)[1]
    assert "E0709" in ran("report net.py:Other --input 16", capsys, code=2)[1]
    assert "there is no submodule '7'" in ran("import net.py:Net --part 7", capsys, code=2)[1]
    with pytest.raises(UsageError, match="is not an input"):
        load("net.py:Net", input="3x")


def test_a_part_and_a_law_of_initial_values(net: Path, capsys: Captured) -> None:
    del net
    out, _ = ran("import torchvision:resnet18 --part layer2 --init kaiming_normal", capsys)
    assert "input 64x56x56" in out
    assert "init kaiming_normal" in out
    assert ran("import net.py:Net --init nonsense", capsys, code=1)[1].count("E0227") == 1


PROGRAM = """
import sys
from pathlib import Path

heavy = {"torch", "numpy"}
def watch(event, arguments):
    if event in ("exec", "import") and Path.cwd().name in str(arguments):
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(watch)
from resspec.cli import run
status = run(sys.argv[1:])
assert not heavy & set(sys.modules)
sys.exit(status)
"""


def test_an_exported_program_is_reported_without_torch(net: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).eval()
    program = torch.export.export(module, (torch.rand(2, 3, 8, 8),))
    torch.export.save(program, "net.pt2")
    for evil in ("torch.py", "onnx.py", "numpy.py"):
        (net / evil).write_text("raise SystemExit('run')", encoding="utf-8")
    words = [sys.executable, "-P", "-c", PROGRAM, "report", "net.pt2", "--format", "csv"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "total" in done.stdout
    assert "runs Python code" not in done.stderr
    assert "7 of 7 tensors load strictly" in done.stderr
