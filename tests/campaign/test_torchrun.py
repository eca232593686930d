"""A real torchrun one of whose processes is killed."""

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL
from time import monotonic

import pytest

from tests.train.launch import ROOT
from tests.train.test_processes import RECIPE, SPEC

TRAIN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m",
         "resspec", "train", "plain.res", "--recipe", "recipe.yaml", "-r", "run", "--device", "cpu"]


@pytest.mark.parametrize("victim", [0, 1])
def test_one_that_is_killed_is_named_soon_and_the_same_command_goes_on(victim: int, tmp_path: Path) -> None:
    (tmp_path / "plain.res").write_text(SPEC, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("12 iterations", "80 iterations"), encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    piped = subprocess.PIPE
    running = subprocess.Popen(TRAIN, cwd=tmp_path, env=environment, text=True, stdout=piped, stderr=subprocess.STDOUT)
    while not list(tmp_path.glob("run/checkpoints/step-*")):
        assert running.poll() is None
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text(encoding="ascii").split()
    killed = next(int(pid) for pid in children if f"RANK={victim}" in environment_of(pid))
    start = monotonic()
    os.kill(killed, SIGKILL)
    told, _ = running.communicate()
    assert monotonic() - start < 30
    assert running.returncode == 1, told
    assert f"process {victim} of 0 to 1 is gone; this is process {1 - victim}" in told
    assert f"exitcode  : -9 (pid: {killed})" in told  # as torchrun says it
    done = subprocess.run(TRAIN, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "recorded in run" in done.stdout


def environment_of(pid: str) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
