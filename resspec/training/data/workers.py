"""Processes that decode, crop and resize images, and errors that name the file or process at fault.

The images do not depend on which process reads them.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from multiprocessing import active_children
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import current_thread, main_thread
from traceback import clear_frames
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as MapDataset

from resspec.crash import limit_reached
from resspec.diagnostics import UsageError
from resspec.training.data.batch import IndexBatch
from resspec.training.data.dataset import Transform
from resspec.training.data.decode import UnreadableImage
from resspec.training.data.read_image import read_image
from resspec.training.data.wording import printable
from resspec.training.stop import SIGNALS

DESCRIPTORS = 10  # of files and connections, for each worker
PATIENCE = 25  # seconds without a batch, after which a worker is considered stuck
TICKS = 25  # that patience is divided into: while all processes are stopped, only one passes


class ImageFiles(NamedTuple):
    """Image files, relative to the root, and their transforms."""

    root: Path
    names: tuple[str, ...]
    exif: str
    transform: Transform
    channels: int = 3


class WorkerFailure(NamedTuple):
    """The message of an exception in a worker: torch would send the text of its traceback."""

    message: str
    code: str | None


Decoded = tuple[Tensor, IndexBatch]  # images (uint8, BxCxHxW), and which they are
Result = Decoded | WorkerFailure


def read_batches(
    files: ImageFiles, sampler: Iterable[IndexBatch], workers: int, *, pinned: bool
) -> Generator[Decoded]:
    """Yield decoded batches; no worker is left once the generator is closed.

    Args:
        files: The image files.
        sampler: Which of them are needed; read as workers become free.
        workers: How many processes read; 0 for this one.
        pinned: Put batches into page-locked memory for copies to a GPU.

    Raises:
        UsageError: A file cannot be read, or a worker died or is stuck.
    """
    _check_descriptors(workers)
    loader = DataLoader(
        _ImageBatches(files),
        batch_size=None,
        sampler=_AsArrays(sampler),
        num_workers=workers,
        pin_memory=pinned,
        worker_init_fn=_start_worker,
    )
    pool = _Pool(loader)
    try:
        while result := pool.next():
            if isinstance(result, WorkerFailure):
                raise UsageError(result.message, result.code)
            yield result
    finally:
        pool.close()


def worker_failure(error: BaseException) -> str | None:
    """Return a message if torch raised this because a worker died or does not respond."""
    return f"a DataLoader worker failed: {error}" if "DataLoader" in str(error) else None


def _check_descriptors(workers: int) -> None:
    """Raise a UsageError if there are too few; torch would fail after it started some workers."""
    with ExitStack() as opened:
        try:
            for _ in range(DESCRIPTORS * workers):
                opened.enter_context(open(os.devnull, "rb", buffering=0))  # noqa: PTH123
        except OSError as error:
            raise _cannot_start(workers, error) from None


def _cannot_start(workers: int, error: OSError) -> UsageError:
    why = limit_reached(error) or error.strerror
    if error.errno not in (errno.EAGAIN, errno.EMFILE):
        why = f"{why} (they share memory by way of /dev/shm)"
    return UsageError(f"cannot start {workers} DataLoader workers: {why}", "E0612")


class _AsArrays:
    """A sampler's batches as arrays, which are pickled: a tensor's memory would be shared with a
    worker, which may end."""

    def __init__(self, sampler: Iterable[IndexBatch]) -> None:
        self._sampler = sampler

    def __iter__(self) -> Iterator[list[Any]]:
        return ([part.numpy() for part in batch] for batch in self._sampler)


class _ImageBatches(MapDataset[Result]):
    """The images of each batch, decoded."""

    def __init__(self, files: ImageFiles) -> None:
        self._files = files

    def __getitem__(self, arrays: list[Any]) -> Result:
        batch = IndexBatch(*map(torch.from_numpy, arrays))
        root, names, exif, transform, channels = self._files
        images: list[Tensor] = []
        path = root
        try:
            for index, key in zip(batch.indices.tolist(), batch.keys.split(1), strict=True):
                path = root / names[index]
                images.append(read_image(path, key, transform, exif, channels))
                if images[-1].shape != images[0].shape:
                    raise UnreadableImage(path, _other_size(images[-1], images[0]))
            return torch.stack(images), batch
        except UnreadableImage as error:
            return WorkerFailure(str(error), "E0514")
        except UsageError as error:
            return WorkerFailure(f"{printable(path)}: {error}", error.code)
        except Exception as error:  # noqa: BLE001 (whatever it is, name the file)
            why = f"{type(error).__name__}: {error}"
            return WorkerFailure(f"{printable(path)} cannot be transformed: {why}", "E0514")


def _other_size(image: Tensor, first: Tensor) -> str:
    own, others = ("x".join(map(str, each.shape[1:])) for each in (image, first))
    sizes = f"it is transformed to {own}, but others in its batch to {others}"
    return f"{sizes}; `crop` or `random_resized_crop` gives all of them one size"


def _start_worker(_: int) -> None:
    """Ignore signals, since a signal to all processes asks the trainer to stop, which still needs
    its workers; and broken connections, since the trainer may stop while it takes a batch."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.excepthook = _ignore_disconnect


def _ignore_disconnect(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not isinstance(error, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, traceback)


class _Pool:
    """The iterator of a loader, and its workers."""

    def __init__(self, loader: DataLoader[Result]) -> None:
        others = set(active_children())
        try:
            self._iterator: Iterator[Result] | None = iter(loader)
        except OSError as error:  # no shared memory, or no more processes
            for started in set(active_children()) - others:
                started.kill()
            raise _cannot_start(loader.num_workers, error) from None
        self._workers = set(active_children()) - others
        if self._workers:
            atexit.register(self.close)  # the traceback of an exception may keep this open

    def next(self) -> Result | None:
        """Return the next result, or None after the last."""
        assert self._iterator is not None
        try:
            return _next(self._iterator, PATIENCE if self._workers else 0)
        except BaseException as error:
            clear_frames(error.__traceback__)  # which hold the iterator
            is_from_worker = isinstance(error, RuntimeError | OSError | EOFError)
            failure = _failure(error, self._workers) if is_from_worker else None
            if failure:
                raise UsageError(failure, "E0612") from None
            raise

    def close(self) -> None:
        """Kill the workers unseen by torch, which would wait for stuck ones."""
        atexit.unregister(self.close)
        own_signals = bool(self._workers) and _handles_signals()
        handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL) if own_signals else None
        try:
            for worker in self._workers:
                worker.kill()
            for worker in self._workers:
                worker.join(1)
            self._iterator = None
        finally:
            if own_signals:  # None while the process ends, when Python has forgotten the handler
                signal.signal(signal.SIGCHLD, handler or signal.SIG_DFL)


def _failure(error: BaseException, workers: set[BaseProcess]) -> str | None:
    """Return a message if an exception came from a worker, with the process at fault."""
    is_lost = isinstance(error, ConnectionError | EOFError)
    if is_lost or isinstance(error, FileNotFoundError):  # its end, or that of its socket, is seen
        with suppress(RuntimeError):  # which torch raises once the worker is dead
            _wait_for_a_death(workers)
    stopped = [worker.pid for worker in workers if _is_stopped(worker.pid)]
    dead = [worker.pid for worker in workers if not worker.is_alive()]
    if not (worker_failure(error) or dead or is_lost):
        return None
    notes = [f"; process {pid} is stopped" for pid in stopped]
    notes += [f"; process {pid} has ended" for pid in dead]
    return f"a DataLoader worker failed: {error}{''.join(notes)}"


def _wait_for_a_death(workers: set[BaseProcess]) -> None:
    """Wait up to a second; a worker's sentinel is ready a moment before the worker is dead."""
    ended = wait([worker.sentinel for worker in workers], 1)
    for worker in workers:
        if worker.sentinel in ended:
            worker.join(1)


def _handles_signals() -> bool:
    """Return whether this thread may set signal handlers."""
    return current_thread() is main_thread()


def _next(results: Iterator[Result], patience: float) -> Result | None:
    """Return the next result, or None after the last.

    torch's own timeout does not cover the moment at which a worker hands over its memory, so in
    the main thread a timer does.

    Raises:
        RuntimeError: There was none for so many seconds, if not 0.
    """
    if not patience or not _handles_signals():
        return next(results, None)

    ticks = TICKS

    def tick(*_: object) -> None:
        nonlocal ticks
        ticks -= 1
        if ticks <= 0:
            raise RuntimeError(f"DataLoader returned nothing for {patience:g} seconds")

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, patience / TICKS, patience / TICKS)
    try:
        return next(results, None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _is_stopped(process: int | None) -> bool:
    """Return whether SIGSTOP stopped a process, on Linux."""
    path = Path(f"/proc/{process}/stat")
    if not path.exists():
        return False
    status = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    return status.split()[0] in "tT"
