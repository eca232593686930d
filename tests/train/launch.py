"""Real trainers, forked from a process that has all imported and started no thread: each costs a fraction of a second.

Run as a program it is that process: it reads what to start, a line each, and answers with process ids and exit codes.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from tests.train.faults import Fault, Lines

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "matplotlib.figure",
    "sklearn.datasets",
    "torchvision.transforms.v2.functional",
    "resspec.compiler",
    "resspec.commands.eval",
    "resspec.commands.train",
    "resspec.train.evaluate",
    "resspec.train.trainer",
)
PIPE = 1 << 16
PORTS = range(20_000, 32_000)  # below those that Linux hands out
BROKEN = ("a full disk", "a pipe without a reader", "a closed terminal")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Moment:
    """The `number`-th time that something is about to happen, and the signal that the trainer sends itself then: a `step`, a
    batch of a `test`, or a `file` whose path matches is opened to be written, brought to the disk, renamed or removed. Or,
    of kind `time`, so many milliseconds after its start, whatever happens then. `breaks`: instead of a signal, stderr becomes
    one of BROKEN."""

    kind: str
    number: int
    signal: int = signal.SIGKILL
    path: str = ""
    breaks: str = ""


@dataclass
class Trainer:
    """One that was started."""

    pid: int
    _server: Server

    def wait(self) -> tuple[int, str]:
        """The exit code, or minus the number of a signal that ended it, and all that it printed."""
        code, told = self._server.ask({"wait": self.pid})
        return code, told

    def until_stopped(self) -> None:
        """Until SIGSTOP has come to it."""
        while state(self.pid) not in "TZ":
            pass

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
    """The process that forks, seen from outside. `known`: what runs that nothing happened to leave, by what was asked for."""

    _process: subprocess.Popen[str]
    known: dict[tuple[str, ...], dict[str, bytes]] = field(default_factory=dict)

    def ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(
        self, folder: Path, *argv: str, moments: Sequence[Moment] = (), **more: Any
    ) -> Trainer:
        """`resspec ARGV`, in `folder`. `limit`: bytes beyond which no file of its grows; `forbidden`: an event of Python's
        audit at which it ends with a traceback; `environment`: what is added to that; `streams`: what stands in place of some
        of 0, 1, 2, of BROKEN or `closed`; `ignored`: signals, as nohup and shells ignore them;
        `fault`: what goes wrong, see faults.py; `lines`: the file that tells in the end which lines were reached how often."""
        request = {
            "argv": argv,
            "folder": str(folder),
            "moments": [asdict(moment) for moment in moments],
            **more,
        }
        return Trainer(self.ask(request), self)

    def run(
        self, folder: Path, *argv: str, moments: Sequence[Moment] = (), **more: Any
    ) -> tuple[int, str]:
        """Exit code, and what it printed."""
        return self.start(folder, *argv, moments=moments, **more).wait()

    def together(
        self,
        world: int,
        folder: Path,
        *argv: str,
        moments: Sequence[Sequence[Moment]] = (),
        rooms: Sequence[int | None] = (),
        own: Sequence[Sequence[str]] = (),
        faults: Sequence[Fault | None] = (),
    ) -> list[Trainer]:
        """As torchrun starts them, on the CPU, which has room for any number; `moments` of each, the bytes that it finds free,
        its `own` arguments, and what goes wrong in it."""
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
                moments=moments[rank] if moments else (),
                room=rooms[rank] if rooms else None,
                fault=asdict(fault) if faults and (fault := faults[rank]) else None,
                environment={**place, "RANK": str(rank)},
            )
            for rank in range(world)
        ]


@contextmanager
def serving() -> Iterator[Server]:
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
        _send_in_time(pid, request["moments"])
        print(pid, flush=True)


def _rest(pipe: int) -> str:
    """What is in it; workers that a trainer left may still hold it open."""
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, PIPE).decode()
    except BlockingIOError:
        return ""
    finally:
        os.close(pipe)


def _send_in_time(process: int, moments: list[dict[str, Any]]) -> None:
    for moment in moments:
        if moment["kind"] == "time":
            signal.signal(
                signal.SIGALRM, lambda *_, number=moment["signal"]: os.kill(process, number)
            )
            signal.setitimer(signal.ITIMER_REAL, moment["number"] / 1000)


def _become(
    argv: list[str], folder: str, into: int, moments: list[dict[str, Any]], **more: Any
) -> None:
    """This process is a trainer from now on."""
    from resspec.cli import main

    os.setpgid(0, 0)
    os.chdir(folder)
    for descriptor, other in ((0, os.open(os.devnull, os.O_RDONLY)), (1, into), (2, into)):
        os.dup2(other, descriptor)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", closefd=False) for descriptor in (1, 2))
    _prepare(**more)
    if moments:
        _Watch([Moment(**moment) for moment in moments]).install()
    sys.argv = ["resspec", *argv]
    _leave(main())


def _prepare(
    *,
    limit: int | None = None,
    forbidden: str | None = None,
    environment: dict[str, str] | None = None,
    room: int | None = None,
    streams: dict[str, str] | None = None,
    ignored: Sequence[int] = (),
    fault: dict[str, Any] | None = None,
    lines: str | None = None,
) -> None:
    """What a trainer finds around it; see Server.start."""
    os.environ.update(environment or {})
    for descriptor, how in (streams or {}).items():
        _break(int(descriptor), how)
    heed_signals()
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    if forbidden:
        sys.addaudithook(lambda event, _: _refuse(event) if event == forbidden else None)
    if room is not None:
        vars(import_module("resspec.train.decide"))["memory"] = lambda _: room
    if fault is not None:
        Fault(**fault).install()
    if lines is not None:
        counted = Lines(Path(lines))
        atexit.register(counted.save)
        counted.install()


def _break(descriptor: int, how: str) -> None:
    """What is written there fails from now on."""
    match how:
        case "closed":
            vars(sys)[("stdin", "stdout", "stderr")[descriptor]] = None  # as Python begins then
            os.close(descriptor)
            return
        case "a full disk":
            broken = os.open("/dev/full", os.O_WRONLY)
        case "a pipe without a reader":
            reader, broken = os.pipe()
            os.close(reader)
        case _:
            leader, broken = os.openpty()
            os.close(leader)
    os.dup2(broken, descriptor)
    os.close(broken)


def _leave(code: int) -> None:
    """As the interpreter ends, but for its taking apart of all that was imported, which costs more than most trainers here."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _refuse(event: str) -> None:
    raise AssertionError(event)


def heed_signals() -> None:
    """Have this process end of SIGINT and SIGHUP, which tests in the background of a shell or under nohup ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def free_port() -> int:
    """Return a port of this machine on which nobody listens, and which the system gives to nobody who asks for any."""
    for port in Random().sample(PORTS, len(PORTS)):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("all ports are taken")


def state(pid: int) -> str:
    """Of a process, as Linux tells it: T where it was stopped, Z where it has ended."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


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
        if (
            not self.moments
            or self.moments[0].kind != kind
            or not re.search(self.moments[0].path, path)
        ):
            return
        self.count += 1
        if self.count == self.moments[0].number:
            self.count, moment = 0, self.moments.pop(0)
            if moment.breaks:
                _break(2, moment.breaks)
                return
            os.kill(os.getpid(), moment.signal)


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, (
        "a thread would not be there after a fork"
    )
    _serve()
