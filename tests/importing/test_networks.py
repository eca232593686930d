"""Networks that neither torchvision nor timm has: imported, compared with a changed version, trained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands.typed import Captured, ran

NETWORKS = Path(__file__).parent / "networks"
PROVEN = re.compile(r"(\d+) of \1 tensors load strictly; outputs and gradients bitwise equal\n")


def source(name: str) -> str:
    """Return the word for one of these networks: the file, and its last class."""
    path = NETWORKS / f"{name}.py"
    (*_, last) = re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return f"{path}:{last}"


@pytest.mark.parametrize(
    ("name", "size"),
    [("cifar_resnet", "32"), ("segmentation", "64"), ("super_resolution", "24")],
)
def test_it_is_imported_and_proven(name: str, size: str, here: Path, capsys: Captured) -> None:
    del here
    out, err = ran(f"import {source(name)} --input {size} -o net.res", capsys)
    assert out == ""
    first, summary, wrote = err.splitlines(keepends=True)
    assert first == f"note: {source(name)} is Python code, which is run\n"
    assert PROVEN.search(summary), summary
    assert wrote == "wrote net.res\n"
    assert ran("check net.res", capsys)[0] == "net.res: no errors\n"
