"""Emitted files have names that can be imported, and never shadow another module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from resspec.backends.file_names import file_stem
from resspec.opening import shipped_names
from tests.commands.typed import Captured, ran

pytestmark = pytest.mark.usefixtures("here")
SHADOWS = [
    "torch",
    "math",
    "typing",
    "collections",
    "numpy",
    "sympy",
    "functools",
    "types",
    "os",
    "resspec",
    "copy",
    "random",
]
ODD = ["class", "None", "__init__", "__main__", "__future__", "CON", "nul", "Lpt1", "aux"]
PLAIN = ["net", "match", "_", "_a", "a1"]


def compiled(name: str, capsys: Captured) -> str:
    """Compile a network of this name, and return what is printed on stderr."""
    text = f"network {name} {{ input 3x8x8; stem conv 3x3, 4 -> bn; head avgpool -> fc 2 }}"
    Path("net.res").write_text(text, encoding="utf-8")
    return ran("compile net.res", capsys)[1]


@pytest.mark.parametrize("name", [*SHADOWS, *ODD, *PLAIN])
def test_a_name_that_would_shadow_a_module_is_changed_with_a_note(
    name: str, capsys: Captured
) -> None:
    notes = compiled(name, capsys)
    stem = file_stem(name)
    assert {path.name for path in Path("build").iterdir()} == {f"{stem}.py", f"{stem}.report.json"}
    assert (stem == name) == (name in PLAIN)
    assert ("note: the files are called" in notes) == (stem != name)


def test_all_files_are_imported_from_their_own_folder(capsys: Captured) -> None:
    """From a program beside them, as the help shows, so that their folder is searched first."""
    names = [*SHADOWS, *ODD, *PLAIN]
    for name in names:
        compiled(name, capsys)

    program = ["import torch"]
    for stem in map(file_stem, names):
        program += [
            f"import {stem} as emitted",
            "net = getattr(emitted, emitted.__all__[1])().eval()",
            "assert net(torch.ones(1, 3, 8, 8)).shape == (1, 2)",
        ]
    Path("build/program.py").write_text("\n".join(program), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py"], cwd="build", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_no_name_of_the_standard_library_is_taken() -> None:
    assert all(file_stem(name) not in sys.stdlib_module_names for name in sys.stdlib_module_names)


def test_no_package_that_torch_loads_is_taken() -> None:
    """Whatever it loads here: its own modules, and those of other packages."""
    loaded = "import sys, torch; print(*{name.partition('.')[0] for name in sys.modules})"
    names = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"torch", "numpy"} <= set(names)
    public = [name for name in names if not name.startswith("_") and name.isidentifier()]
    assert [name for name in public if file_stem(name) == name] == []


def test_names_of_networks_that_ship_stay() -> None:
    names = [name.rsplit("/", 1)[-1] for name in shipped_names()]
    assert [file_stem(name) for name in names] == names


def test_what_is_printed_is_the_same_text(capsys: Captured) -> None:
    compiled("torch", capsys)
    assert ran("compile net.res --emit source", capsys)[0] == Path("build/torch_net.py").read_text(
        encoding="utf-8"
    )
    assert ran("compile net.res --emit report", capsys)[0] == Path(
        "build/torch_net.report.json"
    ).read_text(encoding="utf-8")
