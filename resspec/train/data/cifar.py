"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), in the Python version that torchvision keeps."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NamedTuple

import torch

from resspec.diagnostics import UsageError
from resspec.train.data.dataset import Dataset, Request
from resspec.train.data.memory import Stored, in_memory
from resspec.train.names import CIFAR_10, CIFAR_100


class Layout(NamedTuple):
    """The folder that the archive unpacks to, its files, and the words in them."""

    name: str
    folder: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels: str
    names: str


TEN = Layout(CIFAR_10, "cifar-10-batches-py", tuple(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta",
             "labels", "label_names")
HUNDRED = Layout(CIFAR_100, "cifar-100-python", ("train",), "test", "meta", "fine_labels", "fine_label_names")


def is_here(folder: Path, layout: Layout) -> bool:
    return all((folder / name).is_file() for name in (*layout.train, layout.test, layout.meta))


def load(folder: Path, request: Request, layout: Layout) -> Dataset:
    """Raises UsageError for a file that is none of CIFAR's."""
    classes = tuple(map(str, _read(folder / layout.meta)[layout.names]))
    train, test = (_part(folder, files, layout) for files in (layout.train, (layout.test,)))
    return in_memory(layout.name, classes, train, test, request.normalise)


def _part(folder: Path, files: tuple[str, ...], layout: Layout) -> Stored:
    batches = [_read(folder / name) for name in files]
    try:
        images = torch.cat([torch.from_numpy(batch["data"]).view(-1, 3, 32, 32) for batch in batches])
        labels = torch.tensor([label for batch in batches for label in batch[layout.labels]])
    except (KeyError, TypeError, RuntimeError) as error:
        raise UsageError(f"{folder} does not hold {layout.name}: {error}", "E0514") from None
    if images.dtype != torch.uint8 or len(images) != len(labels):
        raise UsageError(f"{folder} does not hold {layout.name}: {len(images)} images, {len(labels)} labels", "E0514")
    return Stored(images, labels)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = _Unpickler(file, encoding="latin1").load()
    except (OSError, EOFError, ValueError, TypeError, AttributeError, ImportError, IndexError, pickle.UnpicklingError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "E0514") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} is no file of CIFAR's", "E0514")
    return content


class _Unpickler(pickle.Unpickler):
    """Reads arrays and nothing else: a pickle can run anything, and these files come from elsewhere."""

    def find_class(self, module: str, name: str) -> Any:
        if (module.replace("numpy._core", "numpy.core"), name) not in ARRAYS:
            raise pickle.UnpicklingError(f"it holds a {module}.{name}, which no file of CIFAR's does")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


ARRAYS = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
          ("numpy.core.numeric", "_frombuffer")}
