"""The commands that read, check and count a spec import neither torch nor anything else heavy."""

import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import resspec

PROGRAM = """
import json, sys
from resspec.cli import run
status = run(json.loads(sys.argv[1]))
loaded = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(json.dumps([status, sorted(loaded)]), file=sys.stderr)
"""
FRONT_END = {"lark", "resspec"}
TABLES = {"markdown_it", "mdurl", "pygments", "rich"}


def imported(arguments: list[str], folder: Path) -> set[str]:
    """The packages outside the standard library that a command has imported when it ends."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    status, loaded = json.loads(done.stderr.splitlines()[-1])
    assert status == (1 if arguments[0] == "diff" else 0)
    return {name for name in loaded if not name.startswith("_")}


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "resnet152"],
        ["compile", "resnet152", "--out", "built"],
        ["expand", "resnet152"],
        ["report", "resnet152"],
        ["report", "resnet152", "--format", "html"],
        ["draw", "resnet152", "vgg19"],
        ["diff", "resnet152", "torchvision/resnet152"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_torch(arguments: list[str], tmp_path: Path) -> None:
    assert imported(arguments, tmp_path) <= FRONT_END | TABLES


def test_a_report_for_machines_does_not_even_import_rich(tmp_path: Path) -> None:
    assert imported(["report", "resnet152", "--format", "json"], tmp_path) <= FRONT_END


def test_no_file_imports_another_in_a_circle() -> None:
    """Imports under TYPE_CHECKING included."""
    graph = grimp.build_graph("resspec", cache_dir=None)
    imports = {file: graph.find_modules_directly_imported_by(file) for file in graph.modules}
    TopologicalSorter(imports).prepare()


def test_no_file_is_longer_than_400_lines() -> None:
    package = Path(resspec.__file__).parent
    lengths = {
        path.relative_to(package).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in package.rglob("*.py")
    }
    assert {name for name, length in lengths.items() if length > 400} == set()
