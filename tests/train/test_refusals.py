"""What the trainer refuses: networks that do not fit the data, folders in use, another job in a run's folder."""

import json
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.diagnostics import ResspecError, SpecError, UsageError
from resspec.files import write
from resspec.train import data
from tests.train.small import ALONE, SPEC, job, plan, tiny, train

OTHER = """
network small {{
    input {input}
    stem conv 3x3, 4 -> bn -> relu
    head avgpool -> fc {classes}
}}
"""


def refused(folder: Path, **given: str) -> SpecError:
    """What is said of a small network."""
    path = folder / "small.res"
    path.write_text(OTHER.format(**{"input": "1x8x8", "classes": "10"} | given))
    with pytest.raises(SpecError) as caught:
        job(load(path))
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
        train(tiny(tmp_path), tmp_path / "run")
    assert [path.read_text() for path in (tmp_path / "run").iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be"):
        train(tiny(tmp_path), tmp_path / "file" / "run")


@pytest.mark.parametrize(("setting", "told"), [
    ("rate=0.2", "optimizer.rate: 0.1 there, 0.2 now"),
    ("holdout=0.1", "holdout: 0.0 there, 0.1 now"),
    ("ema.decay=0.9", "ema: None there, {'decay': 0.9, 'every': 1} now"),
])
def test_another_recipe_in_the_folder_of_a_run(setting: str, told: str, tmp_path: Path) -> None:
    train(tiny(tmp_path), tmp_path / "run", "duration=3 iterations")
    with pytest.raises(UsageError, match="holds another run") as caught:
        train(tiny(tmp_path), tmp_path / "run", "duration=3 iterations", setting)
    assert told in str(caught.value)


def test_another_network_in_the_folder_of_a_run_is_told_as_its_diff(tmp_path: Path) -> None:
    train(tiny(tmp_path), tmp_path / "run", "duration=3 iterations")
    path = tmp_path / "tiny.res"
    path.write_text(SPEC.replace("dropout 0.1", "dropout 0.3"))
    with pytest.raises(UsageError, match="holds another run") as caught:
        train(load(path), tmp_path / "run", "duration=3 iterations")
    assert "0.1" in str(caught.value)
    assert "0.3" in str(caught.value)


def test_other_data_in_the_folder_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tiny(tmp_path), tmp_path / "run", "duration=3 iterations")
    other = data.load("digits")
    other.train.labels[0] += 1  # one label set right since
    monkeypatch.setattr(data, "load", lambda *_, **__: other)
    with pytest.raises(UsageError, match=r"data\.train"):
        train(tiny(tmp_path), tmp_path / "run", "duration=3 iterations")


def test_a_spec_that_is_only_written_otherwise_goes_on(tmp_path: Path) -> None:
    train(tiny(tmp_path), tmp_path / "run", "duration=3 iterations")
    path = tmp_path / "tiny.res"
    path.write_text("# the same\n" + SPEC.replace("network tiny", "\n\nnetwork   tiny"))
    assert train(load(path), tmp_path / "run", "duration=3 iterations").again


def test_a_run_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / "run.json", json.dumps({"schema": "resspec.run/1"}).encode())
    with pytest.raises(UsageError, match="another version"):
        plan(job(tiny(tmp_path)), tmp_path / "run")


def test_a_negative_seed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seed"):
        job(tiny(tmp_path), seed=-1)


def test_a_batch_that_cannot_be_cut(tmp_path: Path) -> None:
    from dataclasses import replace

    from resspec.train.plan import Plan

    decided = plan(job(tiny(tmp_path), "bn_batch=32"), tmp_path / "run")
    with pytest.raises(UsageError, match="cannot be cut into parts of 32, which batch norm sees, for 4 processes"):
        Plan(decided.job, decided.machine, replace(ALONE, world=4))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write(path, b"old")
    with pytest.raises(TypeError):
        write(path, "text where bytes belong")  # type: ignore[arg-type]
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(("settings", "code"), [
    (["data.test.resize=20"], "E0501"),
    (["data.test.crop=4"], "E0501"),
    (["data.test.crop=20"], "E0515"),
    (["shift=0", "pad=1", "data.crop=11"], "E0515"),
])
def test_images_as_the_recipe_shows_them_are_looked_at_before_training(settings: list[str], code: str, tmp_path: Path) -> None:
    with pytest.raises(ResspecError) as caught:
        job(tiny(tmp_path), *settings)
    assert code in (caught.value.code or str(caught.value))
