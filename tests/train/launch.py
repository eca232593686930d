"""Start real trainers cheaply: forked from a server that has imported everything.

Run as a program, this file is that server: it reads one request a line, and answers with process
ids and exit codes. The server has no threads, since they would not survive a fork.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

from tests.train import shortcuts
from tests.train.broken import break_stream, leave
from tests.train.faults import Fault, Lines

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "matplotlib.figure",
    "sklearn.datasets",
    "torchvision.transforms.v2.functional",
    "resspec.compiler",
    "resspec.commands.eval",
    "resspec.commands.train",
    "resspec.training.evaluate",
    "resspec.training.trainer",
)
PIPE = 1 << 16
PORTS = range(20_000, 32_000)  # below those that Linux hands out
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Trigger:
    """An event of a trainer, and the signal that the trainer sends itself just before it.

    Attributes:
        kind: `step`; `test`, a batch of an evaluation; `file`, a write, sync, rename or removal of
            a file whose path matches; or `time`, in milliseconds after the start.
        number: At which event of the kind, from 1.
        signal: The signal.
        path: A regular expression for paths of kind `file`.
        breaks: One of BROKEN, which stderr then becomes, instead of a signal.
    """

    kind: str
    number: int
    signal: int = signal.SIGKILL
    path: str = ""
    breaks: str = ""


@dataclass
class Trainer:
    """A trainer that was started."""

    pid: int
    _server: Server

    def wait(self) -> tuple[int, str]:
        """Return the exit code, or minus the number of the signal that ended it, and the output."""
        code, output = self._server.ask({"wait": self.pid})
        return code, output

    def until_stopped(self) -> None:
        """Wait until SIGSTOP has arrived."""
        while state(self.pid) not in "TZ":
            sleep(0.002)

    @property
    def children(self) -> list[int]:
        return [
            int(pid)
            for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children")
            .read_text(encoding="ascii")
            .split()
        ]


@dataclass(frozen=True)
class Server:
    """The client's side of the server.

    Attributes:
        references: The files of uninterrupted runs, by spec, recipe and number of workers.
    """

    _process: subprocess.Popen[str]
    references: dict[tuple[str, ...], dict[str, bytes]] = field(default_factory=dict)

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(
        self, folder: Path, *argv: str, triggers: Sequence[Trigger] = (), **more: Any
    ) -> Trainer:
        """Start `resspec ARGV` in a folder.

        Args:
            folder: The working directory.
            argv: The arguments.
            triggers: The signals that the trainer sends itself, one after the other.
            more: Further conditions, see `_prepare`.
        """
        request = {
            "argv": argv,
            "folder": str(folder),
            "triggers": [asdict(trigger) for trigger in triggers],
            **more,
        }
        return Trainer(self.ask(request), self)

    def run(
        self, folder: Path, *argv: str, triggers: Sequence[Trigger] = (), **more: Any
    ) -> tuple[int, str]:
        """Return the exit code and the output."""
        return self.start(folder, *argv, triggers=triggers, **more).wait()

    def together(
        self,
        world: int,
        folder: Path,
        *argv: str,
        triggers: Sequence[Sequence[Trigger]] = (),
        rooms: Sequence[int | None] = (),
        own: Sequence[Sequence[str]] = (),
        faults: Sequence[Fault | None] = (),
    ) -> list[Trainer]:
        """Start one trainer for each rank as torchrun does, on the CPU.

        Args:
            world: The number of ranks.
            folder: The working directory.
            argv: The arguments of all ranks.
            triggers: For each rank, the signals that it sends itself.
            rooms: For each rank, the bytes of memory that it finds free.
            own: For each rank, further arguments.
            faults: For each rank, what goes wrong in it.
        """
        place = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(free_port()),
            "WORLD_SIZE": str(world),
        }
        return [
            self.start(
                folder,
                *argv,
                *(own[rank] if own else ()),
                "--device",
                "cpu",
                triggers=triggers[rank] if triggers else (),
                room=rooms[rank] if rooms else None,
                fault=asdict(fault) if faults and (fault := faults[rank]) else None,
                environment={**place, "RANK": str(rank)},
            )
            for rank in range(world)
        ]


@contextmanager
def start_server() -> Iterator[Server]:
    quiet = {
        "OMP_NUM_THREADS": "1",
        "MALLOC_CONF": "background_thread:false",
    }  # jemalloc, where it is preloaded
    environment = {**os.environ, **quiet, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", __spec__.name],
        cwd=ROOT,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield Server(process)
        finally:
            assert process.stdin
            process.stdin.close()


def _serve() -> None:
    printed: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if pid := request.get("wait"):
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            signal.setitimer(signal.ITIMER_REAL, 0)
            print(json.dumps([code, _rest(printed.pop(pid))]), flush=True)
            continue
        out, into = os.pipe()
        if not (pid := os.fork()):
            _become(into=into, **request)
        os.close(into)
        printed[pid] = out
        _send_in_time(pid, request["triggers"])
        print(pid, flush=True)


def _rest(pipe: int) -> str:
    """Read what is in a pipe, which workers that a trainer left may still hold open."""
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, PIPE).decode()
    except BlockingIOError:
        return ""
    finally:
        os.close(pipe)


def _send_in_time(process: int, triggers: list[dict[str, Any]]) -> None:
    for trigger in triggers:
        if trigger["kind"] == "time":
            signal.signal(
                signal.SIGALRM, lambda *_, number=trigger["signal"]: os.kill(process, number)
            )
            signal.setitimer(signal.ITIMER_REAL, trigger["number"] / 1000)


def _become(
    argv: list[str], folder: str, into: int, triggers: list[dict[str, Any]], **more: Any
) -> None:
    """Turn this process into a trainer."""
    from resspec.cli import main

    os.setpgid(0, 0)
    os.chdir(folder)
    for descriptor, other in ((0, os.open(os.devnull, os.O_RDONLY)), (1, into), (2, into)):
        os.dup2(other, descriptor)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", closefd=False) for descriptor in (1, 2))
    _prepare(**more)
    if triggers:
        _Watch([Trigger(**trigger) for trigger in triggers]).install()
    sys.argv = ["resspec", *argv]
    leave(main())


def _prepare(  # noqa: PLR0913
    *,
    limit: int | None = None,
    forbidden: str | None = None,
    environment: dict[str, str] | None = None,
    room: int | None = None,
    streams: dict[str, str] | None = None,
    ignored: Sequence[int] = (),
    fault: dict[str, Any] | None = None,
    lines: str | None = None,
    complete: bool = False,
) -> None:
    """Set the conditions that a trainer runs under.

    Args:
        limit: Bytes beyond which no file can grow.
        forbidden: An audit event of Python at which the trainer fails.
        environment: Additional environment variables.
        room: The bytes of memory that it finds free.
        streams: For some of the descriptors 0, 1, 2: one of BROKEN, or `closed`.
        ignored: Signals that are ignored, as under nohup.
        fault: The fields of a Fault.
        lines: The file to which it writes how often it reached each line.
        complete: Whether it draws its figures and syncs its files.
    """
    if not complete:
        shortcuts.take()
    os.environ.update(environment or {})
    for descriptor, how in (streams or {}).items():
        break_stream(int(descriptor), how)
    heed_signals()
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if forbidden:
        sys.addaudithook(lambda event, _: _refuse(event) if event == forbidden else None)
    if room is not None:
        vars(import_module("resspec.training.machine.decide"))["memory"] = lambda _: room
    if fault is not None:
        Fault(**fault).install()
    if lines is not None:
        counted = Lines(Path(lines))
        atexit.register(counted.save)
        counted.install()


def _refuse(event: str) -> None:
    raise AssertionError(event)


def heed_signals() -> None:
    """End this process at SIGINT and SIGHUP, even if it was started with nohup or by `&`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def free_port() -> int:
    """Return a free port outside the range from which the system assigns ports."""
    for port in Random().sample(PORTS, len(PORTS)):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("all ports are taken")


def state(pid: int) -> str:
    """Return the state of a process as Linux reports it: T if stopped, Z if it has ended."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


class _Watch:
    """A counter of events that fires the first trigger, then waits for the next."""

    def __init__(self, triggers: list[Trigger]) -> None:
        self.triggers, self.count = triggers, 0

    def install(self) -> None:
        from resspec.training.data import Batch
        from resspec.training.data.folder import InFolders
        from resspec.training.data.memory import InMemory
        from resspec.training.recipes.images import TestTransform
        from resspec.training.steps.step import Learner

        happens, learn, sync = self.happens, Learner.learn, os.fsync

        def counted_step(self: Learner, batch: Batch) -> None:
            happens("step")
            learn(self, batch)

        def counted_sync(descriptor: int) -> None:
            happens("file", os.path.realpath(f"/proc/self/fd/{descriptor}"))
            sync(descriptor)

        def counted_batches(batches: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            def counted(*given: Any, transform: Any, **more: Any) -> Iterator[Any]:
                for batch in batches(*given, transform=transform, **more):
                    if isinstance(transform, TestTransform):
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
        if (
            not self.triggers
            or self.triggers[0].kind != kind
            or not re.search(self.triggers[0].path, path)
        ):
            return
        self.count += 1
        if self.count == self.triggers[0].number:
            self.count, trigger = 0, self.triggers.pop(0)
            if trigger.breaks:
                break_stream(2, trigger.breaks)
                return
            os.kill(os.getpid(), trigger.signal)


if __name__ == "__main__":
    gc.disable()
    for name in IMPORTED:
        import_module(name)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, (
        "a thread would not be there after a fork"
    )
    gc.freeze()  # else the garbage collector of each trainer has a copy of all modules made
    gc.enable()
    _serve()
    os._exit(0)  # without the slow teardown of all modules
