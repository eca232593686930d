"""What goes wrong with recipes, data, runs and checkpoints where no text is to blame: each has a
code, and each code a page.
"""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resspec import cli
from resspec.backends.module import build
from resspec.commands import eval as eval_
from resspec.commands import parser
from resspec.compiler import load
from resspec.diagnostics import ResspecError
from resspec.files import write
from resspec.training import classes, data, recipe_file, trainer, weights
from resspec.training.data import crop, idx, locate
from resspec.training.data.batch import IndexBatch
from resspec.training.data.dataset import LoadOptions
from resspec.training.distributed.processes import joined
from resspec.training.machine import decide
from resspec.training.output.progress import Show
from resspec.training.plan import Plan
from resspec.training.recipes.images import TestTransform
from resspec.training.run import checkpoint, compare, record
from resspec.training.weights.carry import carried
from tests.texts import written
from tests.train.crash import ExitOnUnpickle
from tests.train.data.pictures import written_idx
from tests.train.small import ALONE, job, plan, tiny, train

TEXTS = Path(__file__).parents[1] / "diagnostics" / "runs"  # the text of each, as `CODE.txt`
LARGE = "network large { input 1x8x8; head fc 1000000 -> fc 1000000 -> fc 10 }"


def in_use(folder: Path) -> None:
    code = "import sys; from pathlib import Path; from resspec.training.run.record import locked\n"
    code += "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout and other.stdout.readline() == b"held\n"
        try:
            with record.locked(folder):
                pass
        finally:
            other.communicate()


def file_in_the_way(folder: Path) -> None:
    written(folder, "", "file")
    with record.locked(folder / "file" / "run"):
        pass


def other_version(folder: Path) -> None:
    write(folder / "run.json", b'{"schema": "resspec.run/1"}')
    record.read(folder)


def other_run(folder: Path) -> None:
    train(tiny(folder), folder / "run", "iterations=2")
    plan(job(tiny(folder), "lr=0.3", "iterations=2"), folder / "run")


def damaged_checkpoints(folder: Path) -> None:
    train(tiny(folder), folder / "run", "iterations=2")
    (folder / "run" / "result.json").unlink()
    for path in (folder / "run" / "checkpoints").rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])
    train(tiny(folder), folder / "run", "iterations=2")


def full_disk(folder: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        checkpoint.save(folder, 1, {"tensors": bytes(5000)}, keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def too_large(folder: Path) -> None:
    decide.micro_batch_size(load(written(folder, LARGE)), recipe_file.load("digits"), ALONE)


def uneven_batch(folder: Path) -> None:
    decided = plan(job(tiny(folder), "bn_batch_size=32"), folder / "run")
    Plan(decided.job, decided.machine, replace(ALONE, world=4))


def killed_worker(folder: Path) -> None:
    two_parts(folder)
    draws = [IndexBatch(ExitOnUnpickle(), torch.tensor([0]))]  # type: ignore[arg-type]
    list(
        data.load(str(folder)).train.batches(
            draws, transform=TestTransform(), device=torch.device("cpu"), workers=1
        )
    )


def two_parts(folder: Path) -> Path:
    for part in ("train", "val"):
        (folder / part / "cat").mkdir(parents=True)
        Image.new("RGB", (20, 20)).save(folder / part / "cat" / "one.png")
    return folder


def linked_in_a_circle(folder: Path) -> Path:
    (two_parts(folder) / "train" / "cat" / "more").symlink_to("..")
    return folder


def with_an_empty_class(folder: Path) -> Path:
    (two_parts(folder) / "train" / "dog").mkdir()
    return folder


def with_a_wild_label(folder: Path) -> Path:
    for part in ("train", "t10k"):
        written_idx(folder / f"{part}-images-idx3-ubyte", np.zeros((3, 4, 4), np.uint8))
        written_idx(folder / f"{part}-labels-idx1-ubyte", np.array([0, 1, 200], np.uint8))
    return folder


def lost_process(folder: Path) -> None:
    """Of two, the other one ends as soon as both are together."""
    del folder
    with socket.socket() as free, pytest.MonkeyPatch.context() as patch:
        free.bind(("127.0.0.1", 0))
        for name, value in {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(free.getsockname()[1]),
            "WORLD_SIZE": "2",
        }.items():
            patch.setenv(name, value)
        free.close()
        leave = "import os; from resspec.training.distributed.processes import joined\nwith joined('cpu'): os._exit(0)"
        with subprocess.Popen([sys.executable, "-c", leave], env={**os.environ, "RANK": "1"}):
            patch.setenv("RANK", "0")
            heard = signal.getsignal(
                signal.SIGTERM
            )  # which it ignores from then on, as do all that are forked from here
            try:
                with joined("cpu") as processes:
                    processes.all_reduce_any(True)
            finally:
                signal.signal(signal.SIGTERM, heard)


def other_test_images(folder: Path) -> None:
    run = train(tiny(folder), folder / "run", "iterations=2").run
    ended = record.result(run)
    assert ended
    del ended["sha256"]
    record.end(run, {**ended, "test": {**ended["test"], "images": "0"}})
    eval_.run(parser().parse_args(["eval", str(run)]))


class FailingShow(Show):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def stepped(self, step: int, waited: float) -> None:
        del waited
        if step == 2:
            raise self.error


def train_until(error: Exception, folder: Path) -> None:
    decided = plan(job(tiny(folder), "iterations=4"), folder / "run")
    trainer.train(decided, folder / "run", show=FailingShow(error))


def unforeseen(folder: Path) -> None:
    train_until(ZeroDivisionError("division by zero"), folder)


def no_more_files(folder: Path) -> None:
    train_until(OSError(errno.EMFILE, os.strerror(errno.EMFILE), "some/file"), folder)


def strange_lock(folder: Path) -> None:
    (folder / "lock").mkdir()
    with record.locked(folder):
        pass


def moved_folder(folder: Path) -> None:
    run = folder / "run"
    with record.locked(run) as lock:
        run.rename(folder / "elsewhere")
        lock.check()


CASES: dict[str, Callable[[Path], object]] = {
    "E0509": lambda _: recipe_file.load("digit"),
    "E0510": lambda folder: recipe_file.load(str(folder / "none.yaml")),
    "E0511": lambda _: data.load("cifar-11"),
    "E0512": lambda _: data.load("imagenet"),
    "E0513": lambda folder: data.load(str(folder)),
    "E0514": lambda folder: idx.load(folder, LoadOptions()),
    "E0515": lambda _: crop.center_crop(torch.zeros(1, 3, 8, 8), 9),
    "E0516": lambda folder: locate._download("FashionMNIST", written(folder, "", "file") / "below"),
    "E0517": uneven_batch,
    "E0519": lambda folder: data.load(str(linked_in_a_circle(folder))),
    "E0520": lambda folder: data.load(str(with_an_empty_class(folder))),
    "E0521": lambda folder: idx.load(with_a_wild_label(folder), LoadOptions()),
    "E0542": lambda _: recipe_file.load("digits", [("lr", "0.1"), ("optimizer.lr", "0.2")]),
    "E0601": in_use,
    "E0602": file_in_the_way,
    "E0603": compare.load,
    "E0604": other_version,
    "E0605": other_run,
    "E0606": damaged_checkpoints,
    "E0607": full_disk,
    "E0608": lambda folder: train(
        tiny(folder), folder / "run", "iterations=6", "lr=1e38", "warmup=null", "log=1"
    ),
    "E0609": too_large,
    "E0610": lambda folder: weights.read(saved(folder)).into(torch.nn.Linear(3, 4)),
    "E0611": lambda folder: weights.read(written(folder, "none", "none.safetensors")),
    "E0612": killed_worker,
    "E0613": lambda folder: eval_.run(parser().parse_args(["eval", str(unended(folder))])),
    "E0614": lost_process,
    "E0615": unforeseen,
    "E0616": strange_lock,
    "E0617": moved_folder,
    "E0618": no_more_files,
    "E0620": lambda _: classes.check_same(
        ["cat", "dog"], ["dog", "kitty"], whose="runs/a", data="pets"
    ),
    "E0621": other_test_images,
    "E0622": lambda folder: carried(
        weights.read(of_digits(folder)), load("digits"), load("resnet20")
    ),
}


def saved(folder: Path) -> Path:
    torch.save(torch.nn.Linear(2, 2).state_dict(), folder / "weights.pth")
    return folder / "weights.pth"


def of_digits(folder: Path) -> Path:
    torch.save(build(load("digits")).state_dict(), folder / "weights.pth")
    return folder / "weights.pth"


def unended(folder: Path) -> Path:
    train(tiny(folder), folder / "run", "iterations=2")
    (folder / "run" / "result.json").unlink()
    shutil.rmtree(folder / "run" / "checkpoints")
    return folder / "run"


@pytest.mark.parametrize("code", CASES)
def test_a_failure_has_its_code_and_text(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("RESSPEC_DATA", str(tmp_path / "nothing"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with pytest.raises(ResspecError) as caught:
        CASES[code](tmp_path)
    assert caught.value.code == code
    text, expected = f"{stable(str(caught.value), tmp_path)}\n", TEXTS / f"{code}.txt"
    if request.config.getoption("--update"):
        expected.write_text(text, encoding="utf-8", newline="")
    assert text == expected.read_bytes().decode()


def stable(text: str, folder: Path) -> str:
    """Without what this machine and this moment add."""
    text = text.replace(str(folder), "FOLDER")
    for pattern, new in (
        (r"process \d+ on \S+", "process 4711 on HOST"),
        (r"(pid\(s\)|process) \d{3,}", r"\1 4711"),
        (r"[\d,.]+ [kMGTP]?B (are|is) free", r"17 GB \1 free"),
    ):
        text = re.sub(pattern, new, text)
    return text


def test_every_text_is_of_a_case() -> None:
    assert {path.stem for path in TEXTS.iterdir()} == set(CASES)


def test_a_code_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["train", "digits", "--recipe", "digit", "--plan"]) == 2
    assert (
        capsys.readouterr().err
        == "error[E0509]: no recipe is called `digit`; did you mean `digits`?\n"
    )
