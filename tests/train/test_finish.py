"""The end of a run: what was trained is saved before it is tested, and whatever fails then can be
made up for.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from resspec.diagnostics import UsageError
from tests.train.crash import assert_same_files, read_files
from tests.train.pets import At, cut, lay_out, mend, train

BROKEN = Path("d/val/cat/2.jpg")
WHEN_LAST = 2  # the last step, counted from 0


def refusal(folder: Path, *settings: str, **more: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        train(folder, *settings, **more)
    return caught.value


def result(run: Path) -> Any:
    return json.loads((run / "result.json").read_text())


HELD_OUT = ("holdout=0.2", "evaluate=1 iterations", "iterations=3", "keep=1")


@pytest.mark.parametrize("how", ["mended", "removed"])
@pytest.mark.parametrize("settings", [(), ("precise_bn=16",), HELD_OUT])
def test_a_test_image_that_breaks_costs_nothing_that_was_trained(
    how: str, settings: tuple[str, ...], tmp_path: Path
) -> None:
    folder = lay_out(tmp_path)
    reference = train(folder, *settings, run="reference").run
    broken = folder / BROKEN

    error = refusal(folder, *settings, show=At(WHEN_LAST, lambda: cut(broken)))
    assert error.code == "E0514"
    assert str(broken) in str(error)
    run = folder / "r"
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000003"]
    assert not (run / "result.json").exists()
    assert (run / "weights.safetensors").read_bytes() == (
        reference / "weights.safetensors"
    ).read_bytes()

    if how == "mended":
        mend(broken)
    else:
        broken.unlink()
    ended = train(folder, *settings)
    assert not ended.again
    assert ended.facts["total"] == (8 if how == "mended" else 7)
    assert (run / "weights.safetensors").read_bytes() == (
        reference / "weights.safetensors"
    ).read_bytes()
    assert result(run)["test"]["images"] != result(reference)["test"]["images"]
    changes = json.loads((run / "run.json").read_text())["changes"]
    assert [(change["step"], change["what"]) for change in changes] == [(3, "data.test")]
    assert changes[0]["new"] == result(run)["test"]["images"]


def test_a_test_image_that_breaks_on_the_way_costs_no_step(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    settings = ("iterations=9", "evaluate=4 iterations", "checkpoint=100 iterations")
    reference = train(folder, *settings, run="reference").run
    refusal(folder, *settings, show=At(3, lambda: cut(folder / BROKEN)))
    assert [path.name for path in (folder / "r" / "checkpoints").iterdir()] == ["step-00000004"]
    mend(folder / BROKEN)
    said: list[str] = []
    train(folder, *settings, say=said.append)
    resuming, changed = said
    assert re.fullmatch(r"resuming .*/r from step 4 \(epoch [\d.]+\)", resuming)
    assert re.search(r"`data\.test` changed .* from step 4 on", changed)
    assert (folder / "r" / "weights.safetensors").read_bytes() == (
        reference / "weights.safetensors"
    ).read_bytes()


def test_a_run_of_one_epoch_has_its_checkpoint(tmp_path: Path) -> None:
    run = train(lay_out(tmp_path)).run
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000003"]


def test_the_test_of_a_training_that_is_done_may_be_another_one(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    reference = train(folder, run="reference").run
    refusal(folder, show=At(WHEN_LAST, lambda: cut(folder / BROKEN)))
    (folder / BROKEN).unlink()
    ended = train(folder, "data.test.resize=40", "data.test.interpolation=bicubic")
    weights, others = (load_file(run / "weights.safetensors") for run in (ended.run, reference))
    assert all(torch.equal(tensor, others[name]) for name, tensor in weights.items())
    assert result(ended.run)["test"]["transform"] == {
        "resize": 40,
        "crop": 32,
        "interpolation": "bicubic",
    }
    assert result(ended.run)["test"]["protocol"] == "1-crop"
    again = train(folder, "data.test.resize=48")
    assert again.again
    assert again.accuracy == ended.accuracy
    assert again.facts["test"] == ended.facts["test"]


def test_where_the_test_decides_the_training_it_may_change_once_that_is_done(
    tmp_path: Path,
) -> None:
    folder, other = lay_out(tmp_path), "data.test.resize=48"
    plateau = (
        "holdout=0.2",
        "evaluate=1 iterations",
        "iterations=4",
        "checkpoint=1 iterations",
        "schedule={name: plateau}",
    )
    refusal(folder, *plateau, show=At(1, stopped))
    error = refusal(folder, *plateau, other)
    assert error.code == "E0605"
    assert "data.test.resize: 36 there, 48 now" in str(error)
    refusal(folder, *plateau, show=At(3, lambda: cut(folder / BROKEN)))
    mend(folder / BROKEN)
    assert result(train(folder, *plateau, other).run)["test"]["transform"]["resize"] == 48


def stopped() -> None:
    raise UsageError("stopped here")


@pytest.mark.parametrize("left_out", ["matplotlib", "matplotlib.figure"])
def test_a_picture_that_cannot_be_drawn_is_drawn_later(
    left_out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, said = lay_out(tmp_path), list[str]()
    reference = train(folder, run="reference").run
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, left_out, None)
        first = train(folder, say=said.append)
        assert (first.run / "result.json").exists()
        assert not (first.run / "curves.png").exists()
        assert "could not be drawn (ModuleNotFoundError" in said[0]
        train(folder, say=said.append)
        assert len(said) == 2
    assert train(folder, say=said.append).again
    assert len(said) == 2
    assert_same_files(read_files(reference), read_files(first.run))
