"""`resspec predict` and `open_run`: the classes of images; and a run as a network."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

import resspec
from resspec import cli
from tests.train.pets import cut, lay_out, train

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(tmp_path_factory.mktemp("pets"))
    train(folder, "epochs=2")
    return folder


@pytest.fixture(autouse=True)
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)


def reference(path: Path) -> Tensor:
    """The image as torchvision prepares it by the `preprocessing` that the run recorded."""
    how = json.loads(Path("r/run.json").read_text())["preprocessing"]
    steps = [
        v2.Resize(how["resize"], v2.InterpolationMode(how["interpolation"])),
        v2.CenterCrop(how["crop"]),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(how["mean"], how["std"]),
    ]
    made: Tensor = v2.Compose(steps)(Image.open(path).convert("RGB"))
    return made


def test_probabilities_are_those_of_torchvisions_transforms() -> None:
    run = resspec.open_run("r")
    assert run.classes == ("cat", "dog") and not run.model.training
    images = sorted(Path("d/val").rglob("*.jpg"))
    with torch.no_grad():
        wanted = run.model(torch.stack([reference(path) for path in images])).softmax(1)
    for found, shares in zip(run.predict(images, top_k=2), wanted, strict=True):
        assert [each.probability for each in found] == sorted(
            (each.probability for each in found), reverse=True
        )
        for each in found:
            assert run.classes[each.index] == each.label
            assert each.probability == pytest.approx(float(shares[each.index]), abs=1e-5)


def test_a_weights_file_alone_predicts_the_same() -> None:
    image = Path("d/val/cat/0.jpg")
    from_run, from_file = (
        resspec.open_run(path).predict([image], top_k=2) for path in ("r", "r/weights.safetensors")
    )
    assert from_run == from_file


def test_tta_averages_crops_and_their_mirror_images() -> None:
    run = resspec.open_run("r")
    path = Path("d/val/dog/1.jpg")
    how = run.preprocessing
    whole = v2.functional.pil_to_tensor(
        v2.functional.resize(Image.open(path).convert("RGB"), how["resize"])
    )
    crops = v2.functional.ten_crop(whole, how["crop"])
    views = torch.stack([v2.functional.normalize(c / 255, how["mean"], how["std"]) for c in crops])
    with torch.no_grad():
        wanted = run.model(views).softmax(1).mean(0)
    ((best, _),) = run.predict([path], top_k=2, tta=True)
    assert best.probability == pytest.approx(float(wanted[best.index]), abs=1e-5)


def test_a_folder_is_predicted_as_a_table_as_json_and_as_csv(capsys: Captured) -> None:
    assert cli.run(["predict", "r", "d/val/cat", "d/val/dog/0.jpg"]) == 0
    table = capsys.readouterr().out
    assert table.count(".jpg") == 5 and "d/val/dog/0.jpg" in table

    assert cli.run(["predict", "r", "d/val", "--top-k", "1", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["images"]) == 8
    right = [
        Path(e["image"]).parent.name == e["predictions"][0]["class"] for e in document["images"]
    ]

    assert cli.run(["predict", "r", "d/val", "--top-k", "1", "--format", "csv"]) == 0
    rows = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert [Path(row["image"]).parent.name == row["class"] for row in rows] == right
    top1 = json.loads(Path("r/result.json").read_text())["top1"]
    assert sum(right) / len(right) == top1


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_predicted(
    tmp_path: Path, capsys: Captured
) -> None:
    good, bad = tmp_path / "a.jpg", tmp_path / "b.jpg"
    for path in (good, bad):
        path.write_bytes(Path("d/val/cat/0.jpg").read_bytes())
    cut(bad)
    assert cli.run(["predict", "r", str(tmp_path), "--format", "csv"]) == 2
    out, err = capsys.readouterr()
    assert str(good) in out and str(bad) not in out and str(bad) in err


@pytest.mark.parametrize("given", ["d", "missing", "tiny.res"])
def test_what_is_not_a_trained_network_is_refused(given: str, capsys: Captured) -> None:
    assert cli.run(["predict", given, "d/val/cat/0.jpg"]) == 2
    assert given in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        "report r --format json",
        "check r",
        "diff r tiny.res",
        "draw r --out drawn.svg",
        "compile r --emit source",
        "expand r",
    ],
)
def test_a_run_is_a_network(command: str, capsys: Captured) -> None:
    assert cli.run(command.split()) == 0
    assert "error" not in capsys.readouterr().err


def test_the_report_of_a_run_is_that_of_its_spec(capsys: Captured) -> None:
    hashes = []
    for spec in ("r", "r/spec.res"):
        assert cli.run(["report", spec, "--format", "json"]) == 0
        hashes.append(json.loads(capsys.readouterr().out)["hash"])
    assert hashes[0] == hashes[1] == json.loads(Path("r/run.json").read_text())["hash"]


def test_a_finished_run_has_a_card() -> None:
    card = Path("r/card.md").read_text()
    facts, result = (json.loads(Path(f"r/{name}.json").read_text()) for name in ("run", "result"))
    assert (
        facts["hash"] in card and facts["data"]["train"] in card and facts["data"]["test"] in card
    )
    assert f"{1 - result['top1']:.2%}" in card and "cat, dog" in card
    recipe = card.split("```yaml\n")[1].split("```")[0]
    assert recipe == Path("r/recipe.yaml").read_text()
