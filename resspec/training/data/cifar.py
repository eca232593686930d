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
from resspec.training.data.dataset import Dataset, LoadOptions
from resspec.training.data.labels import check_labels
from resspec.training.data.memory import ImageArrays, in_memory
from resspec.training.data.wording import printable
from resspec.training.names import CIFAR_10, CIFAR_100

PIXELS = 3 * 32 * 32
MAX_BYTES = 2**28  # of a file; CIFAR-100's training images have 155 million


class CifarFiles(NamedTuple):
    """The folder in the archive, its files, and the keys in them."""

    name: str
    classes: int
    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels: str
    names: str


TEN = CifarFiles(
    name=CIFAR_10,
    classes=10,
    folder="cifar-10-batches-py",
    train=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
    labels="labels",
    names="label_names",
)
HUNDRED = CifarFiles(
    name=CIFAR_100,
    classes=100,
    folder="cifar-100-python",
    train=("train",),
    test="test",
    meta="meta",
    labels="fine_labels",
    names="fine_label_names",
)


def is_here(folder: Path, layout: CifarFiles) -> bool:
    """Return whether all files are in a folder."""
    return all((folder / name).is_file() for name in (*layout.train, layout.test, layout.meta))


def load(folder: Path, options: LoadOptions, layout: CifarFiles) -> Dataset:
    """Return CIFAR-10 or CIFAR-100.

    Raises:
        UsageError: A file is damaged or another one, or has labels of other classes.
    """
    classes = _class_names(folder / layout.meta, layout)
    parts = [_read_batch(folder / name, layout) for name in layout.train]
    train = ImageArrays(
        torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
    )
    test = _read_batch(folder / layout.test, layout)
    return in_memory(layout.name, classes, train, test, options.normalize)


def _class_names(path: Path, layout: CifarFiles) -> tuple[str, ...]:
    names = _read(path).get(layout.names)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _damaged(path, f"it has no `{layout.names}`, the names of the classes")
    if len(names) != layout.classes:
        right = f"{layout.name} has {layout.classes}"
        raise _damaged(path, f"it names {len(names):,} classes, and {right}")
    return tuple(names)


def _read_batch(path: Path, layout: CifarFiles) -> ImageArrays:
    content = _read(path)
    pixels, labels = content.get("data"), content.get(layout.labels)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise _damaged(path, "it has no `data`, a 2-D array of bytes")
    if pixels.shape[1] != PIXELS or not len(pixels):
        shape = "x".join(map(str, pixels.shape))
        needed = f"one row of {PIXELS} bytes per image is needed"
        raise _damaged(path, f"its `data` has the shape {shape}, but {needed}")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise _damaged(path, f"it has no `{layout.labels}`, a list of whole numbers")
    if len(labels) != len(pixels):
        raise _damaged(path, f"it has {len(pixels):,} images and {len(labels):,} labels")
    check_labels(labels, layout.classes, path)
    images = torch.from_numpy(np.ascontiguousarray(pixels)).view(-1, 3, 32, 32)
    return ImageArrays(images, torch.tensor(labels))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = files.read(path, MAX_BYTES + 1)
    except UsageError as error:
        raise UsageError(str(error), "E0514") from None
    if len(content) > MAX_BYTES:
        raise _damaged(path, f"it has more than {MAX_BYTES:,} bytes")
    try:
        _check_memo(content)
        found = _Unpickler(BytesIO(content), encoding="latin1").load()
    except Exception as error:  # noqa: BLE001 (a damaged pickle raises anything)
        raise _damaged(path, str(error) or type(error).__name__) from None
    if not isinstance(found, dict):
        raise _damaged(path, "it is not a CIFAR file")
    return found


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{printable(path)} cannot be read: {visible(why)}", "E0514")


def _check_memo(content: bytes) -> None:
    """Reject numbers far above the count of objects, for which pickle allocates gigabytes."""
    for count, (code, number, _) in enumerate(pickletools.genops(content)):
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT") and number is not None and number > count:
            raise pickle.UnpicklingError("its objects are numbered wrongly")


class _Unpickler(pickle.Unpickler):
    """An unpickler of arrays of bytes alone: a pickle can run any code."""

    def find_class(self, module: str, name: str) -> Any:
        found = ALLOWED.get((module.replace("numpy._core", "numpy.core"), name))
        if found is None:
            why = f"it contains a {module}.{name}, which CIFAR files do not contain"
            raise pickle.UnpicklingError(why)
        return found


class _Array(np.ndarray[Any, Any]):
    """An array of bytes, whatever its type in the pickle: bytes as objects would be pointers."""

    def __setstate__(self, state: Any) -> None:
        _, shape, _, is_fortran, content = state
        if not isinstance(content, bytes | str):
            raise pickle.UnpicklingError("it contains an array of objects, not of bytes")
        as_bytes = content.encode("latin1") if isinstance(content, str) else content
        state = (1, shape, np.dtype("u1"), bool(is_fortran), as_bytes)
        super().__setstate__(state)


class _Byte:
    """The type of an array, whatever else a pickle says of it."""

    def __setstate__(self, state: object) -> None:
        pass


def _empty_array(*_: object) -> _Array:
    """Return an array that the next state in the pickle fills."""
    return np.empty(0, np.uint8).view(_Array)


def _byte_type(code: str, *_: object) -> _Byte:
    if code not in ("u1", "|u1"):
        raise pickle.UnpicklingError(f"it contains an array of {code!r}, not of bytes")
    return _Byte()


def _from_buffer(buffer: bytes, _: object, shape: tuple[int, ...], order: str) -> _Array:
    pixels = np.frombuffer(bytearray(buffer), np.uint8)
    return pixels.reshape(shape, order="F" if order == "F" else "C").view(_Array)


def _encode(text: str, encoding: str) -> bytes:
    """Return bytes that Python 3 pickled for Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it contains text in {encoding!r}")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Callable[..., Any] | str] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): "an array",
    ("numpy", "dtype"): _byte_type,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): lambda: b"",  # no bytes, as Python 3 pickles them for Python 2
}
