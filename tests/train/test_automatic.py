"""Without a recipe, one is chosen for the data set and the network; it is shown and recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from resspec import cli
from resspec.compiler import load
from resspec.training import automatic, data, recipe_file
from tests.train.shapes import draw_shapes


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return draw_shapes(tmp_path / "d", train=24, test=8)


def test_a_small_network_learns_three_plain_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["train", "small", "--data", "d", "--epochs", "6"]) == 0
    err = capsys.readouterr().err
    assert "chosen by resspec for fewer than 1,000 images, from random weights" in err
    lines = err[err.index("epochs:") : err.index("network ")].splitlines()
    shown = yaml.safe_load("\n".join(line.strip() for line in lines))
    recorded = recipe_file.load("runs/small/recipe.yaml")
    assert shown["epochs"] == 6 == recorded.epochs
    assert shown["data"]["test"]["crop"] == 64 == recorded.data.test.crop
    assert recorded.source.startswith("chosen by resspec")

    result = json.loads(Path("runs/small/result.json").read_text())
    assert result["top1"] > 0.6
    first = Path("runs/small/metrics.jsonl").read_text().splitlines()[0]
    assert json.loads(first)["step"] == 1


def test_the_same_command_resumes_with_the_same_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert cli.run(["train", "small", "--data", "d", "--epochs", "1", "-r", "r"]) == 0
    assert "already finished" in capsys.readouterr().out


def test_a_damaged_image_that_is_removed_keeps_the_recipe() -> None:
    network, images = load("small"), data.load("d")
    before = automatic.recipe_for(network, images, fine_tuning=False).text
    (Path("d/train/disk/000.jpg")).unlink()
    after = automatic.recipe_for(network, data.load("d"), fine_tuning=False).text
    assert before == after


@pytest.mark.parametrize(
    ("spec", "norms"), [("torchvision/resnet18", True), ("torchvision/vgg11", False)]
)
def test_the_size_is_the_networks_and_the_start_that_of_the_command(spec: str, norms: bool) -> None:
    network, images = load(spec), data.load("d")
    scratch, tuned = (
        recipe_file.parse(automatic.recipe_for(network, images, fine_tuning=tuning))
        for tuning in (False, True)
    )
    assert scratch.data.random_resized_crop and scratch.data.random_resized_crop.size == 224
    assert (scratch.data.test.resize, scratch.data.test.crop) == (256, 224)
    assert tuned.optimizer.lr < scratch.optimizer.lr
    assert (scratch.epochs or 0) > (tuned.epochs or 0)
    assert (scratch.optimizer.lr == 1e-3) == norms


def test_settings_replace_what_was_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "train",
        "small",
        "--data",
        "d",
        "--plan",
        "--set",
        "optimizer={name: sgd, lr: 0.05}",
    ]
    assert cli.run(command) == 0
    out = capsys.readouterr().out
    assert "optimizer: {name: sgd, lr: 0.05}" in out and "adamw" not in out


def test_images_of_the_size_of_the_input_stay_as_they_are_stored() -> None:
    chosen = automatic.recipe_for(load("digits"), data.load("digits"), fine_tuning=False)
    transforms = recipe_file.parse(chosen).data
    assert transforms.shift == 1 and transforms.hflip == 0
    assert transforms.random_resized_crop is None and transforms.test.crop is None
