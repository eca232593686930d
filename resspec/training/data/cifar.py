"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), in the Python version that torchvision keeps."""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from resspec import files
from resspec.diagnostics import UsageError
from resspec.render import visible
from resspec.training.data import labels as labels_
from resspec.training.data.dataset import Dataset, Request
from resspec.training.data.memory import Stored, in_memory
from resspec.training.names import CIFAR_10, CIFAR_100

PIXELS = 3 * 32 * 32
LARGEST = 2**28  # bytes of a file; CIFAR-100's training images are 155 million


class Layout(NamedTuple):
    """The folder that the archive unpacks to, its files, and the words in them."""

    name: str
    classes: int
    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels: str
    names: str


TEN = Layout(
    name=CIFAR_10,
    classes=10,
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
    labels="labels",
    names="label_names",
)
HUNDRED = Layout(
    name=CIFAR_100,
    classes=100,
    folder="cifar-100-python",
    train=("train",),
    test="test",
    meta="meta",
    labels="fine_labels",
    names="fine_label_names",
)


def is_here(folder: Path, layout: Layout) -> bool:
    return all((folder / name).is_file() for name in (*layout.train, layout.test, layout.meta))


def load(folder: Path, request: Request, layout: Layout) -> Dataset:
    """Return CIFAR-10 or CIFAR-100. Raises UsageError for a file that is none of its, is damaged, or has other labels."""
    classes = _names(folder / layout.meta, layout)
    train = _joined([_batch(folder / name, layout) for name in layout.train])
    test = _batch(folder / layout.test, layout)
    return in_memory(layout.name, classes, train, test, request.normalize)


def _names(path: Path, layout: Layout) -> tuple[str, ...]:
    names = _read(path).get(layout.names)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _damaged(path, f"it has no `{layout.names}`, the names of the classes")
    if len(names) != layout.classes:
        raise _damaged(
            path, f"it names {len(names):,} classes, and {layout.name} has {layout.classes}"
        )
    return tuple(names)


def _batch(path: Path, layout: Layout) -> Stored:
    """The images and labels of one file."""
    content = _read(path)
    pixels, labels = content.get("data"), content.get(layout.labels)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise _damaged(path, "it has no `data`, a 2-D array of bytes")
    if pixels.shape[1] != PIXELS or not len(pixels):
        shape = "x".join(map(str, pixels.shape))
        raise _damaged(
            path,
            f"its `data` has the shape {shape}, but one row of {PIXELS} bytes per image is needed",
        )
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise _damaged(path, f"it has no `{layout.labels}`, a list of whole numbers")
    if len(labels) != len(pixels):
        raise _damaged(path, f"it has {len(pixels):,} images and {len(labels):,} labels")
    labels_.check_labels(labels, layout.classes, path)
    images = torch.from_numpy(np.ascontiguousarray(pixels)).view(-1, 3, 32, 32)
    return Stored(images, torch.tensor(labels))


def _joined(batches: list[Stored]) -> Stored:
    return Stored(
        torch.cat([batch.images for batch in batches]),
        torch.cat([batch.labels for batch in batches]),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = files.read(path, LARGEST + 1)
    except UsageError as error:
        raise UsageError(str(error), "E0514") from None
    if len(content) > LARGEST:
        raise _damaged(path, f"it has more than {LARGEST:,} bytes")
    try:
        _refuse_wide_memo(content)
        found = _Unpickler(BytesIO(content), encoding="latin1").load()
    except Exception as error:  # noqa: BLE001 (a damaged pickle raises anything)
        raise _damaged(path, str(error) or type(error).__name__) from None
    if not isinstance(found, dict):
        raise _damaged(path, "it is not a CIFAR file")
    return found


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{visible(str(path))} cannot be read: {visible(why)}", "E0514")


def _refuse_wide_memo(content: bytes) -> None:
    """Raise where an object is remembered under a number far above how many there are: gigabytes would be set aside."""
    for count, (code, number, _) in enumerate(pickletools.genops(content)):
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT") and number is not None and number > count:
            raise pickle.UnpicklingError("its objects are numbered wrongly")


class _Unpickler(pickle.Unpickler):
    """Reads arrays of bytes and nothing else: a pickle can run anything, and these files come from elsewhere."""

    def find_class(self, module: str, name: str) -> Any:
        found = ALLOWED.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            raise pickle.UnpicklingError(
                f"it contains a {module}.{name}, which CIFAR files do not contain"
            )
        return found


class _Array(np.ndarray[Any, Any]):
    """An array of bytes. What a pickle says of its type is not heeded: with flags of objects it would be taken for pointers."""

    def __setstate__(self, state: Any) -> None:
        _, shape, _, is_fortran, content = state
        if not isinstance(content, bytes | str):
            raise pickle.UnpicklingError("it contains an array of objects, not of bytes")
        as_bytes = content.encode("latin1") if isinstance(content, str) else content
        super().__setstate__((1, shape, np.dtype("u1"), bool(is_fortran), as_bytes))  # type: ignore[arg-type]


class _Byte:
    """The type of an array, whatever else a pickle says of it."""

    def __setstate__(self, state: object) -> None:
        pass


def _empty_array(kind: object, shape: object, code: object) -> _Array:
    """Which is filled in by the state that follows in the pickle."""
    del kind, shape, code
    return np.empty(0, np.uint8).view(_Array)


def _byte(code: str, align: object = False, copy: object = True) -> _Byte:
    del align, copy
    if code not in ("u1", "|u1"):
        raise pickle.UnpicklingError(f"it contains an array of {code!r}, not of bytes")
    return _Byte()


def _from_buffer(buffer: bytes, kind: object, shape: tuple[int, ...], order: str) -> _Array:
    del kind
    found = np.frombuffer(bytearray(buffer), np.uint8).reshape(
        shape, order="F" if order == "F" else "C"
    )
    return found.view(_Array)


def _no_bytes() -> bytes:
    """How Python 3 writes no bytes at all for Python 2."""
    return b""


def _encoded(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into a pickle that Python 2 can read."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it contains text in {encoding!r}")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Callable[..., Any] | str] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): "an array",
    ("numpy", "dtype"): _byte,
    ("_codecs", "encode"): _encoded,
    ("__builtin__", "bytes"): _no_bytes,
}
