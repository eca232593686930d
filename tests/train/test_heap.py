"""The heap of a process that trains, in a process of its own, as it cannot be undone."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.train.launch import ROOT

LARGE = 1 << 24  # 64 MiB of float32, or 16,384 pages
BEGIN = """
import sys
import torch
from pathlib import Path
from types import SimpleNamespace
from resspec import cli
from resource import RUSAGE_SELF, getrusage
from resspec.training.machine import memory

def faults():
    return getrusage(RUSAGE_SELF).ru_minflt

def resident():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").open() if line.startswith("VmRSS"))

cli.load = lambda command: SimpleNamespace(run=lambda arguments: 0)  # of the command, its process alone
cli.run(["train", "digits"])

"""

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="of another libc the heap is left alone"
)


def printed(program: str, tmp_path: Path, **environment: str) -> list[int]:
    """Return the numbers that a process prints which keeps its heap as the command line does."""
    path = tmp_path / "program.py"
    path.write_text(BEGIN + program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path],
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(number) for number in done.stdout.split()]


STEPS = f"""
seen = [(torch.ones({LARGE}), faults())[1] for _ in range(40)]
print(seen[-1] - seen[30])  # once what is freed has grown together
"""


def test_what_the_environment_says_of_it_holds(tmp_path: Path) -> None:
    said = {"MALLOC_MMAP_MAX_": "65536", "MALLOC_MMAP_THRESHOLD_": "1048576"}
    (faults,) = printed(STEPS, tmp_path, **said)
    assert faults > 9 * 16_000


def test_what_a_step_frees_is_kept_for_the_next_and_counts_as_free(tmp_path: Path) -> None:
    faults, held = printed(
        f"""
{STEPS}
before = resident()
del (parts := [torch.ones({LARGE // 64}) for _ in range(640)])[:]
memory(torch.device("cpu"))
print(resident() - before)
""",
        tmp_path,
    )
    assert faults < 100
    assert held < 100_000  # of 640 MiB
