"""Several real processes: the same order of images and the same counts as one, and what is said
when one of them is gone.
"""

import json
import os
import re
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from time import monotonic

import pytest
import torch
from safetensors.torch import load_file, save_file

from resspec.backends.module import build
from resspec.compiler import load
from resspec.training import recipe_file
from resspec.training.machine import bound
from resspec.training.run import checkpoint
from tests.limits import HANGS
from tests.train.faults import Fault
from tests.train.launch import Server, Trigger, free_port

SPEC = """
network plain {
    input 1x8x8
    stem conv 3x3, 4, /2 -> bn -> relu
    head avgpool -> fc 10
}
"""
RECIPE = """
iterations: 12
batch_size: 16
bn_batch_size: 4
optimizer: {name: sgd}
checkpoint: 4 iterations
evaluate: 6 iterations
log: 1
precision: fp32
ema: {decay: 0.8}
data: {shift: 1}
"""
FROZEN = """
freeze: {sections: [stem], until: 5 iterations}
lr_scale: {head: 0.5}
"""
TRAIN = ["train", "plain.res", "--recipe", "recipe.yaml", "--run"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.res").write_text(SPEC, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def losses(run: Path) -> list[float]:
    rows = [
        json.loads(line)
        for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [row["loss"] for row in rows if row["part"] == "train"]


def assert_same_weights(run: Path, other: Path) -> None:
    """But for rounding; batch norm's statistics are among them."""
    found, wanted = (load_file(folder / "weights.safetensors") for folder in (run, other))
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("more", ["", FROZEN])
def test_any_number_of_processes_learns_from_the_same_images_and_tests_each_once(
    more: str, server: Server, folder: Path
) -> None:
    (folder / "recipe.yaml").write_text(RECIPE + more, encoding="utf-8")
    for world in (1, 2, 4):
        output = [
            trainer.wait() for trainer in server.together(world, folder, *TRAIN, f"by{world}")
        ]
        assert [code for code, _ in output] == [0] * world, output
        assert (
            json.loads((folder / f"by{world}" / "result.json").read_text(encoding="utf-8"))["total"]
            == 355
        )
        assert losses(folder / f"by{world}") == pytest.approx(losses(folder / "by1"), rel=1e-3)
        assert_same_weights(folder / f"by{world}", folder / "by1")
    alone, *others = [
        [t.wait()[1] for t in server.together(world, folder, "eval", "by1")] for world in (1, 3)
    ]
    assert others == [[*alone, "", ""]]
    result = json.loads((folder / "by4" / "result.json").read_text(encoding="utf-8"))
    assert f" {355 - result['correct']} of 355 wrong" in server.run(folder, "eval", "by4")[1]


def test_exact_statistics_are_of_the_images_of_all_processes(server: Server, folder: Path) -> None:
    (folder / "recipe.yaml").write_text(RECIPE + "precise_bn: 16\n", encoding="utf-8")
    for world in (1, 2):
        assert [
            trainer.wait()[0] for trainer in server.together(world, folder, *TRAIN, f"by{world}")
        ] == [0] * world
    assert_same_weights(folder / "by2", folder / "by1")


def test_a_run_goes_on_with_another_number_of_processes(server: Server, folder: Path) -> None:
    assert server.run(folder, *TRAIN, "reference")[0] == 0
    stop: list[list[Trigger]] = [[], [Trigger("step", 5, SIGTERM)]]
    output = [
        trainer.wait() for trainer in server.together(2, folder, *TRAIN, "run", triggers=stop)
    ]
    assert [code for code, _ in output] == [143, 143], output
    output = [trainer.wait() for trainer in server.together(4, folder, *TRAIN, "run")]
    assert [code for code, _ in output] == [0] * 4, output
    assert losses(folder / "run") == pytest.approx(losses(folder / "reference"), rel=1e-3)
    again = [trainer.wait() for trainer in server.together(2, folder, *TRAIN, "run")]
    assert [code for code, _ in again] == [0, 0], again


@pytest.mark.parametrize("more", ["", FROZEN])
def test_several_that_are_killed_go_on_bit_for_bit(more: str, server: Server, folder: Path) -> None:
    rows = RECIPE.replace("log: 1", "log: 3")  # one is begun before the end and written after it
    recipe = rows + more
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    assert [trainer.wait()[0] for trainer in server.together(2, folder, *TRAIN, "reference")] == [
        0,
        0,
    ]
    for trainer in server.together(2, folder, *TRAIN, "run", triggers=[[Trigger("step", 6)]] * 2):
        assert trainer.wait()[0] in (-SIGKILL, 2)
    assert sorted(path.name for path in (folder / "run" / "checkpoints").iterdir()) == [
        "step-00000004"
    ]
    assert [trainer.wait()[0] for trainer in server.together(2, folder, *TRAIN, "run")] == [0, 0]
    for name in ("metrics.jsonl", "result.json", "weights.safetensors"):
        assert (folder / "run" / name).read_bytes() == (folder / "reference" / name).read_bytes(), (
            name
        )


def test_the_process_with_the_least_room_decides_for_all(server: Server, folder: Path) -> None:
    network, recipe = load(folder / "plain.res"), recipe_file.load(str(folder / "recipe.yaml"))
    full = bound(network, recipe, 8) * 2 * 2  # of two on one machine each has the half
    for name, rooms, wanted in (("roomy", [full + 2, None], 8), ("narrow", [None, full], 4)):
        output = [
            trainer.wait() for trainer in server.together(2, folder, *TRAIN, name, rooms=rooms)
        ]
        assert [code for code, _ in output] == [0, 0], output
        assert (
            json.loads((folder / name / "run.json").read_text(encoding="utf-8"))["machine"][
                "micro_batch_size"
            ]
            == wanted
        )


@pytest.mark.parametrize("victim", [0, 1])
def test_one_of_two_that_fails_costs_no_step(victim: int, server: Server, folder: Path) -> None:
    """Its report is the one with a traceback; the first of them saves, be it the other one that
    failed.
    """
    assert [trainer.wait()[0] for trainer in server.together(2, folder, *TRAIN, "reference")] == [
        0,
        0,
    ]
    fault = Fault("ZeroDivisionError", "resspec.training.steps.step:Learner.learn", 7)
    faults = [fault if rank == victim else None for rank in range(2)]
    output = [
        trainer.wait() for trainer in server.together(2, folder, *TRAIN, "run", faults=faults)
    ]
    assert [code for code, _ in output] == [2, 2], output
    assert "Traceback" not in output[0][1] + output[1][1]
    assert "error[E0615]: ZeroDivisionError: division by zero (in step 7)" in output[victim][1]
    assert "error[E0614]: another process of this job has ended" in output[1 - victim][1]
    assert "ZeroDivisionError" in (
        folder / "run" / ("crash-1.txt" if victim else "crash.txt")
    ).read_text(encoding="utf-8")
    assert max(checkpoint.steps(folder / "run" / "checkpoints")) == 6
    assert [trainer.wait()[0] for trainer in server.together(2, folder, *TRAIN, "run")] == [0, 0]
    for name in ("metrics.jsonl", "result.json", "weights.safetensors"):
        assert (folder / "run" / name).read_bytes() == (folder / "reference" / name).read_bytes(), (
            name
        )


@pytest.mark.parametrize("victim", [0, 1])
def test_one_of_two_that_is_killed_ends_the_other(
    victim: int, server: Server, folder: Path
) -> None:
    triggers = [[Trigger("step", 6, SIGSTOP)] if rank == victim else [] for rank in range(2)]
    trainers = server.together(2, folder, *TRAIN, "run", triggers=triggers)
    trainers[victim].until_stopped()
    start = monotonic()
    os.kill(trainers[victim].pid, SIGKILL)
    os.kill(trainers[victim].pid, SIGCONT)
    code, output = trainers[1 - victim].wait()
    assert monotonic() - start < HANGS
    assert code == 2, output
    assert re.search(
        rf"another process of this job has ended; .*; this is process {1 - victim} of 0 to 1",
        output,
    ), output
    assert "Traceback" not in output
    trainers[victim].wait()
    assert [trainer.wait()[0] for trainer in server.together(2, folder, *TRAIN, "run")] == [0, 0]


@pytest.mark.parametrize("command", ["train", "eval", "study"])
@pytest.mark.parametrize("victim", [0, 1])
def test_one_of_two_that_is_asked_for_something_missing_does_not_keep_the_other(
    victim: int, command: str, server: Server, folder: Path
) -> None:
    """Its data set is not there, as on a host that lacks a mount."""
    save_file(build(load(folder / "plain.res")).state_dict(), folder / "plain.safetensors")
    asked = {
        "train": [*TRAIN, "run"],
        "eval": ["eval", "plain.res", "--weights", "plain.safetensors"],
        "study": [
            "study",
            "degradation",
            "--plain",
            "plain.res",
            "--recipe",
            "recipe.yaml",
            "--out",
            "run",
        ],
    }
    own = [["--data", "missing/folder" if rank == victim else "digits"] for rank in range(2)]
    output = [trainer.wait() for trainer in server.together(2, folder, *asked[command], own=own)]
    assert [code for code, _ in output] == [2, 2], output
    assert "missing/folder" in output[victim][1]
    other = output[1 - victim][1]
    assert "error[E0614]: another process of this job has ended" in other
    assert not (folder / "run").exists()


@pytest.mark.parametrize("missing", [0, 1])
def test_one_of_two_that_never_starts_is_not_waited_for(
    missing: int, server: Server, folder: Path
) -> None:
    place = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": "2",
        "RANK": str(1 - missing),
    }
    environment = {**place, "RESSPEC_JOIN_TIMEOUT": "1"}
    code, output = server.run(folder, *TRAIN, "run", "--device", "cpu", environment=environment)
    assert code == 2
    assert re.search(
        r"error\[E0614\]: cannot join the other processes at .* within 1 seconds", output
    ), output
    assert "Traceback" not in output
    assert "crash" not in output


def test_the_environment_of_a_job_is_checked(server: Server, folder: Path) -> None:
    whole = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "1",
        "WORLD_SIZE": "2",
        "RANK": "0",
        "RESSPEC_JOIN_TIMEOUT": "1",
    }
    for changed, wanted in (
        ({"WORLD_SIZE": "two"}, "the environment variable WORLD_SIZE is 'two', not a whole number"),
        ({"RANK": "-1"}, "the environment variable RANK is '-1', not a whole number"),
        ({"RANK": "2"}, "RANK=2 and WORLD_SIZE=2"),
        ({"MASTER_PORT": ""}, "MASTER_PORT expected, but not set"),
        ({"MASTER_PORT": "99999"}, "cannot join the other processes at 127.0.0.1:99999"),
    ):
        code, output = server.run(
            folder, *TRAIN, "run", "--device", "cpu", environment={**whole, **changed}
        )
        assert code == 2, output
        assert f"error[E0614]: {wanted}" in output or wanted in output, output
        assert "E0615" not in output
