"""Fashion-MNIST and other data sets in IDX files, as Debian or torchvision store them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import torch
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.training.data.dataset import Dataset, LoadOptions
from resspec.training.data.labels import check_labels, class_count
from resspec.training.data.memory import ImageArrays, in_memory
from resspec.training.data.wording import dataset_name, printable
from resspec.training.names import FASHION_MNIST

FASHION: tuple[str, ...] = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
# The SHA-256 of Fashion-MNIST's 60,000 training labels.
FASHION_LABELS = "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"

UNSIGNED_BYTE = 8
TYPES = {  # by their codes
    UNSIGNED_BYTE: "unsigned bytes",
    9: "signed bytes",
    11: "16-bit integers",
    12: "32-bit integers",
    13: "floats",
    14: "doubles",
}
MAX_BYTES = 2**33  # of an array
BLOCK = 2**24  # bytes that are read at a time


class IdxFile(NamedTuple):
    """An IDX file and its array (uint8)."""

    path: Path
    content: Tensor


def is_here(folder: Path) -> bool:
    """Return whether a folder has the IDX file of training images."""
    return _find(folder, "train-images-idx3-ubyte") is not None


def load(folder: Path, options: LoadOptions) -> Dataset:
    """Return the data set in four IDX files.

    Its classes are Fashion-MNIST's if that was asked for by name or has these labels, else numbers.

    Raises:
        UsageError: A file is missing or damaged, or a label is not that of a class.
    """
    train, train_labels = _read_split(folder, "train")
    test, test_labels = _read_split(folder, "t10k")
    digest = sha256(train_labels.content.numpy().tobytes()).hexdigest()
    if options.name == FASHION_MNIST or digest == FASHION_LABELS:
        name, classes = FASHION_MNIST, FASHION
    else:
        name = dataset_name(folder)
        classes = tuple(map(str, range(class_count(train.labels, train_labels.path))))
    check_labels(train.labels.tolist(), len(classes), train_labels.path)
    check_labels(test.labels.tolist(), len(classes), test_labels.path)

    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join(_text(part.images.shape[2:]) for part in (train, test))
        raise _wrong(folder, f"training and test images have different sizes, {sizes}")
    return in_memory(name, classes, train, test, options.normalize)


def _read_split(folder: Path, part: str) -> tuple[ImageArrays, IdxFile]:
    images = _read(folder, f"{part}-images-idx3-ubyte", 3).content
    labels = _read(folder, f"{part}-labels-idx1-ubyte", 1)
    if len(images) != len(labels.content):
        counts = f"{len(images):,} images and {len(labels.content):,} labels"
        raise _wrong(folder, f"{counts} in the {part} part")
    return ImageArrays(images.unsqueeze(1), labels.content.long()), labels


def _read(folder: Path, name: str, axes: int) -> IdxFile:
    """Read two zeros, the type, the number of axes, their lengths (big-endian), and the bytes."""
    path = _find(folder, name)
    if path is None:
        raise UsageError(f"there is no {name} in {printable(folder)}, nor {name}.gz", "E0514")
    content = bytearray()
    with _opened(path) as file:
        lengths = _lengths(path, file.read(4 + 4 * axes), axes)
        expected = prod(lengths)
        while len(content) <= expected:
            block = file.read(min(BLOCK, expected + 1 - len(content)))
            if not block:
                break
            content += block
    if len(content) != expected:
        fewer = "fewer" if len(content) < expected else "more"
        raise _damaged(path, f"it has {fewer} than the {expected:,} bytes of {_text(lengths)}")
    return IdxFile(path, torch.frombuffer(content, dtype=torch.uint8).view(lengths))


def _lengths(path: Path, header: bytes, axes: int) -> list[int]:
    """Return the lengths in a header, if they are possible."""
    if len(header) < 4 + 4 * axes:
        raise _damaged(path, "it ends within its header" if header else "it is empty")
    kind = TYPES.get(header[2])
    if header[:2] != b"\0\0" or kind is None:
        raise _damaged(path, "it is not an IDX file")
    if header[2] != UNSIGNED_BYTE:
        raise _damaged(path, f"it holds {kind}, but only unsigned bytes are supported")
    if header[3] != axes:
        raise _damaged(path, f"it has {header[3]} dimensions, but {axes} are needed")

    lengths = [int.from_bytes(header[at : at + 4], "big") for at in range(4, len(header), 4)]
    if not all(lengths):
        raise _damaged(path, f"it is an empty array of shape {_text(lengths)}")
    if prod(lengths) > MAX_BYTES:
        stated = f"its header says that it is an array of shape {_text(lengths)}"
        raise _damaged(path, f"{stated}, but at most {MAX_BYTES:,} bytes are allowed")
    return lengths


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with cast(BinaryIO, opened(path, "rb")) as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, getattr(error, "strerror", None) or str(error)) from None


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{printable(path)} cannot be read: {why}", "E0514")


def _wrong(folder: Path, why: str) -> UsageError:
    return UsageError(f"{printable(folder)}: {why}", "E0514")


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _text(lengths: list[int] | torch.Size) -> str:
    return "x".join(map(str, lengths))
