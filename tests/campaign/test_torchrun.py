"""A real torchrun, one of whose processes is killed, or that receives a signal."""

import os
import re
import subprocess
import sys
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM
from time import monotonic

import pytest

from tests.train.launch import ROOT
from tests.train.test_processes import RECIPE, SPEC

TRAIN = [
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--nproc-per-node",
    "2",
    "-m",
    "resspec",
    "train",
    "plain.res",
    "--recipe",
    "recipe.yaml",
    "-r",
    "run",
    "--device",
    "cpu",
]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def started(folder: Path, steps: int) -> subprocess.Popen[str]:
    """As soon as it has saved something."""
    (folder / "plain.res").write_text(SPEC, encoding="utf-8")
    (folder / "recipe.yaml").write_text(
        RECIPE.replace("12 iterations", f"{steps} iterations"), encoding="utf-8"
    )
    piped = subprocess.PIPE
    running = subprocess.Popen(
        TRAIN, cwd=folder, env=ENVIRONMENT, text=True, stdout=piped, stderr=subprocess.STDOUT
    )
    while not list(folder.glob("run/checkpoints/step-*")):
        assert running.poll() is None
    return running


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_is_named_soon_and_the_same_command_resumes(
    victim: int, tmp_path: Path
) -> None:
    running = started(tmp_path, 80)
    children = (
        Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text(encoding="ascii").split()
    )
    killed = next(int(pid) for pid in children if f"RANK={victim}" in environment_of(pid))
    start = monotonic()
    os.kill(killed, SIGKILL)
    output, _ = running.communicate()
    assert monotonic() - start < 30
    assert running.returncode == 1, output
    assert f"process {victim} of 0 to 1 has ended; this is process {1 - victim}" in output
    assert f"exitcode  : -9 (pid: {killed})" in output  # as torchrun says it
    done = subprocess.run(
        TRAIN, cwd=tmp_path, env=ENVIRONMENT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "recorded in run" in done.stdout


@pytest.mark.parametrize("number", [SIGINT, SIGTERM, SIGHUP])
def test_a_signal_to_torchrun_saves_the_step_and_its_code_is_1(number: int, tmp_path: Path) -> None:
    running = started(tmp_path, 100_000)
    running.send_signal(number)
    output, _ = running.communicate()
    assert running.returncode == 1, output
    found = re.search(r"stopped by SIG\w+ after step ([\d,]+) of", output)
    assert found, output
    step = int(found[1].replace(",", ""))
    assert (tmp_path / "run" / "checkpoints" / f"step-{step:08d}").is_dir(), output


def environment_of(pid: str) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
