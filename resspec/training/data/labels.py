"""Whether labels are those of the classes that there are."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.render import visible

FEW = 10  # numbers below the largest label that may well occur nowhere: a small sample misses some classes


def refuse_outside(labels: list[int], classes: int, path: Path) -> None:
    """Raise a UsageError that names the first image whose label is not that of a class.

    Args:
        labels: The labels of a file; a whole number of any size.
        classes: How many classes there are.
        path: The file.
    """
    wrong = [index for index, label in enumerate(labels) if not 0 <= label < classes]
    if wrong:
        more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
        there = f"there are {classes:,} classes, 0 to {classes - 1:,}"
        message = f"image {wrong[0]:,}{more} has the label {labels[wrong[0]]:,}, but {there}"
        raise UsageError(f"{visible(str(path))}: {message}", "E0521")


def classes_of(labels: Tensor, path: Path) -> int:
    """Return how many classes labels are of that come without names: from 0 to the largest label.

    Raises:
        UsageError: Of most of these classes there is no image, so the largest label is a mistake.
    """
    there = len(labels.unique())
    largest = int(labels.max())
    if largest >= 2 * there + FEW:
        index = int(labels.argmax())
        told = (
            f"image {index:,} has the label {largest:,}, but only {there:,} different labels occur"
        )
        raise UsageError(f"{visible(str(path))}: {told}; number the classes from 0", "E0521")
    return largest + 1


def missing(labels: Tensor, names: tuple[str, ...]) -> list[str]:
    """Return the classes of which there is no image."""
    counts = torch.bincount(labels, minlength=len(names))
    return [name for name, count in zip(names, counts.tolist(), strict=True) if not count]
