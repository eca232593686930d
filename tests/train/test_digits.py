"""The whole trainer, on real images: what it reaches, that it repeats itself exactly, and what it leaves behind."""

import csv
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.fingerprint import fingerprint
from resspec.train import data, loop
from resspec.train.data import Draw
from resspec.train.loop import Result, train
from resspec.train.recipe import Test

NETWORK = load("digits")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Three seeds, trained for a third of the usual time."""
    folder = tmp_path_factory.mktemp("runs")
    return [train(NETWORK, run=folder / str(seed), seed=seed, epochs=10, progress=False) for seed in range(3)]


def test_three_seeds_reach_98_percent_in_the_mean(runs: list[Result]) -> None:
    assert [run.total for run in runs] == [355] * 3
    assert sum(run.accuracy for run in runs) / 3 >= 0.98


def test_the_run_folder_is_complete(runs: list[Result]) -> None:
    names = {path.name for path in runs[0].run.iterdir()}
    assert names == {"run.json", "spec.res", "metrics.csv", "weights.safetensors", "result.json"}


def test_the_run_says_what_was_trained_and_how(runs: list[Result]) -> None:
    run = json.loads((runs[1].run / "run.json").read_text())
    assert (run["network"], run["hash"], run["data"], run["seed"]) == ("digits", fingerprint(NETWORK), "digits", 1)
    assert run["recipe"]["epochs"] == 10
    assert run["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert fingerprint(load(runs[1].run / "spec.res")) == run["hash"]


def test_the_metrics_have_a_row_for_each_epoch_and_improve(runs: list[Result]) -> None:
    with (runs[0].run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 11)]
    assert float(rows[-1]["loss"]) < 0.2 * float(rows[0]["loss"])
    assert float(rows[0]["accuracy"]) < 0.9
    assert 0.97 < float(rows[-1]["accuracy"]) <= 1


def test_the_weights_give_the_recorded_result_again(runs: list[Result]) -> None:
    run, digits, module = runs[2], data.load("digits"), build(NETWORK)
    module.load_state_dict(load_file(run.run / "weights.safetensors"), strict=True)
    batches = digits.test.batches([Draw(torch.arange(355), torch.arange(355))], view=Test(), device=torch.device("cpu"))
    ((images, labels),) = batches
    scores = module.eval()(images)
    correct = int((scores.argmax(1) == labels).sum())
    result = json.loads((run.run / "result.json").read_text())
    assert (correct, len(scores)) == (run.correct, run.total) == (result["correct"], result["total"])
    assert result["accuracy"] == run.accuracy == correct / 355


def test_a_seed_repeats_itself_bit_for_bit_and_touches_no_other_randomness(tmp_path: Path) -> None:
    files = []
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        torch.manual_seed(len(name) + seed)
        before = torch.get_rng_state()
        train(NETWORK, run=tmp_path / name, seed=seed, epochs=2, progress=False)
        assert torch.equal(torch.get_rng_state(), before)
        files.append([(tmp_path / name / file).read_bytes() for file in ("weights.safetensors", "metrics.csv", "run.json")])
    assert files[0] == files[1]
    assert all(one != other for one, other in zip(files[0], files[2], strict=True))


def test_initial_weights_follow_the_seed_alone() -> None:
    def first_weight(seed: int) -> torch.Tensor:
        with loop.seeded(seed):
            return next(build(NETWORK).parameters()).detach()

    assert torch.equal(first_weight(1), first_weight(1))
    assert not torch.equal(first_weight(1), first_weight(2))


def test_the_rate_rises_and_falls_within_its_bounds() -> None:
    recipe = loop.Recipe(rate=0.4, warmup=0.2)
    rates = [loop.rate_at(step, 100, recipe) for step in range(100)]
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert rates[20] == 0.4
    assert 0 < rates[-1] < 0.001
    assert 0 < rates[0] < 0.03
