"""What the trainer refuses: networks that do not fit the data, folders in use, losses that are no number."""

from pathlib import Path

import pytest
from torch import nn

from resspec.compiler import load
from resspec.diagnostics import SpecError, UsageError
from resspec.files import write
from resspec.train import loop
from resspec.train.data import Split
from resspec.train.loop import Recipe, train
from resspec.train.record import write_rows

SPEC = """
network small {{
    input {input}
    stem conv 3x3, 4 -> bn -> relu
    head avgpool -> fc {classes}
}}
"""


def refused(folder: Path, **given: str) -> SpecError:
    """What training a small network says, which must leave no run behind."""
    path = folder / "small.res"
    path.write_text(SPEC.format(**{"input": "1x8x8", "classes": "10"} | given))
    with pytest.raises(SpecError) as caught:
        train(load(path), run=folder / "run", progress=False)
    assert not (folder / "run").exists()
    return caught.value


@pytest.mark.parametrize("shape", ["3x8x8", "1x28x28"])
def test_images_of_another_shape(shape: str, tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, input=shape).diagnostics
    assert mistake.code == "E0501"
    assert mistake.message == f"the images of `digits` are 1x8x8, the network reads {shape}"
    assert mistake.labels[0].span.text == "small"
    assert mistake.help == "`input 1x8x8`"


def test_another_number_of_classes(tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, classes="100").diagnostics
    assert mistake.code == "E0502"
    assert mistake.message == "`digits` has 10 classes, the network leaves 100"
    assert mistake.labels[0].span.text == "fc 100"
    assert mistake.help == "`fc 10`"


def test_both_are_told_at_their_places(tmp_path: Path) -> None:
    told = str(refused(tmp_path, input="3x32x32", classes="7")).splitlines()
    path = (tmp_path / "small.res").as_posix()
    assert [line.partition(": error")[0] for line in told] == [f"{path}:2:9", f"{path}:5:21"]


def test_a_folder_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        train(load("digits"), run=tmp_path / "run", progress=False)
    assert [path.read_text() for path in (tmp_path / "run").iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        train(load("digits"), run=tmp_path / "file" / "run", progress=False)


@pytest.mark.parametrize("given", [{"epochs": 0}, {"seed": -1}, {"data": "imagenet"}])
def test_calls_that_make_no_sense(given: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        train(load("digits"), run=tmp_path / "run", progress=False, **given)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "Recipe", lambda epochs: Recipe(epochs, rate=1e30))
    with pytest.raises(UsageError, match=r"the loss is (nan|inf) in epoch 1"):
        train(load("digits"), run=tmp_path / "run", epochs=1, progress=False)
    assert not (tmp_path / "run" / "result.json").exists()
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_an_interrupted_run_leaves_whole_files_and_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(module: nn.Module, split: Split) -> int:
        del module, split
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "evaluate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(load("digits"), run=tmp_path / "run", epochs=1, progress=False)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"run.json", "spec.res", "metrics.csv"}
    assert (tmp_path / "run" / "metrics.csv").read_text().count("\n") == 2


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write_rows(path, [{"epoch": 1, "loss": 0.5}])
    with pytest.raises(TypeError):
        write(path, "text where bytes belong")  # type: ignore[arg-type]
    assert [file.read_text() for file in tmp_path.iterdir()] == ["epoch,loss\n1,0.5\n"]
