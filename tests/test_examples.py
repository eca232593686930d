"""The examples run, and print what their readers expect."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PRINTED = {
    "compare.py": "torchvision/resnet50    25,557,032   4,089,184,256\n",
    "own_block.py": "wrote build/gated.svg and build/gated.py\n",
    "own_loop.py": "epoch 5: test accuracy 9",
}
RUN_NOTEBOOK = ("-m", "nbconvert", "--execute", "--to", "notebook", "--output-dir")


def run(folder: Path, *arguments: str | Path) -> str:
    """Run Python in a folder and return what it printed."""
    paths = [str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")]
    settings = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUTF8": "1",
        "IPYTHONDIR": str(folder / "ipython"),
    }
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_script_has_its_line_here() -> None:
    assert set(PRINTED) == {path.name for path in EXAMPLES.glob("*.py")}


@pytest.mark.parametrize("script", PRINTED)
def test_script_runs(script: str, tmp_path: Path) -> None:
    assert PRINTED[script] in run(tmp_path, EXAMPLES / script)


def test_notebook_runs_and_shows_drawings_tables_and_a_located_mistake(tmp_path: Path) -> None:
    nbformat = import_module("nbformat")
    run(tmp_path, *RUN_NOTEBOOK, tmp_path, EXAMPLES / "tour.ipynb")
    cells = nbformat.read(tmp_path / "tour.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]

    shown = [kind for output in outputs for kind in output.get("data", {})]
    assert shown.count("image/svg+xml") == 3
    assert shown.count("text/markdown") == 2
    assert shown.count("text/html") == 3

    drawn_by_rich = [output for output in outputs if output["output_type"] == "display_data"]
    assert not drawn_by_rich

    (mistake,) = (output for output in outputs if output["output_type"] == "error")
    trace = "\n".join(mistake["traceback"])
    assert "--> In [11]:6:26" in trace and "did you mean `bn`?" in trace
    assert "resspec/compiler.py" not in trace


def test_the_notebook_is_kept_without_outputs() -> None:
    nbformat = import_module("nbformat")
    cells = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4).cells
    assert not any(cell.get("outputs") for cell in cells)
