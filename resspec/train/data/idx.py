"""Fashion-MNIST, and what else lies in IDX files: as Debian's package has them, as torchvision unpacks them."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.train.data.dataset import Dataset, Request
from resspec.train.data.memory import Stored, in_memory
from resspec.train.names import FASHION_MNIST

FASHION = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
PARTS = ("train", "t10k")


def is_here(folder: Path) -> bool:
    return _file(folder, "train-images-idx3-ubyte") is not None


def load(folder: Path, request: Request) -> Dataset:
    """Raises UsageError for a file that is missing or no IDX file of its kind."""
    train, test = (_part(folder, part) for part in PARTS)
    fashion = "fashion" in str(folder.resolve()).lower()
    classes = FASHION if fashion else tuple(map(str, range(int(train.labels.max()) + 1)))
    return in_memory(FASHION_MNIST if fashion else folder.name, classes, train, test, request.normalise)


def _part(folder: Path, part: str) -> Stored:
    images = _read(folder, f"{part}-images-idx3-ubyte", 3)
    labels = _read(folder, f"{part}-labels-idx1-ubyte", 1)
    if len(images) != len(labels):
        raise UsageError(f"{folder}: {len(images)} images and {len(labels)} labels in the part {part}", "E0514")
    return Stored(images.unsqueeze(1), labels.long())


def _read(folder: Path, name: str, axes: int) -> Tensor:
    """An array of unsigned bytes: two zeros, the type 8, the number of axes, their lengths as big-endian words, the bytes."""
    path = _file(folder, name)
    if path is None:
        raise UsageError(f"there is no {name} in {folder}, nor {name}.gz", "E0514")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {error}", "E0514") from None
    start = 4 + 4 * axes
    lengths = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    if content[:4] != bytes([0, 0, 8, axes]) or len(content) != start + prod(lengths):
        raise UsageError(f"{path} is no IDX file of bytes with {axes} axes, or not a whole one", "E0514")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start).view(lengths)


def _file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
