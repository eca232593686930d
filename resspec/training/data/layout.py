"""The training and the test images in a folder, in each of the usual layouts.

train/CLASS/…  val/CLASS/…     under any of the names below, in any case
train/CLASS/…  val/….jpg       with a list of their classes
train/CLASS/…                  or CLASS/… alone: a fifth of each class is for testing
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from resspec.training.data.scan import SplitFolder, is_hidden, is_image, scan
from resspec.training.data.wording import canonical, counted, listed, printable, raise_all

TRAIN = ("train", "training")
TEST = ("val", "valid", "validation", "dev", "eval", "test", "testing")
LISTS = (".txt", ".csv", ".tsv")
TEST_PART = 5  # of so many images of a class, one is for testing
MOST_BYTES = 1 << 26  # of a list


class Parts(NamedTuple):
    """The images to train on and to test on, and a note where they were one part.

    Attributes:
        train: The training images.
        test: The test images.
        note: How they were split, where the folder has no test images of its own.
    """

    train: SplitFolder
    test: SplitFolder
    note: str = ""


def is_here(folder: Path) -> bool:
    """Return whether a folder has one of training and one of test images."""
    return bool(_part(folder, TRAIN) and _part(folder, TEST))


def is_unsplit(folder: Path) -> bool:
    """Return whether a folder has training images, or class folders, and no test images."""
    if _part(folder, TEST):
        return False
    if _part(folder, TRAIN):
        return True
    inside = [path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name)]
    return sum(map(_has_images, inside)) > 1


def parts(folder: Path) -> Parts:
    """Return the images of a folder in two parts.

    Raises:
        UsageError: Something in it cannot be read, or a list does not give each image a class.
    """
    train_folder, test_folder = _part(folder, TRAIN) or folder, _part(folder, TEST)
    train = scan(train_folder)
    if test_folder is None:
        return _split(train)
    test = scan(test_folder)
    known = set(map(canonical, train.images))
    has_classes = any(canonical(name) in known for name in test.images)
    if not has_classes and (file := _list_of(test_folder)):
        test = _from_list(file, test, sorted(train.images))
    return Parts(train, test)


def _part(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the folder in it with the first of these names; `train` before `Train`."""
    if not folder.is_dir():
        return None
    there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    return next((there[name] for name in names if name in there), None)


def _has_images(folder: Path) -> bool:
    return any(is_image(path.name) for path in folder.iterdir())


def _split(whole: SplitFolder) -> Parts:
    """Return a fifth of each class for testing, chosen by the names of the files alone."""
    tested = {name: _chosen(images) for name, images in whole.images.items()}
    kept = {
        name: [image for image in images if image not in tested[name]]
        for name, images in whole.images.items()
    }
    count = sum(map(len, tested.values()))
    total = count + sum(map(len, kept.values()))
    images = f"a fifth of each class, {count:,} of {counted(total, 'image')},"
    note = f"{printable(whole.root)} has no test images: {images} are held out as such"
    test = SplitFolder(whole.root, {name: sorted(found) for name, found in tested.items()})
    return Parts(replace(whole, images=kept), test, note)


def _chosen(images: Sequence[str]) -> set[str]:
    """Return a fifth of the images, at least one of two."""
    if len(images) < 2:
        return set()
    order = sorted(images, key=lambda name: sha256(name.encode(errors="surrogateescape")).digest())
    return set(order[: max(1, round(len(images) / TEST_PART))])


# --- lists ---


def _list_of(folder: Path) -> Path | None:
    """Return the list of a split: a text in its folder, or one beside it with its name.

    A text that names images comes before others, such as a `README.txt`.
    """
    inside = [path for path in folder.iterdir() if path.suffix.lower() in LISTS]
    beside = [
        path
        for path in folder.parent.iterdir()
        if path.suffix.lower() in LISTS and path.stem.lower().startswith(folder.name.lower())
    ]
    found = [*sorted(inside), *sorted(beside)]
    return next((file for file in found if _names_images(file)), found[0] if found else None)


def _names_images(file: Path) -> bool:
    return any(is_image(name) for _, (name, _) in _rows(file))


def _from_list(file: Path, found: SplitFolder, classes: list[str]) -> SplitFolder:
    """Return test images by the classes that a list gives them. Raises UsageError."""
    images = {
        path.relative_to(found.root).as_posix()
        for path in found.root.rglob("*")
        if is_image(path.name) and path.is_file()
    }
    by_name = {name.rpartition("/")[2]: name for name in images}
    line_of: dict[str, int] = {}
    by_class: dict[str, list[str]] = {}
    problems: list[str] = []
    for line, (given, label) in _rows(file):
        name = given if given in images else by_name.get(given.rpartition("/")[2])
        own = _class(label, classes)
        where = f"{printable(file)}, line {line}"
        if name is None:
            problems.append(f"{where}: there is no image {given!r} in {printable(found.root)}")
        elif own is None:
            problems.append(f"{where}: {label!r} is not a class of the training images")
        elif name in line_of:
            problems.append(f"{where}: line {line_of[name]} has a class for {name!r} already")
        else:
            line_of[name] = line
            by_class.setdefault(own, []).append(name)
    if left := sorted(images - line_of.keys()):
        without = f"{counted(len(left), 'image')} without a line ({listed(left)})"
        problems.append(f"{printable(file)}: {without}")
    raise_all(problems, "E0513")
    return replace(found, images={name: sorted(by_class[name]) for name in by_class}, loose=0)


def _rows(file: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield the name of an image and its label, for each line of a list but its heading."""
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        for number, line in enumerate(lines.read(MOST_BYTES).splitlines(), 1):
            cells = (
                re.split(r"[,;\t]", line) if re.search(r"[,;\t]", line) else line.rsplit(None, 1)
            )
            words = [cell.strip().strip("\"'") for cell in cells]
            if len(words) > 1 and (number > 1 or is_image(words[0])):
                yield number, (words[0], words[1])


def _class(label: str, classes: Sequence[str]) -> str | None:
    """Return the class of a label: its name, or its number in sorted order, from 0."""
    named: Mapping[str, str] = {canonical(name): name for name in classes}
    if (own := named.get(canonical(label))) is not None:
        return own
    is_number = label.isdecimal() and int(label) < len(classes)
    return classes[int(label)] if is_number else None
