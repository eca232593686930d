"""Networks that neither torchvision nor timm has: imported, compared with a changed version, trained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy, interpolate, mse_loss

import resspec
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
    assert first == f"note: importing {source(name)} runs Python code\n"
    assert PROVEN.search(summary), summary
    assert wrote == "wrote net.res\n"
    assert ran("check net.res", capsys)[0] == "net.res: no errors\n"


CHANGED = [
    ("cifar_resnet", "32", "width, width, 3, 1, 1", "width, width, 5, 1, 2", "kernel_size 3 → 5"),
    ("segmentation", "64", "nn.MaxPool2d(2)", "nn.AvgPool2d(2)", "~ maxpool1, maxpool2, maxpool3"),
    ("super_resolution", "24", "nn.ReLU()", "nn.GELU()", "relu → gelu"),
]


@pytest.mark.parametrize(("name", "size", "old", "new", "found"), CHANGED)
def test_a_changed_version_differs_in_lines_of_the_imported_text(
    name: str, size: str, old: str, new: str, found: str, here: Path, capsys: Captured
) -> None:
    text = (NETWORKS / f"{name}.py").read_text(encoding="utf-8")
    assert old in text
    (here / "old.py").write_text(text, encoding="utf-8")
    (here / "new.py").write_text(text.replace(old, new), encoding="utf-8")
    last = source(name).rpartition(":")[2]
    out, err = ran(f"diff old.py:{last} new.py:{last} --input {size}", capsys, code=1)
    words = " ".join(out.split())
    assert found in words
    assert re.search(rf"old\.py:{last}:\d+ → new\.py:{last}:\d+", words), out
    assert err.startswith(f"note: importing old.py:{last} runs Python code\n")


def test_a_module_is_trained_by_its_source(here: Path, capsys: Captured) -> None:
    values = "--input 1x8x8 --set net.channels=1 --set net.n=1 --set epochs=2"
    out, _ = ran(f"train {source('cifar_resnet')} {values} -r run", capsys)
    assert float(re.findall(r"test accuracy ([\d.]+)%", out)[0]) > 50
    assert (here / "run/weights.safetensors").exists()


@pytest.mark.parametrize(("name", "side"), [("segmentation", 32), ("super_resolution", 12)])
def test_the_network_of_a_dense_task_learns(name: str, side: int) -> None:
    """Its module is trained as any other: here on one batch, which it learns by heart."""
    torch.manual_seed(0)
    module = resspec.build(resspec.load(source(name), input=side))
    images = torch.rand(2, 3, side, side)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        found = module(images)
        if name == "segmentation":
            loss = cross_entropy(found, (images.mean(1) > 0.5).long())
        else:
            loss = mse_loss(found, interpolate(images, scale_factor=2, mode="bicubic"))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
