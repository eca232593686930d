"""The whole trainer, on real images: what it reaches, that it repeats itself exactly, and what it
leaves behind.
"""

import csv
import json
from pathlib import Path

import pytest
import torch

from resspec.compiler import load
from resspec.ir.fingerprint import fingerprint
from resspec.training import data
from resspec.training.data import IndexBatch
from resspec.training.recipes.images import TestTransform
from resspec.training.run import ended
from resspec.training.trainer import Result
from tests.train.small import train

NETWORK = load("digits")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Three seeds, trained for a third of the usual time."""
    folder = tmp_path_factory.mktemp("runs")
    return [train(NETWORK, folder / str(seed), "epochs=10", seed=seed) for seed in range(3)]


def test_three_seeds_reach_98_percent_in_the_mean(runs: list[Result]) -> None:
    assert [run.facts["total"] for run in runs] == [355] * 3
    assert sum(run.accuracy for run in runs) / 3 >= 0.98


def test_the_run_folder_is_complete(runs: list[Result]) -> None:
    names = {path.name for path in runs[0].run.iterdir()}
    assert names == {
        "card.md",
        "run.json",
        "spec.res",
        "recipe.yaml",
        "metrics.csv",
        "metrics.jsonl",
        "timings.jsonl",
        "checkpoints",
        "weights.safetensors",
        "curves.png",
        "curves.svg",
        "result.json",
        "lock",
    }


def test_the_run_says_what_was_trained_and_how(runs: list[Result]) -> None:
    run = json.loads((runs[1].run / "run.json").read_text())
    assert (run["network"], run["hash"], run["data"]["name"], run["seed"]) == (
        "digits",
        fingerprint(NETWORK),
        "digits",
        1,
    )
    assert run["recipe"]["epochs"] == 10
    assert run["machine"]["precision"] == "fp32"
    assert run["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert fingerprint(load(runs[1].run / "spec.res")) == run["hash"]


def test_the_metrics_improve(runs: list[Result]) -> None:
    with (runs[0].run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    training = [row for row in rows if row["part"] == "train"]
    assert [int(row["step"]) for row in training] == [*range(20, 226, 20), 226]
    assert float(training[-1]["loss"]) < 0.2 * float(training[0]["loss"])
    assert float(training[0]["top1"]) < 0.9
    assert 0.97 < float(training[-1]["top1"]) <= 1
    assert [
        json.loads(line) for line in (runs[0].run / "metrics.jsonl").read_text().splitlines()
    ] == [
        {
            name: value if name == "part" else json.loads(value) if value else None
            for name, value in row.items()
        }
        for row in rows
    ]


def test_the_weights_give_the_recorded_result_again(runs: list[Result]) -> None:
    module, test = ended.module_of(runs[2].run), data.load("digits").test
    ((images, labels),) = test.batches(
        [IndexBatch(torch.arange(355), torch.arange(355))],
        transform=TestTransform(),
        device=torch.device("cpu"),
    )
    correct = int((module(images).argmax(1) == labels).sum())
    result = json.loads((runs[2].run / "result.json").read_text())
    assert (correct, len(labels)) == (result["correct"], result["total"])
    assert result["top1"] == runs[2].accuracy == pytest.approx(correct / 355)


def test_a_seed_repeats_itself_bit_for_bit_and_touches_no_other_randomness(tmp_path: Path) -> None:
    files = []
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        torch.manual_seed(len(name) + seed)
        before = torch.get_rng_state()
        train(NETWORK, tmp_path / name, "epochs=2", seed=seed)
        assert torch.equal(torch.get_rng_state(), before)
        files.append(
            [
                (tmp_path / name / file).read_bytes()
                for file in ("weights.safetensors", "metrics.csv", "run.json")
            ]
        )
    assert files[0] == files[1]
    assert all(one != other for one, other in zip(files[0], files[2], strict=True))
