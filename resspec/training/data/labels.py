"""Check that labels are those of the classes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.training.data.wording import printable

FEW = 10  # classes that a small sample may well lack


def check_labels(labels: list[int], classes: int, path: Path) -> None:
    """Check that every label is the number of a class.

    Args:
        labels: The labels in a file; integers of any size.
        classes: The number of classes.
        path: The file.

    Raises:
        UsageError: Some label is not; the message names the first such image.
    """
    wrong = [index for index, label in enumerate(labels) if not 0 <= label < classes]
    if not wrong:
        return
    first = wrong[0]
    more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
    image = f"image {first:,}{more} has the label {labels[first]:,}"
    why = f"{image}, but there are {classes:,} classes, 0 to {classes - 1:,}"
    raise UsageError(f"{printable(path)}: {why}", "E0521")


def class_count(labels: Tensor, path: Path) -> int:
    """Return the number of classes where only labels are known: the largest label plus 1.

    Raises:
        UsageError: Most of these classes have no image, so the largest label is a mistake.
    """
    used = len(labels.unique())
    largest = int(labels.max())
    if largest >= 2 * used + FEW:
        image = f"image {int(labels.argmax()):,} has the label {largest:,}"
        why = f"{image}, but only {used:,} different labels occur"
        raise UsageError(f"{printable(path)}: {why}; number the classes from 0", "E0521")
    return largest + 1


def without_images(labels: Tensor, names: tuple[str, ...]) -> list[str]:
    """Return the names of the classes that no label is of."""
    counts = torch.bincount(labels, minlength=len(names)).tolist()
    return [name for name, count in zip(names, counts, strict=True) if not count]
