"""Real trainers, forked from a process that has all imported and started no thread: each costs a fraction of a second.

Run as a program it is that process: it reads what to start, a line each, and answers with process ids and exit codes.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
IMPORTED = ("matplotlib.figure", "sklearn.datasets", "torchvision.transforms.v2.functional", "resspec.compiler",
            "resspec.commands.eval", "resspec.commands.train", "resspec.train.evaluate", "resspec.train.trainer")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Moment:
    """The `number`-th time that something is about to happen, and the signal that the trainer sends itself then: a `step`, a
    batch of a `test`, or a `file` whose path matches is opened to be written, brought to the disk, renamed or removed. Or,
    of kind `time`, so many milliseconds after its start, whatever happens then."""

    kind: str
    number: int
    signal: int = signal.SIGKILL
    path: str = ""


@dataclass
class Trainer:
    """One that was started; `out` is all that it prints."""

    pid: int
    out: Path
    _server: Server

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The exit code; minus the number of a signal that ended it."""
        return int(self._server.ask({"wait": self.pid}))

    @property
    def ended(self) -> bool:
        return Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


class Server:
    """The process that forks, seen from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._count = 0

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, folder: Path, *argv: str, moments: list[Moment] | None = None, limit: int | None = None) -> Trainer:
        """`resspec ARGV`, in `folder`; no file of its grows beyond `limit` bytes."""
        self._count += 1
        out = folder / f"out-{self._count}.txt"
        request = {"argv": argv, "cwd": str(folder), "out": str(out), "limit": limit,
                   "moments": [asdict(moment) for moment in moments or []]}
        return Trainer(self.ask(request), out, self)

    def run(self, folder: Path, *argv: str, moments: list[Moment] | None = None, limit: int | None = None) -> tuple[int, str]:
        """Exit code, and what it printed."""
        trainer = self.start(folder, *argv, moments=moments, limit=limit)
        return trainer.wait(), trainer.out.read_text(encoding="utf-8")


@contextmanager
def serving() -> Iterator[Server]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-m", __spec__.name], cwd=ROOT, env=environment, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Server(process)
        finally:
            assert process.stdin
            process.stdin.close()


def _serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
            signal.setitimer(signal.ITIMER_REAL, 0)
        elif answer := os.fork():
            _send_in_time(answer, request["moments"])
        else:
            _become(**request)
        print(answer, flush=True)


def _send_in_time(process: int, moments: list[dict[str, Any]]) -> None:
    for moment in moments:
        if moment["kind"] == "time":
            signal.signal(signal.SIGALRM, lambda *_, number=moment["signal"]: os.kill(process, number))
            signal.setitimer(signal.ITIMER_REAL, moment["number"] / 1000)


def _become(argv: list[str], cwd: str, out: str, moments: list[dict[str, Any]], limit: int | None) -> None:
    """This process is a trainer from now on."""
    from resspec.cli import main

    os.setpgid(0, 0)
    os.chdir(cwd)
    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY | os.O_CREAT), (2, out, 0)):
        os.dup2(1 if descriptor == 2 else os.open(path, flags, 0o644), descriptor)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if moments:
        _Watch([Moment(**moment) for moment in moments]).install()
    sys.argv = ["resspec", *argv]
    sys.exit(main())


class _Watch:
    """Counts what happens towards the first moment; once it has come, towards the next."""

    def __init__(self, moments: list[Moment]) -> None:
        self.moments, self.count = moments, 0

    def install(self) -> None:
        from resspec.train.data import Batch
        from resspec.train.data.folder import InFolders
        from resspec.train.data.memory import InMemory
        from resspec.train.recipe import Test
        from resspec.train.step import Learner

        happens, learn, sync = self.happens, Learner.learn, os.fsync

        def counted_step(self: Learner, batch: Batch) -> None:
            happens("step")
            learn(self, batch)

        def counted_sync(descriptor: int) -> None:
            happens("file", os.path.realpath(f"/proc/self/fd/{descriptor}"))
            sync(descriptor)

        def counted_batches(batches: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            def counted(*given: Any, view: Any, **more: Any) -> Iterator[Any]:
                for batch in batches(*given, view=view, **more):
                    if isinstance(view, Test):
                        happens("test")
                    yield batch

            return counted

        Learner.learn = counted_step  # type: ignore[method-assign]
        os.fsync = counted_sync  # type: ignore[assignment]
        for kind in (InFolders, InMemory):
            kind.batches = counted_batches(kind.batches)  # type: ignore[method-assign]
        sys.addaudithook(self.audited)

    def audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if writes or event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            self.happens("file", str(arguments[0]))

    def happens(self, kind: str, path: str = "") -> None:
        if not self.moments or self.moments[0].kind != kind or not re.search(self.moments[0].path, path):
            return
        self.count += 1
        if self.count == self.moments[0].number:
            self.count, moment = 0, self.moments.pop(0)
            os.kill(os.getpid(), moment.signal)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread would not be there after a fork"
    _serve()
