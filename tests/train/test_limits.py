"""Where the system has little: training works, or says so in a sentence."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from resspec import crash
from tests.train.crash import Scenario, assert_same_files, read_files
from tests.train.launch import ROOT, Server

BARE = {
    "HOME": "/proc/none",
    "XDG_CACHE_HOME": "/proc/none",
    "TMPDIR": "/proc/none",
    "MPLCONFIGDIR": mpl.get_configdir(),
}


def test_without_a_home_or_a_place_for_temporary_files(server: Server, tmp_path: Path) -> None:
    scenario = Scenario(server, tmp_path, "pictures", workers=2)
    code, printed = server.run(tmp_path, *scenario.command("run"), environment=BARE)
    assert code == 0, printed
    assert_same_files(scenario.reference, read_files(tmp_path / "run"))


def test_a_folder_that_was_removed_is_told(tmp_path: Path) -> None:
    """Libraries would end the process without a word of ours."""
    script = "import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); from resspec.cli import main; exit(main())"
    command = [sys.executable, "-c", script, "train", "digits"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: the folder that this command was started in no longer exists; change to another one\n"
    )


@pytest.mark.parametrize(
    ("error", "printed"),
    [
        (MemoryError(), "there is not enough memory"),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory: you tried to allocate "
                "4000000000 bytes."
            ),
            "there is not enough memory: 4 GB more are needed",
        ),
        (
            RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
            "there is not enough memory",
        ),
        (
            ImportError("libtorch_cpu.so: failed to map segment from shared object"),
            "there is not enough memory",
        ),
        (RuntimeError("can't start new thread"), "this user cannot start more threads (ulimit -u)"),
        (
            BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
            "this user cannot start more processes (ulimit -u)",
        ),
        (
            OSError(errno.EMFILE, "Too many open files", "f"),
            "this process cannot open more files (ulimit -n): f",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "there is no space left on the disk"),
        (OSError(errno.EIO, "Input/output error"), None),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), None),
    ],
)
def test_limits_are_told_in_words(error: Exception, printed: str | None) -> None:
    assert crash.limit_reached(error) == printed
