"""What TensorBoard itself reads of a run."""

import json
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from resspec.cli import run
from tests.train.small import tiny


def charts(folder: Path) -> dict[str, list[tuple[int, float]]]:
    read = EventAccumulator(str(folder)).Reload()
    return {
        name: [(event.step, event.value) for event in read.Scalars(name)]
        for name in read.Tags()["scalars"]
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_reads_every_row_once_also_of_a_run_that_went_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny(tmp_path)
    command = [
        "train",
        str(tmp_path / "tiny.res"),
        "--run",
        str(tmp_path / "run"),
        "--device",
        "cpu",
        "--set",
        "log=4",
        "--set",
        "iterations=20",
        "--set",
        "checkpoint=10 iterations",
        "--set",
        "evaluate=8 iterations",
    ]
    assert run([*command, "--tensorboard"]) == 0
    (tmp_path / "run" / "result.json").unlink()
    (tmp_path / "run" / "checkpoints" / "step-00000020" / "state.json").write_text("")
    assert run([*command, "--tensorboard"]) == 0
    rows = [
        json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    found = charts(tmp_path / "run" / "tensorboard")
    for part in ("train", "test"):
        for value in ("loss", "top1", "top5", "lr"):
            wanted = [
                (row["step"], row[value])
                for row in rows
                if row["part"] == part and row[value] is not None
            ]
            read = found.get(f"{value}/{part}", [])
            assert [step for step, _ in read] == [step for step, _ in wanted]
            assert [number for _, number in read] == pytest.approx(
                [number for _, number in wanted], rel=1e-6
            )
    assert len(found["loss/train"]) == 5
    assert len(found["top5/test"]) == 3
    capsys.readouterr()


def test_where_it_is_not_installed_it_is_told_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [
        name for name in sys.modules if name.startswith(("tensorboard", "torch.utils.tensorboard"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "resspec.training.output.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert run(["train", "digits", "--tensorboard", "--run", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        "error: `--tensorboard` needs tensorboard, which is not installed: "
        "pip install 'resspec[tensorboard]'\n"
    )
    assert not (tmp_path / "run").exists()
