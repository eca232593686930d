"""`train` gives a network as many classes and channels as its data has, and reads gray images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resspec import cli
from resspec.training import data
from resspec.training.data.pixel_stats import IMAGENET, IMAGENET_GRAY
from resspec.training.data.read_image import read_image
from resspec.training.names import DIGITS
from resspec.training.recipes.images import TestTransform
from tests.train.pets import RECIPE, draw_pets

SPEC = """
network tiny(classes=2, channels=3) {
    input channels, 32x32
    stem conv 3x3, 8, /2 -> bn -> relu -> conv 3x3, 16, /2 -> bn -> relu
    head avgpool -> fc classes
}
network decided = tiny classes=2
network fixed(classes=2) { input 3x32x32; head avgpool -> fc 2; expect layers < classes }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("tiny.res").write_text(SPEC, encoding="utf-8")
    Path("tiny.yaml").write_text(RECIPE, encoding="utf-8")
    draw_pets(tmp_path / "d", ("cat", "dog", "eel"), train=6, test=2)
    return tmp_path


def train(*more: str, spec: str = "tiny.res", data: str = "d") -> int:
    return cli.run(["train", spec, "--data", data, "--recipe", "tiny.yaml", *more])


def test_the_classes_are_those_of_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--run", "r") == 0
    said = "tiny is trained with classes=3 to match d\n"
    assert capsys.readouterr().err.count(said) == 1
    assert "fc: fc 3" in Path("r/spec.res").read_text()
    assert cli.run(["eval", "r"]) == 0
    assert train("--run", "r") == 0  # the same command has the same network
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--set", "classes=3"], ["--set", "net.classes=3"]])
def test_nothing_is_said_of_values_that_are_given(
    more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--plan", *more) == 0
    assert "to match d" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spec", "more"),
    [
        ("tiny.res", ["--set", "classes=2"]),
        ("tiny.res:decided", []),
        ("tiny.res:fixed", []),
    ],
)
def test_what_is_decided_stays(
    spec: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("--plan", *more, spec=spec) == 1
    err = capsys.readouterr().err
    assert "E0502" in err and "to match d" not in err


def test_a_network_of_one_channel_reads_gray(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("--set", "channels=1", "--run", "g") == 0
    shown = json.loads(Path("g/run.json").read_text())["preprocessing"]
    assert shown["input"] == [1, 32, 32]
    assert torch.tensor(shown["mean"]).numel() == 1
    assert cli.run(["eval", "g"]) == 0
    assert "error" not in capsys.readouterr().err


def test_a_network_takes_the_channels_of_the_digits(capsys: pytest.CaptureFixture[str]) -> None:
    spec = SPEC.replace("32x32", "8x8").replace(", /2", "")
    Path("tiny.res").write_text(spec, encoding="utf-8")
    assert cli.run(["train", "tiny.res", "--data", DIGITS, "--plan"]) == 0
    said = "tiny is trained with classes=10 and channels=1 to match digits\n"
    assert said in capsys.readouterr().err


def test_gray_pixels_are_pillows(folder: Path) -> None:
    path = next((folder / "d/train/cat").iterdir())
    gray = read_image(path, torch.tensor([0]), TestTransform(), channels=1)
    assert np.array_equal(gray[0].numpy(), np.asarray(Image.open(path).convert("L")))
    images = data.load(str(folder / "d"), channels=1)
    assert images.shape == (1, 0, 0) and images.stats.mean.shape == (1,)


def test_the_statistics_of_gray_are_those_of_gray_pixels() -> None:
    """Of images whose colors are those of ImageNet's mean, and vary together."""
    rise = torch.randn(100_000, 1)
    colors = IMAGENET.mean + rise * IMAGENET.std
    gray = colors @ torch.tensor([0.299, 0.587, 0.114])
    assert float(gray.mean()) == pytest.approx(float(IMAGENET_GRAY.mean), rel=0.01)
    assert float(gray.std()) == pytest.approx(float(IMAGENET_GRAY.std), rel=0.02)
