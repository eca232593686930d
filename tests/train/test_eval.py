"""`resspec eval`: of weights in a file, beside what was published, and what it refuses."""

import csv
import shutil
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import save_file

from resspec.backends.module import build
from resspec.cli import run
from resspec.commands import eval as command
from resspec.compiler import load
from resspec.training.data import load as load_data
from resspec.training.data.memory import InMemory
from resspec.training.evaluate import Evaluation
from tests.train.crash import draw_pictures
from tests.train.pets import lay_out
from tests.train.pets import train as train_pets
from tests.train.small import begun, tiny, train


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_file(build(load("digits")).state_dict(), tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


@torch.no_grad()
@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_weights_of_a_file_are_measured(
    weights: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    module = build(load("digits")).eval()
    path = weights.with_suffix(f".{ending}")
    if ending == "pth":
        torch.save({"model": module.state_dict()}, path)
    data = load_data("digits")
    assert isinstance(data.test, InMemory)
    images = (data.test.images - data.stats.mean) / data.stats.std
    predicted = module(images).argmax(1)
    wrong = int((predicted != data.test.labels).sum())
    out = weights.parent / "out"
    assert (
        run(
            [
                "eval",
                "digits",
                "--weights",
                str(path),
                "--data",
                "digits",
                "--confusion",
                str(out),
                "--device",
                "cpu",
            ]
        )
        == 0
    )
    assert f"{wrong} of 355 wrong" in capsys.readouterr().out
    with (out / "confusion.csv").open(newline="") as file:
        counts = torch.tensor(
            [[int(cell) for cell in line[1:]] for line in list(csv.reader(file))[1:]]
        )
    expected = (data.test.labels * 10 + predicted).bincount(minlength=100).view(10, 10)
    assert torch.equal(counts, expected)


def test_published_figures_stand_under_the_measured_ones() -> None:
    confusion = torch.tensor([[90, 10], [15, 85]])
    said = command.figures(
        load("resnet34", option="B"), "imagenet", "10-crop", Evaluation(1.5, 180, confusion), None
    )
    assert said.splitlines()[1:] == [
        "measured        12.50%       10.00%  25 of 200 wrong, loss 1.5000",
        "published       24.52%        7.46%  He et al. 2015, tables 3 and 4; recipe imagenet-he2015",
    ]
    other = command.figures(
        load("resnet34", option="B"),
        "imagenet",
        "10-crop",
        Evaluation(1.5, 180, confusion),
        "digits",
    )
    assert "published" not in other


def test_what_it_refuses(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*arguments: str) -> str:
        assert run(["eval", *arguments]) == 2
        return capsys.readouterr().err

    assert "--weights FILE and --data NAME" in refused("digits")
    assert "do not fit this network" in refused(
        "resnet20", "--weights", str(weights), "--data", "digits"
    )
    with pytest.raises(SystemExit, match="2"):
        refused("digits", "--weights", str(weights), "--data", "digits", "--batch-size", "0")
    assert "--batch-size: '0' is not a whole number from 1" in capsys.readouterr().err
    draw_pictures(tmp_path / "pets")
    (tmp_path / "net.res").write_text("network net { input 3x32x32; head avgpool -> fc 3 }\n")
    save_file(build(load(tmp_path / "net.res")).state_dict(), tmp_path / "net.safetensors")
    pets = [
        str(tmp_path / "net.res"),
        "--weights",
        str(tmp_path / "net.safetensors"),
        "--data",
        str(tmp_path / "pets"),
    ]
    assert "images of 3x224x224, but the input of net is 3x32x32: pass --recipe" in refused(*pets)
    assert "has not finished" in refused(str(begun(tmp_path / "run")))


def test_other_classes_are_told_at_their_place(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "network net { input 1x8x8; head avgpool -> fc 7 }\n"
    (weights.parent / "net.res").write_text(text)
    save_file(build(load(weights.parent / "net.res")).state_dict(), weights)
    assert (
        run(
            ["eval", str(weights.parent / "net.res"), "--weights", str(weights), "--data", "digits"]
        )
        == 1
    )
    output = capsys.readouterr().err
    assert "error[E0502]: `digits` has 10 classes, but the network outputs 7" in output
    assert "^^^^ outputs 7" in output


@pytest.mark.parametrize("name", ["run.json", "result.json", "weights.safetensors", "spec.res"])
def test_a_run_whose_bits_flip_is_not_measured(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, rng = train(tiny(tmp_path), tmp_path / "run", "iterations=3").run, Random(0)
    assert run(["eval", str(folder)]) == 0
    measured, content = capsys.readouterr().out, (folder / name).read_bytes()
    for _ in range(20):
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        (folder / name).write_bytes(flipped)
        code = run(["eval", str(folder)])
        out, err = capsys.readouterr()
        if code == 0 and name == "spec.res":
            assert out == measured  # a space that is another one
        else:
            assert (code > 0, out) == (True, "")
            assert name in err


def test_a_test_in_training_measures_the_loss_that_eval_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ("iterations=30", "label_smoothing=0.2", "precision=fp32")
    ended = train(tiny(tmp_path), tmp_path / "run", *settings)
    assert run(["eval", str(ended.run), "--device", "cpu"]) == 0
    assert f"loss {ended.facts['loss']:.4f}" in capsys.readouterr().out


def test_a_run_on_a_folder_is_evaluated_without_its_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path)
    made = train_pets(folder).run
    assert run(["eval", str(made), "--device", "cpu"]) == 0
    assert "top-5" not in capsys.readouterr().out  # of two classes
    (folder / "d").rename(folder / "moved")
    assert run(["eval", str(made), "--device", "cpu"]) == 2
    error = capsys.readouterr().err
    assert f"no longer in {folder / 'd'}" in error and "--data DIR says where" in error
    assert run(["eval", str(made), "--data", str(folder / "moved"), "--device", "cpu"]) == 0


def test_an_unfinished_run_is_evaluated_by_its_newest_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ("iterations=6", "checkpoint=3 iterations", "ema.decay=0.5")
    folder = train(tiny(tmp_path), tmp_path / "run", *settings).run
    assert run(["eval", str(folder)]) == 0
    whole, _ = capsys.readouterr()
    for name in ("result.json", "weights.safetensors"):
        (folder / name).unlink()
    assert run(["eval", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out == whole
    assert f"note: {folder} is unfinished: these are the weights of step 6 of 6" in err

    newest = folder / "checkpoints" / "step-00000006"
    (newest / "state.json").write_text("damaged")
    assert run(["eval", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out != whole
    assert "the weights of step 3 of 6" in err
    shutil.rmtree(folder / "checkpoints")
    assert run(["eval", str(folder)]) == 2
    assert "has not finished" in capsys.readouterr().err
