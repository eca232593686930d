"""Fashion-MNIST, and what else lies in IDX files: as Debian's package has them, as torchvision unpacks them."""

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
from resspec.render import visible
from resspec.training.data import labels as labels_
from resspec.training.data.dataset import Dataset, Request
from resspec.training.data.memory import Stored, in_memory
from resspec.training.data.wording import dataset_name
from resspec.training.names import FASHION_MNIST

FASHION = (
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
FASHION_LABELS = (
    "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"  # SHA-256 of the 60,000
)
PARTS = ("train", "t10k")

KINDS = {
    8: "unsigned bytes",
    9: "signed bytes",
    11: "16-bit integers",
    12: "32-bit integers",
    13: "floats",
    14: "doubles",
}
LARGEST = 2**33  # bytes of an array
DENSEST = 1032  # bytes that deflate gets out of one, at most
BLOCK = 2**24  # bytes that are read at a time


class File(NamedTuple):
    """An IDX file and its array (uint8)."""

    path: Path
    content: Tensor


def is_here(folder: Path) -> bool:
    return _file(folder, "train-images-idx3-ubyte") is not None


def load(folder: Path, request: Request) -> Dataset:
    """Return the data set of four IDX files.

    Its classes have the names of Fashion-MNIST's where that was asked for, or where its labels are; else numbers.

    Raises:
        UsageError: A file is missing or damaged, or a label is not that of a class.
    """
    (train, train_labels), (test, test_labels) = (_part(folder, part) for part in PARTS)
    by_content = sha256(train_labels.content.numpy().tobytes()).hexdigest() == FASHION_LABELS
    if request.name == FASHION_MNIST or by_content:
        name, classes = FASHION_MNIST, list(FASHION)
    else:
        name = dataset_name(folder)
        classes = list(map(str, range(labels_.class_count(train.labels, train_labels.path))))
    labels_.check_labels(train.labels.tolist(), len(classes), train_labels.path)
    labels_.check_labels(test.labels.tolist(), len(classes), test_labels.path)
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join("x".join(map(str, part.images.shape[2:])) for part in (train, test))
        raise UsageError(
            f"{visible(str(folder))}: training and test images have different sizes, {sizes}",
            "E0514",
        )
    return in_memory(name, tuple(classes), train, test, request.normalize)


def _part(folder: Path, part: str) -> tuple[Stored, File]:
    images = _read(folder, f"{part}-images-idx3-ubyte", 3)
    labels = _read(folder, f"{part}-labels-idx1-ubyte", 1)
    count, labeled = len(images.content), len(labels.content)
    if count != labeled:
        raise UsageError(
            f"{visible(str(folder))}: {count:,} images and {labeled:,} labels in the {part} part",
            "E0514",
        )
    return Stored(images.content.unsqueeze(1), labels.content.long()), labels


def _read(folder: Path, name: str, axes: int) -> File:
    """An array of unsigned bytes: two zeros, the type 8, the number of axes, their lengths as big-endian words, the bytes."""
    path = _file(folder, name)
    if path is None:
        raise UsageError(f"there is no {name} in {visible(str(folder))}, nor {name}.gz", "E0514")
    with _opened(path) as file:
        lengths = _lengths(path, file.read(4 + 4 * axes), axes)
        expected = prod(lengths)
        content = bytearray()
        while len(content) <= expected and (
            block := file.read(min(BLOCK, expected + 1 - len(content)))
        ):
            content += block
    if len(content) != expected:
        fewer = "fewer" if len(content) < expected else "more"
        raise _damaged(
            path, f"it has {fewer} than the {expected:,} bytes of {'x'.join(map(str, lengths))}"
        )
    return File(path, torch.frombuffer(content, dtype=torch.uint8).view(lengths))


def _lengths(path: Path, header: bytes, axes: int) -> list[int]:
    """What the header says, if it can be true."""
    if len(header) < 4 + 4 * axes:
        raise _damaged(path, "it is empty" if not header else "it ends within its header")
    if header[:2] != b"\0\0" or header[2] not in KINDS:
        raise _damaged(path, "it is not an IDX file")
    if header[2] != 8:
        raise _damaged(path, f"it holds {KINDS[header[2]]}, but only unsigned bytes are supported")
    if header[3] != axes:
        raise _damaged(path, f"it has {header[3]} dimensions, but {axes} are needed")
    lengths = [int.from_bytes(header[at : at + 4], "big") for at in range(4, 4 + 4 * axes, 4)]
    shape = "x".join(map(str, lengths))
    if not all(lengths):
        raise _damaged(path, f"it is an empty array of shape {shape}")
    size = path.stat().st_size * (DENSEST if path.suffix == ".gz" else 1)
    if prod(lengths) > min(size, LARGEST):
        most = (
            f"at most {LARGEST:,} bytes are allowed"
            if prod(lengths) > LARGEST
            else "the file is far too short for it"
        )
        raise _damaged(path, f"its header says that it is an array of shape {shape}, but {most}")
    return lengths


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, getattr(error, "strerror", None) or str(error)) from None


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{visible(str(path))} cannot be read: {why}", "E0514")


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
