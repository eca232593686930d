"""The public face of `import resspec`: its names, its docstrings with their examples, and how its
values print.
"""

from __future__ import annotations

import doctest
import inspect
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import resspec

FUNCTIONS = [name for name in resspec.__all__ if inspect.isfunction(getattr(resspec, name))]
CLASSES = [name for name in resspec.__all__ if inspect.isclass(getattr(resspec, name))]
WRONG = "block narrow(width) { residual conv 3x3, width; shortcut identity }\n"


def test_dir_lists_exactly_the_public_names() -> None:
    assert dir(resspec) == sorted(resspec.__all__)
    assert {*FUNCTIONS, *CLASSES, "__version__"} == set(resspec.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_documents_arguments_result_errors_and_an_example(name: str) -> None:
    function = getattr(resspec, name)
    text = inspect.getdoc(function) or ""
    sections = re.split(r"^(Args|Returns|Raises|Examples):\n", text, flags=re.MULTILINE)
    parts = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert list(parts) == ["Args", "Returns", "Raises", "Examples"]

    parameters = inspect.signature(function).parameters.values()
    documented = re.findall(r"^    \**(\w+): ", parts["Args"], re.MULTILINE)
    assert documented == [parameter.name for parameter in parameters]
    options = [each for each in parameters if each.default is not inspect.Parameter.empty]
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in options)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_every_function_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {"resspec": resspec, "torch": torch}
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(getattr(resspec, name), name, globs=known)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'laod'"):
        _ = resspec.laod


def test_importing_resspec_and_listing_its_names_loads_nothing_heavy() -> None:
    program = "import json, sys, resspec; dir(resspec); resspec.load; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert not {"torch", "numpy", "rich", "IPython"} & set(json.loads(done.stdout))


def test_a_report_prints_as_the_table_of_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "resspec", "report", "resnet18"],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert f"{resspec.report(resspec.load('resnet18'))}\n" == done.stdout


def test_a_difference_prints_its_changes() -> None:
    a, b = resspec.load("resnet50"), resspec.load("torchvision/resnet50")
    assert "layer2.0, layer3.0, layer4.0: stride 2 → 1" in str(resspec.diff(a, b))
    assert resspec.diff(a, a).same


def test_an_error_prints_every_mistake_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / "wrong.res"
    path.write_text(WRONG + "network net { input 3x8x8; stem narrow 8; head fcc 2 }\n")
    with pytest.raises(resspec.SpecError) as caught:
        resspec.load(path)
    first, second = str(caught.value).split("\n\n")
    assert first == str(caught.value.diagnostics[0])
    assert "head fcc 2" in second and "^^^" in second and "= help: did you mean `fc`?" in second
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_drawing_is_saved_as_its_name_says(tmp_path: Path) -> None:
    picture = resspec.draw(resspec.load("resnet18"))
    picture.save(tmp_path / "drawn.svg")
    picture.save(tmp_path / "drawn.png")
    assert (tmp_path / "drawn.svg").read_text(encoding="utf-8") == picture.svg
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(resspec.UsageError, match=r"an \.svg or a \.png"):
        picture.save(tmp_path / "drawn.gif")


@pytest.mark.parametrize("name", ["build", "compile", "diff", "draw", "expand", "report"])
def test_what_is_not_a_network_is_a_usage_error(name: str) -> None:
    arguments = ["resnet18", "resnet18"] if name == "diff" else ["resnet18"]
    with pytest.raises(resspec.UsageError, match=r"resspec\.load.*'resnet18'"):
        getattr(resspec, name)(*arguments)


def test_source_and_expansion_mean_the_same_network(tmp_path: Path) -> None:
    network = resspec.load("resnet18")
    (tmp_path / "again.res").write_text(resspec.expand(network), encoding="utf-8")
    assert resspec.diff(network, resspec.load(tmp_path / "again.res")).same

    names: dict[str, Any] = {"__name__": "generated"}
    exec(compile(resspec.compile(network), "resnet18.py", "exec"), names)
    built = resspec.build(network).state_dict()
    assert names["resnet18"]().state_dict().keys() == built.keys()
