"""`resspec train`: what it prints, plans and refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.typed import Captured, ran

pytestmark = pytest.mark.usefixtures("here")


def test_train(capsys: Captured) -> None:
    said = "note: runs/digits contains a finished run; this one is runs/digits-2\nnetwork "
    for folder, begins in (("runs/digits", "network "), ("runs/digits-2", said)):
        out, err = ran("train digits --epochs 1", capsys)
        assert err.startswith(begins)
        assert re.search(
            r"epoch   1\.00/1  loss \d\.\d{4}  accuracy  \d\d\.\d\d%  lr .* left\n", err
        )
        errors = r"\(top-1 error \d\d?\.\d\d%; \d+ of \d+ images correct\)"
        assert re.fullmatch(
            rf"test accuracy \d\d\.\d\d% {errors}, loss \d\.\d+, recorded in {folder}\n", out
        )
        assert (Path(folder) / "weights.safetensors").is_file()


def test_train_plan(capsys: Captured) -> None:
    out, err = ran(
        "train lib/he2015:cifar --set n=1 --set channels=1 --set image_size=8 --set lr=0.2 --set batch_size=32 --plan",
        capsys,
    )
    assert err == ""
    assert re.search(r"^network +cifar, 75,002 parameters$", out, re.MULTILINE)
    assert re.search(r"^optimizer +sgd, lr 0\.2,", out, re.MULTILINE)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("momentm=1", "neither the network nor the recipe has `momentm`; did you mean `momentum`?"),
        ("name=sgd", "`name` may be `optimizer.name` or `schedule.name`"),
        (
            "batch_size=3",
            "`batch_size` is a parameter of the network and a key of the recipe: write net.batch_size or recipe.batch_size",
        ),
    ],
)
def test_train_settings(setting: str, says: str, capsys: Captured) -> None:
    Path("own.res").write_text(
        "network own(batch_size, rte) { input 1x8x8\n head fc batch_size\n }"
    )
    assert says in ran(f"train own.res --plan --set {setting}", capsys, 2)[1]
    assert (
        "sgd, lr 0.3"
        in ran(
            "train own.res --plan --set net.batch_size=10 --set rte=1 --set recipe.lr=0.3", capsys
        )[0]
    )


def test_train_where_the_data_does_not_fit(capsys: Captured) -> None:
    out, err = ran("train resnet18", capsys, 1)
    assert out == "" and "error[E0501]" in err and "1x8x8" in err
    by_default = "no --data was given, so the digits that come with resspec are used"
    assert by_default in err
    assert by_default not in ran("train resnet18 --data digits", capsys, 1)[1]


def test_a_folder_that_is_taken_is_told(capsys: Captured) -> None:
    Path("runs/digits").mkdir(parents=True)
    Path("runs/digits/mine.txt").touch()
    output = (
        "note: runs/digits contains something else, or a damaged run; this one is runs/digits-2\n"
    )
    assert ran("train digits --plan", capsys)[1] == output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            "--epochs 2 --set 'iterations=3'",
            "--epochs 2 and --set iterations=3 both say how long to train: leave one out",
        ),
        ("--set 'recipe.iterations=3' --epochs 2", "both say how long to train"),
    ],
)
def test_train_for_no_time_or_two(arguments: str, says: str, capsys: Captured) -> None:
    assert says in ran(f"train digits --plan {arguments}", capsys, 2)[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            "--data cifar10",
            "error[E0511]: no data set is called `cifar10`; did you mean `cifar-10`?",
        ),
        ("--data cifar10 --download", "error[E0511]"),
        (
            "--data cifar-100",
            "error[E0512]: the data set `cifar-100` was not found in any of these places:\n  data/cifar-100-p",
        ),
    ],
)
def test_train_without_data(
    arguments: str, says: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RESSPEC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path.cwd()))
    assert says in ran(f"train resnet20 {arguments}", capsys, 2)[1]


@pytest.mark.parametrize("command", ["train", "eval", "study degradation"])
def test_help_names_each_data_set(command: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        ran(f"{command} --help", capsys)
    output = " ".join(capsys.readouterr().out.split())
    assert (
        "--data NAME digits, fashion-mnist, cifar-10, cifar-100, imagenet, or the folder of one ("
        in output
    )


WITHOUT = """
import sys
from resspec import cli
for missing in ("torch", "safetensors", "sklearn"):
    sys.modules[missing] = None
    print(cli.run(["train", "digits", "--epochs", "1"]))
    del sys.modules[missing]
"""


def test_train_names_a_package_that_is_not_installed() -> None:
    """In a process of its own, in which one package after the other cannot be found."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["2", "2", "2"]
    begins = "error: `resspec train` needs torch and what comes with it, and "
    ends = "is not installed: pip install 'resspec[torch]'"
    for line, missing in zip(
        done.stderr.splitlines(), ("torch", "safetensors", "sklearn"), strict=True
    ):
        assert line.startswith(begins)
        assert line.endswith(f" {missing} {ends}")
