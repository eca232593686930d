"""Run `resspec check` on each file in a process of its own, and measure what it took.

The processes are forked from one that has imported what they need.

with confined() as check:
    taken = check("bomb.res")
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIMIT_AS, RLIMIT_CPU, setrlimit
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from resspec import cli

ROOT = Path(__file__).parents[2]
MOST_BYTES, MOST_SECONDS = (
    1 << 30,
    20,
)  # where a bomb that goes off is stopped, so that it harms nobody


class Taken(NamedTuple):
    """What a check said, and what it took: CPU time, and all memory of the process at its peak."""

    code: int
    diagnostics: list[dict[str, Any]]
    complaint: str
    seconds: float
    bytes: int


@contextmanager
def confined() -> Iterator[Callable[[str], Taken]]:
    command = [sys.executable, "-m", "tests.attacks.confined"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
    ) as server:
        assert server.stdin and server.stdout
        asked, output = server.stdin, server.stdout

        def check(spec: str) -> Taken:
            print(json.dumps(spec), file=asked, flush=True)
            return Taken(*json.loads(output.readline()))

        yield check
        asked.close()


def _serve() -> None:
    from resspec.commands import forms
    from resspec.compiler import check

    forms.to_json(check("resnet20"))  # imports what they need
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_checked(json.loads(line))), flush=True)


def _checked(spec: str) -> Taken:
    with TemporaryFile("w+") as out, TemporaryFile("w+") as error:
        child = os.fork()
        if child == 0:
            _check(spec, out.fileno(), error.fileno())
        _, status, usage = os.wait4(child, 0)
        for file in (out, error):
            file.seek(0)
        output = out.read()
        found = json.loads(output)["diagnostics"] if output else []
        code = os.waitstatus_to_exitcode(status)
        return Taken(
            code, found, error.read(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        )


def _check(spec: str, out: int, error: int) -> None:
    """As the command does it, in a process that ends with it."""
    code = 99
    try:
        setrlimit(RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        setrlimit(RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        os.dup2(out, 1)
        os.dup2(error, 2)
        gc.disable()
        code = cli.run(["check", "--format", "json", spec])
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
