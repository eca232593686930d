"""Processes that decode, crop and resize images, and what is said of one that fails: an error that names the
file, or the process. What a draw shows does not depend on who reads it.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing import active_children
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import current_thread, main_thread
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Indexed

from resspec.crash import limit_reached
from resspec.diagnostics import UsageError
from resspec.render import visible
from resspec.training.data.dataset import View
from resspec.training.data.decode import UnreadableImage
from resspec.training.data.draw import Draw
from resspec.training.data.picture import picture
from resspec.training.stop import SIGNALS

DESCRIPTORS = 10  # of files and connections that this process needs for each worker
TICKS = 25  # in which patience is counted: while this process is stopped, as by Ctrl-Z, no more than one passes
PATIENCE = 25  # seconds without a batch, after which a worker is taken for stuck


class Files(NamedTuple):
    """Image files, and how they are shown; `names` are relative to the root."""

    root: Path
    names: tuple[str, ...]
    exif: str
    view: View


class Failure(NamedTuple):
    """What a worker says in place of a batch: torch would send an exception as the text of its traceback."""

    message: str
    code: str | None


Decoded = tuple[Tensor, Draw]  # uint8, BxCxHxW, and what was asked for


@contextmanager
def reading(
    files: Files, draws: Iterable[Draw], workers: int, *, pinned: bool
) -> Iterator[Iterator[Decoded]]:
    """Yield an iterator of what each draw shows; afterwards no worker is left.

    Args:
        files: What the draws are of.
        draws: Taken one by one, as they are needed.
        workers: How many processes read; 0 for this one.
        pinned: Put batches where a GPU can copy them from.

    Raises:
        UsageError: A file cannot be shown, or a worker died or is stuck.
    """
    _refuse_too_many(workers)
    loader = DataLoader(
        _Decoded(files),
        batch_size=None,
        sampler=_Drawn(draws),
        num_workers=workers,
        pin_memory=pinned,
        worker_init_fn=_led,
    )
    with _ended(loader) as found:
        yield _told_apart(found, workers)


def _refuse_too_many(workers: int) -> None:
    """Raise a UsageError where the system has no descriptors for them; torch would fail when some are started."""
    with ExitStack() as held:
        try:
            for _ in range(DESCRIPTORS * workers):
                held.enter_context(open(os.devnull, "rb", buffering=0))  # noqa: PTH123
        except OSError as error:
            raise UsageError(_unstarted(workers, error), "E0612") from None


def _unstarted(workers: int, error: OSError) -> str:
    why = limit_reached(error) or error.strerror
    if error.errno not in (errno.EAGAIN, errno.EMFILE):
        why = f"{why} (they share memory by way of /dev/shm)"
    return f"cannot start {workers} DataLoader workers: {why}"


def _told_apart(found: Iterator[Decoded | Failure], workers: int) -> Iterator[Decoded]:
    while batch := _next(found, PATIENCE if workers else 0):
        if isinstance(batch, Failure):
            raise UsageError(batch.message, batch.code)
        yield batch


class _Drawn:
    """Draws as a loader wants them: it takes them one by one, as it needs them. Arrays, which are sent as they are: a tensor's
    memory would be handed over to a worker that may end meanwhile."""

    def __init__(self, draws: Iterable[Draw]) -> None:
        self._draws = draws

    def __iter__(self) -> Iterator[list[Any]]:
        return ([part.numpy() for part in draw] for draw in self._draws)


class _Decoded(Indexed[Decoded | Failure]):
    """What a worker makes of a draw."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def __getitem__(self, drawn: list[Any]) -> Decoded | Failure:
        draw = Draw(*map(torch.from_numpy, drawn))
        root, names, exif, view = self._files
        pictures: list[Tensor] = []
        path = root
        try:
            for index, key in zip(draw.indices.tolist(), draw.keys.split(1), strict=True):
                path = root / names[index]
                pictures.append(picture(path, key, view, exif))
                if pictures[-1].shape != pictures[0].shape:
                    raise UnreadableImage(path, _uneven(pictures))
            return torch.stack(pictures), draw
        except UnreadableImage as broken:
            return Failure(str(broken), "E0514")
        except UsageError as error:
            return Failure(f"{visible(str(path))}: {error}", error.code)
        except Exception as error:  # noqa: BLE001 (whatever it is, the file that it came with is named)
            what = f"{type(error).__name__}: {error}"
            return Failure(f"{visible(str(path))} cannot be transformed: {what}", "E0514")


def _uneven(pictures: list[Tensor]) -> str:
    (height, width), (others_height, others_width) = (
        p.shape[1:] for p in (pictures[-1], pictures[0])
    )
    sizes = f"it is transformed to {height}x{width}, but others in its batch to {others_height}x{others_width}"
    return f"{sizes}; `crop` or `random_resized_crop` gives all of them one size"


def _led(worker: int) -> None:
    """Leaves to the trainer what concerns the run: a signal to all of its processes asks the trainer for an end, who still
    needs the workers for it, and a trainer that ends while it takes a batch breaks a connection, which is no news."""
    del worker
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.excepthook = _told


def _told(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not isinstance(error, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, traceback)


@contextmanager
def _ended(loader: DataLoader[Decoded | Failure]) -> Iterator[Iterator[Decoded | Failure]]:
    """The loader's iterator; afterwards none of its workers is left, be it one that is stuck. Raises UsageError."""
    others = set(active_children())
    try:
        iterator = iter(loader)
    except OSError as error:  # no shared memory, or no more processes
        for started in set(active_children()) - others:
            started.kill()
        raise UsageError(_unstarted(loader.num_workers, error), "E0612") from None
    workers = set(active_children()) - others
    at_exit = partial(_shut, workers, iterator)
    if workers:
        atexit.register(at_exit)  # an error that nobody foresaw may keep this open up to the end
    try:
        yield iterator
    except (RuntimeError, OSError, EOFError) as error:
        lost = isinstance(error, ConnectionError | EOFError)
        if lost or isinstance(
            error, FileNotFoundError
        ):  # its end, or that of its socket, may be seen before it is dead
            with suppress(RuntimeError):  # which torch raises once it is
                _wait_for_a_death(workers)
        stopped = [
            f"; process {worker.pid} is stopped" for worker in workers if _is_stopped(worker.pid)
        ]
        dead = [f"; process {worker.pid} has ended" for worker in workers if not worker.is_alive()]
        if worker_failure(error) or dead or lost:
            raise UsageError(
                f"a DataLoader worker failed: {error}" + "".join(stopped + dead), "E0612"
            ) from None
        raise
    finally:
        atexit.unregister(at_exit)
        if workers:
            _shut(workers, iterator)


def _wait_for_a_death(workers: set[BaseProcess]) -> None:
    """For a second; a worker's sentinel is told of a moment before it is dead."""
    ended = wait([worker.sentinel for worker in workers], 1)
    for worker in workers:
        if worker.sentinel in ended:
            worker.join(1)


def _shut(workers: set[BaseProcess], iterator: Any) -> None:
    """Kills them: asked to end, one that is stuck would be waited for; torch takes a dead one for a failure, unless it is not
    told."""
    told = signal.signal(signal.SIGCHLD, signal.SIG_DFL) if _hears_signals() else None
    try:
        for worker in workers:
            worker.kill()
        iterator._shutdown_workers()
    finally:
        if _hears_signals():
            signal.signal(
                signal.SIGCHLD, told or signal.SIG_DFL
            )  # Python has forgotten it where the process ends


def _hears_signals() -> bool:
    """Return whether this thread may set what a signal does."""
    return current_thread() is main_thread()


def _next(batches: Iterator[Decoded | Failure], patience: float) -> Decoded | Failure | None:
    """None where there is no more. Raises RuntimeError after so many seconds, if not 0: torch's own patience does not reach the
    moment at which a worker that was stopped is to hand over its memory. In another thread than the main one it has to do."""
    if not patience or not _hears_signals():
        return next(batches, None)

    ticks = TICKS

    def late(*_: object) -> None:
        nonlocal ticks
        ticks -= 1
        if ticks <= 0:
            raise RuntimeError(f"DataLoader returned nothing for {patience:g} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, patience / TICKS, patience / TICKS)
    try:
        return next(batches, None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def worker_failure(error: Exception) -> str | None:
    """What is said of a worker that is no more, or does not answer: torch raises it wherever the trainer is at that time."""
    return f"a DataLoader worker failed: {error}" if "DataLoader" in str(error) else None


def _is_stopped(process: int | None) -> bool:
    """Whether it is one that SIGSTOP stopped, as Linux tells it."""
    path = Path(f"/proc/{process}/stat")
    return (
        path.exists()
        and path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] in "tT"
    )
