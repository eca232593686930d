"""ImageNet, and any folder with train/ and val/, each with a folder of images for each class.

Workers decode, crop and resize, and send bytes of one size; all else happens a batch at a time on the device that trains.
"""

from __future__ import annotations

import atexit
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from hashlib import sha256
from multiprocessing import active_children
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Indexed

from resspec.diagnostics import UsageError
from resspec.train.data import class_folders, tree
from resspec.train.data.crop import flipped
from resspec.train.data.dataset import Dataset, Request, View
from resspec.train.data.decode import UPRIGHT, BrokenPicture
from resspec.train.data.draw import Batch, Draw
from resspec.train.data.inspect import Damaged, Inspection, examine
from resspec.train.data.moments import IMAGENET, Moments
from resspec.train.data.picture import picture, shown_size
from resspec.train.data.show import shown
from resspec.train.names import IMAGENET as IMAGENET_NAME
from resspec.train.recipe import Data, Test

TRAIN, TEST = "train", ("val", "test")
_SYNSET = re.compile("n[0-9]{8}")  # as ImageNet names its classes
PATIENCE = 25  # seconds without a batch, after which a worker is taken for stuck


def is_here(folder: Path) -> bool:
    return (folder / TRAIN).is_dir() and any((folder / name).is_dir() for name in TEST)


def load(folder: Path, request: Request) -> Dataset:
    """Return the data set in a folder; its classes are the folders of `train/`, in the order of their names.

    Raises:
        UsageError: The folders cannot be read, or do not say which image is of which class.
    """
    train = folder / TRAIN
    test = next(folder / name for name in TEST if (folder / name).is_dir())
    to_train, to_test = tree.scan(train), tree.scan(test)
    classes = tuple(sorted(to_train.images))
    if not classes:
        raise UsageError(f"{train} has no folders: there must be one for each class", "E0513")
    tested = class_folders.matched(to_test, train, classes)
    for part in (to_train, to_test):
        if not any(part.images.values()):
            raise UsageError(f"there is no image in {part.root}", "E0513")
    class_folders.refuse_unclear(to_train)
    moments = replace(IMAGENET, normalise=request.normalise)

    def split(part: tree.Part, by_class: list[list[str]]) -> InFolders:
        files = tuple(file for files in by_class for file in files)
        labels = torch.tensor([label for label, files in enumerate(by_class) for _ in files])
        return InFolders(part.root, files, labels, moments, len(classes), request.exif)

    names = tuple(map(tree.written, classes))
    is_imagenet = len(classes) == 1000 and all(map(_SYNSET.fullmatch, classes))
    name = IMAGENET_NAME if is_imagenet else tree.own_name(folder)
    return Dataset(
        name,
        names,
        (3, 0, 0),
        split(to_train, [to_train.images[name] for name in classes]),
        split(to_test, tested),
        moments,
        tuple(class_folders.notes(to_train, to_test, tested)),
    )


@dataclass(frozen=True, eq=False)
class InFolders:
    """A part of a data set: `files` are relative to the root."""

    root: Path
    files: tuple[str, ...]
    labels: Tensor
    moments: Moments
    classes: int
    exif: str = UPRIGHT
    _sizes: dict[int, tuple[int, int]] = field(default_factory=dict)  # height and width of each that was inspected

    def __len__(self) -> int:
        return len(self.files)

    def batches(self, draws: Iterable[Draw], *, view: View, device: torch.device, workers: int = 0) -> Iterator[Batch]:
        """Raises UsageError for a file that is no image, and for a worker that died or is stuck."""
        loader = DataLoader(
            _Decoded(self, view), batch_size=None, sampler=_Drawn(draws), num_workers=workers,
            pin_memory=device.type == "cuda", worker_init_fn=_led,
        )
        with _ended(loader) as decoded_draws:
            while found := _next(decoded_draws, PATIENCE if workers else 0):
                if isinstance(found, Failure):
                    raise UsageError(found.message, found.code)
                decoded, draw = found
                images = decoded.to(device, non_blocking=True)
                labels = self.labels[draw.indices].to(device, non_blocking=True)
                if isinstance(view, Data) and view.flip:
                    images = flipped(images, draw.keys)
                yield shown(images, labels, draw.keys, view, self.moments, None, self.classes)

    def alike(self, indices: Tensor, view: Test) -> list[Tensor]:
        if view.crop:
            return [indices]
        groups: dict[tuple[int, int], list[int]] = {}
        for index, stored in zip(indices.tolist(), self._stored_sizes(indices), strict=True):
            try:
                shown = shown_size(self.root / self.files[index], stored, view)
            except BrokenPicture as broken:
                raise UsageError(str(broken), "E0514") from None
            groups.setdefault(shown, []).append(index)
        return [torch.tensor(group) for _, group in sorted(groups.items())]

    def inspect(
        self, indices: Tensor, *, decode: bool, progress: Callable[[int], None] = lambda _: None
    ) -> Inspection:
        places = sorted(indices.tolist())
        names = [self.files[place] for place in places]
        looks = examine(self.root, names, decode=decode, exif=self.exif, progress=progress)
        sizes: dict[tuple[int, int], Path] = {}
        damaged: list[Damaged] = []
        for place, look in zip(places, looks, strict=True):
            if isinstance(look, Damaged):
                damaged.append(look)
                continue
            if look not in sizes:
                sizes[look] = self.root / self.files[place]
            self._sizes[place] = look
        return Inspection(sizes, tuple(damaged))

    @cached_property
    def digest(self) -> str:
        """Of names and lengths of the files: to read them all would take hours."""
        lines = (f"{name} {self._length(name)}\n" for name in self.files)
        return sha256(os.fsencode("".join(lines))).hexdigest()

    def _length(self, name: str) -> int:
        try:
            return os.stat(f"{self.root}/{name}").st_size  # noqa: PTH116 (a Path takes three times as long)
        except OSError as error:
            raise UsageError(str(BrokenPicture(self.root / name, str(error.strerror))), "E0514") from None

    def _stored_sizes(self, indices: Tensor) -> list[tuple[int, int]]:
        """Height and width of these images; of those not inspected before, the headers are read. Raises UsageError."""
        new = [index for index in indices.tolist() if index not in self._sizes]
        if new:
            found = self.inspect(torch.tensor(new), decode=False)
            for path, why in found.damaged:
                raise UsageError(str(BrokenPicture(path, why)), "E0514")
        return [self._sizes[index] for index in indices.tolist()]


class _Drawn:
    """Draws as a loader wants them: it takes them one by one, as it needs them. Arrays, which are sent as they are: a tensor's
    memory would be handed over to a worker that may end meanwhile."""

    def __init__(self, draws: Iterable[Draw]) -> None:
        self._draws = draws

    def __iter__(self) -> Iterator[list[Any]]:
        return ([part.numpy() for part in draw] for draw in self._draws)


class Failure(NamedTuple):
    """What a worker says in place of a batch: torch would send an exception as the text of its traceback."""

    message: str
    code: str | None


Found = tuple[Tensor, Draw] | Failure


class _Decoded(Indexed[Found]):
    """What a worker makes of a draw: uint8, BxCxHxW."""

    def __init__(self, split: InFolders, view: View) -> None:
        self._root = split.root
        self._files = split.files
        self._exif = split.exif
        self._view = view

    def __getitem__(self, drawn: list[Any]) -> Found:
        draw = Draw(*map(torch.from_numpy, drawn))
        pictures: list[Tensor] = []
        path = self._root
        try:
            for index, key in zip(draw.indices.tolist(), draw.keys.split(1), strict=True):
                path = self._root / self._files[index]
                pictures.append(picture(path, key, self._view, self._exif))
                if pictures[-1].shape != pictures[0].shape:
                    raise BrokenPicture(path, _uneven(pictures))
            return torch.stack(pictures), draw
        except BrokenPicture as broken:
            return Failure(str(broken), "E0514")
        except UsageError as error:
            return Failure(f"{path}: {error}", error.code)
        except Exception as error:  # noqa: BLE001 (whatever it is, the file that it came with is named)
            return Failure(f"{path} cannot be shown: {type(error).__name__}: {error}", "E0514")


def _uneven(pictures: list[Tensor]) -> str:
    (height, width), (others_height, others_width) = (p.shape[1:] for p in (pictures[-1], pictures[0]))
    sizes = f"it is shown as {height}x{width}, and others in its batch as {others_height}x{others_width}"
    return f"{sizes}; `crop` or `random_resized` shows all in one size"


def _led(worker: int) -> None:
    """Leaves to the trainer what concerns the run: a signal to all of its processes asks the trainer for an end, who still
    needs the workers for it, and a trainer that ends while it takes a batch breaks a connection, which is no news."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.excepthook = _told


def _told(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not isinstance(error, ConnectionError | EOFError):
        sys.__excepthook__(kind, error, traceback)


@contextmanager
def _ended(loader: DataLoader[Found]) -> Iterator[Iterator[Found]]:
    """The loader's iterator; afterwards none of its workers is left, be it one that is stuck. Raises UsageError."""
    others = set(active_children())
    iterator = iter(loader)
    workers = set(active_children()) - others
    at_exit = partial(_shut, workers, iterator)
    if workers:
        atexit.register(at_exit)  # an error that nobody foresaw may keep this open up to the end
    try:
        yield iterator
    except (RuntimeError, OSError, EOFError) as error:
        lost = isinstance(error, ConnectionError | EOFError)
        if lost or isinstance(error, FileNotFoundError):  # its end, or that of its socket, may be seen before it is dead
            with suppress(RuntimeError):  # which torch raises once it is
                _wait_for_a_death(workers)
        stopped = [f"; process {worker.pid} is stopped" for worker in workers if _is_stopped(worker.pid)]
        dead = [f"; process {worker.pid} is gone" for worker in workers if not worker.is_alive()]
        if worker_failure(error) or dead or lost:
            raise UsageError(f"a process that reads images failed: {error}" + "".join(stopped + dead), "E0612") from None
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
    told = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        for worker in workers:
            worker.kill()
        iterator._shutdown_workers()
    finally:
        signal.signal(signal.SIGCHLD, told or signal.SIG_DFL)  # Python has forgotten it where the process ends


def _next(batches: Iterator[Found], patience: float) -> Found | None:
    """None where there is no more. Raises RuntimeError after so many seconds, if not 0: torch's own patience does not reach the
    moment at which a worker that was stopped is to hand over its memory."""
    if not patience:
        return next(batches, None)

    def late(*_: object) -> None:
        raise RuntimeError(f"DataLoader gave nothing for {patience:g} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, patience)
    try:
        return next(batches, None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def worker_failure(error: Exception) -> str | None:
    """What is said of a worker that is no more, or does not answer: torch raises it wherever the trainer is at that time."""
    return f"a process that reads images failed: {error}" if "DataLoader" in str(error) else None


def _is_stopped(process: int | None) -> bool:
    """Whether it is one that SIGSTOP stopped, as Linux tells it."""
    path = Path(f"/proc/{process}/stat")
    return path.exists() and path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] in "tT"
