"""Checkpoints that are damaged, and disks that are full."""

import json
import resource
import subprocess
from pathlib import Path
from random import Random

import pytest

from resspec.diagnostics import UsageError
from resspec.training.run import checkpoint
from resspec.training.run.checkpoint import DamagedCheckpoint
from tests.train.small import tiny, train

FILES = {"tensors.safetensors": bytes(range(256)) * 40, "state.json": b"{}\n", "metrics.jsonl": b""}


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 5, FILES, keep=2)
    assert [(step, found) for step, found in checkpoint.newest(tmp_path)] == [(5, FILES)]


def test_as_many_stay_as_are_kept(tmp_path: Path) -> None:
    for step in (5, 10, 15, 20):
        checkpoint.save(tmp_path, step, FILES, keep=2)
    assert sorted(checkpoint.steps(tmp_path)) == [15, 20]


def test_a_later_damaged_one_does_not_push_out_a_good_one(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 9, FILES, keep=1)
    checkpoint.save(tmp_path, 7, FILES, keep=1)
    assert sorted(checkpoint.steps(tmp_path)) == [7, 9]


@pytest.mark.parametrize("seed", range(21))  # the campaign takes 2,700
def test_every_bit_flip_truncation_and_zeroed_page_is_found(seed: int, tmp_path: Path) -> None:
    path, rng = checkpoint.save(tmp_path, 5, FILES, keep=2), Random(seed)
    file = rng.choice([file for file in sorted(path.iterdir()) if file.stat().st_size])
    content = bytearray(file.read_bytes())
    match seed % 3:
        case 0:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        case 1:
            del content[rng.randrange(len(content)) :]
        case _:
            start = rng.randrange(len(content))
            content[start : start + 4096] = bytes(len(content[start : start + 4096]))
    if bytes(content) == file.read_bytes():
        return  # zeros were there
    file.write_bytes(content)
    with pytest.raises(DamagedCheckpoint) as caught:
        checkpoint.read(path)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("damage", ["missing", "more", "no manifest", "swapped"])
def test_files_that_are_not_those_that_were_saved(damage: str, tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, 5, FILES, keep=2)
    match damage:
        case "missing":
            (path / "state.json").unlink()
        case "more":
            (path / "other").write_bytes(b"")
        case "no manifest":
            (path / checkpoint.MANIFEST).unlink()
        case _:
            (path / "state.json").rename(path / "x")
            (path / "metrics.jsonl").rename(path / "state.json")
            (path / "x").rename(path / "metrics.jsonl")
    with pytest.raises(DamagedCheckpoint):
        checkpoint.read(path)


def test_checkpoints_that_were_swapped_with_each_other(tmp_path: Path) -> None:
    five, ten = (checkpoint.save(tmp_path, step, FILES, keep=2) for step in (5, 10))
    five.rename(tmp_path / "x")
    ten.rename(five)
    (tmp_path / "x").rename(ten)
    messages = [str(found) for _, found in checkpoint.newest(tmp_path)]
    assert messages == [
        f"{ten} contains what was saved as step-00000005",
        f"{five} contains what was saved as step-00000010",
    ]


def test_checkpoints_of_another_run(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, 5, FILES, keep=2, job="one")
    assert checkpoint.read(path, "one") == FILES
    with pytest.raises(
        DamagedCheckpoint, match="contains what was saved as step-00000005 of another run"
    ):
        checkpoint.read(path, "another")


def test_the_manifest_is_sha256sums(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, 5, FILES, keep=2, job="one")
    check = ["sha256sum", "--check", "--strict", checkpoint.MANIFEST]
    assert subprocess.run(check, cwd=path, check=False, capture_output=True).returncode == 0
    (path / "state.json").write_bytes(b"[]\n")
    assert (
        b"state.json: FAILED"
        in subprocess.run(check, cwd=path, check=False, capture_output=True).stdout
    )


def test_a_run_goes_on_from_the_newest_good_one_and_ends_as_it_would_have(tmp_path: Path) -> None:
    settings = ("iterations=40", "checkpoint=10 iterations", "keep=4", "log=5")
    whole = train(tiny(tmp_path), tmp_path / "run", *settings).run
    ended = (whole / "weights.safetensors").read_bytes(), (whole / "metrics.csv").read_bytes()
    for name in ("result.json", "weights.safetensors"):
        (whole / name).unlink()
    for step in (40, 30):
        file = whole / "checkpoints" / f"step-000000{step}" / "tensors.safetensors"
        file.write_bytes(file.read_bytes()[:-1])
    train(tiny(tmp_path), whole, *settings)
    assert ended == (
        (whole / "weights.safetensors").read_bytes(),
        (whole / "metrics.csv").read_bytes(),
    )


def test_no_good_one_is_told(tmp_path: Path) -> None:
    settings = ("iterations=4", "checkpoint=2 iterations")
    run = train(tiny(tmp_path), tmp_path / "run", *settings).run
    (run / "result.json").unlink()
    for path in (run / "checkpoints").iterdir():
        (path / "state.json").write_text(json.dumps({}))
    with pytest.raises(
        UsageError, match=r"no checkpoint is usable: .*step-00000004/state.json is damaged"
    ):
        train(tiny(tmp_path), run, *settings)


@pytest.mark.parametrize("seed", range(6))
def test_a_full_disk_costs_no_checkpoint(seed: int, tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 5, FILES, keep=1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Random(seed).randrange(0, 10_240), before[1]))
    try:
        with pytest.raises(
            UsageError,
            match=r"it takes 10\.[0-9] kB, .* are free; the checkpoint of step 5 is kept",
        ):
            checkpoint.save(tmp_path, 10, FILES, keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [(step, found) for step, found in checkpoint.newest(tmp_path)] == [(5, FILES)]
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]
