"""The light commands need no POSIX: they run where the names that Windows lacks are taken away."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HIDE = """
import os, shutil, signal, subprocess, sys, tempfile

GONE = {
    os: "O_NONBLOCK O_CLOEXEC O_NOCTTY O_SYNC O_DSYNC O_DIRECTORY O_NOFOLLOW O_ASYNC fork forkpty getuid geteuid getgid "
        "getegid setuid setgid chown fchown lchown mkfifo mknod nice killpg getpgid setsid statvfs sysconf sched_getaffinity "
        "posix_fadvise pread pwrite sendfile getloadavg openpty wait wait3 wait4 getpgrp setpgid pathconf sync",
    signal: "SIGHUP SIGALRM SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGWINCH SIGXCPU "
            "SIGXFSZ pthread_sigmask siginterrupt setitimer getitimer alarm pause sigwait sigpending pthread_kill",
}
for module, names in GONE.items():
    for name in names.split():
        vars(module).pop(name, None)

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Gone())
"""
RUN = (
    HIDE
    + """
from resspec.cli import run
code = run(sys.argv[1:])
assert not hasattr(os, "O_NONBLOCK") and not hasattr(signal, "SIGHUP") and "fcntl" not in sys.modules
sys.exit(code)
"""
)
PYTHON = (
    HIDE
    + """
import resspec
network = resspec.load("digits")
assert resspec.report(network).totals["params"] and resspec.check("digits") == []
"""
)


def ran(
    program: str, command: str, folder: Path, code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *shlex.split(command)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "E0615" not in done.stderr
    return done


@pytest.mark.parametrize(
    "command",
    [
        "check digits",
        "check specs",
        "report digits",
        "report digits --format html",
        "expand digits",
        "explain E0101",
        "fmt specs",
        "fmt --check specs",
        "draw digits",
        "diff digits digits",
        "compile digits",
        "compile digits --emit ir-json",
        "check --fix specs",
        "--version",
    ],
)
def test_a_light_command(command: str, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    text = "network net {\n    input 3x8x8\n    head avgpool -> fc 2\n}\n"
    (tmp_path / "specs" / "net.res").write_text(text, encoding="utf-8")
    program = RUN.replace(
        "code = run(sys.argv[1:])",
        """
try:
    code = run(sys.argv[1:])
except SystemExit as end:
    code = end.code""",
    )
    ran(program, command, tmp_path)


def test_from_python(tmp_path: Path) -> None:
    ran(PYTHON, "", tmp_path)


@pytest.mark.parametrize("name", ["folder", "pipe", "/dev/zero"])
def test_what_is_no_file_is_not_waited_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.res").mkdir()
    os.mkfifo(tmp_path / "pipe.res")
    done = ran(RUN, f"fmt {name if name[0] == '/' else f'{name}.res'}", tmp_path, 2)
    assert done.stderr.startswith(("error: cannot read", "error: there is no .res file"))


def test_a_command_that_needs_more_says_so(tmp_path: Path) -> None:
    done = ran(RUN, "train digits --plan", tmp_path, 2)
    assert (
        done.stderr
        == "error: `resspec train` runs on Linux and macOS: this Python has no module fcntl\n"
    )
