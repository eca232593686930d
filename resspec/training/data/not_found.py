"""Why a folder is not a data set: what was found in it, and what to do."""

from __future__ import annotations

from pathlib import Path

from resspec.training.data.layout import TEST, TRAIN, is_here
from resspec.training.data.scan import is_hidden, is_image
from resspec.training.data.wording import listed, printable

SPLITS = {"train": TRAIN, "val": TEST}
EXPECTED = (
    "expected train/ and val/ with a folder for each class, "
    "IDX files, or the Python version of CIFAR"
)
TO_ADD = {
    "train": "put the training images into train/CLASS/",
    "val": "move a part of each class into val/CLASS/",
}


def is_part(folder: Path) -> bool:
    """Return whether a folder has the training or the test images of the data set around it."""
    real = folder.resolve()
    return real.name.lower() in (*TRAIN, *TEST) and is_here(real.parent)


def describe(folder: Path) -> str:
    """Return why a folder is not a data set, and how to make it one or which folder to pass.

    Raises:
        OSError: The folder, or one in it, cannot be read.
    """
    where = printable(folder)
    if is_part(folder):
        parent = printable(folder.parent if folder.name else folder.resolve().parent)
        return f"{where} is one split of a data set; pass the folder that contains it, {parent}"

    inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
    inside = [name for name in inside if not is_hidden(name)]
    for name in inside:
        if is_here(folder / name):
            return f"{where} contains a data set; pass {printable(folder / name)}"

    if splits := _splits(inside):
        return f"{where} contains {splits}"

    classes = [name for name in inside if _has_images(folder / name)]
    if classes:
        return f"{where} contains one class folder ({listed(classes)}); add one for each class"
    if _has_images(folder):
        return (
            f"{where} contains images but no class folders; "
            "move them into train/CLASS/ and val/CLASS/"
        )
    return f"{where} does not contain a data set: {EXPECTED}"


def _has_images(folder: Path) -> bool:
    return any(is_image(path.name) for path in folder.iterdir())


def _splits(names: list[str]) -> str:
    """Return which splits are among these folders and what to do, or nothing without any."""
    found: list[str] = []
    missing: list[str] = []
    steps: list[str] = []
    for split, known in SPLITS.items():
        name = next((name for name in names if name.lower() in known), None)
        if name is None:
            missing.append(split)
            steps.append(TO_ADD[split])
            continue
        found.append(f"{name}/")

    if not found:
        return ""
    absent = f" but no {missing[0]}/" if missing else ""
    return f"{' and '.join(found)}{absent}; {' and '.join(steps)}"
