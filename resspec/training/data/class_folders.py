"""Match the class folders of `train/` and `val/`, and check that they define the classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from resspec.render import visible
from resspec.training.data.scan import SplitFolder
from resspec.training.data.wording import canonical, counted, listed, printable, raise_all


def check_classes(train: SplitFolder) -> None:
    """Check that each class has an image and a name that looks like no other.

    Raises:
        UsageError: Some do not; the message names them all.
    """
    problems = sorted(_empty(train, name) for name, images in train.images.items() if not images)
    for names in _groups(train.images, canonical):
        same = " and ".join(map(ascii, names))
        where = printable(train.root)
        problems.append(f"the class folders {same} of {where} look the same: rename or merge them")
    raise_all(problems, "E0520")


def match_classes(
    test: SplitFolder, train: SplitFolder, classes: tuple[str, ...]
) -> list[list[str]]:
    """Return the test images of each class.

    Raises:
        UsageError: A folder of test images does not belong to a class.
    """
    by_form = {canonical(name): name for name in classes}
    found: dict[str, list[str]] = {name: [] for name in classes}
    problems: list[str] = []
    for name, images in sorted(test.images.items()):
        own = name if name in found else by_form.get(canonical(name))
        if own is None:
            problems.append(_unmatched(test.root, name, train.root, classes))
        else:
            found[own] += images
    raise_all(problems, "E0513")
    return list(found.values())


def class_notes(train: SplitFolder, test: SplitFolder, tested: list[list[str]]) -> Iterator[str]:
    """Yield sentences on what was skipped and on what looks like a mistake."""
    yield from train.notes
    yield from test.notes
    for names in _groups(train.images, str.casefold):
        yield f"the classes {' and '.join(map(visible, names))} differ only in upper and lower case"

    where = printable(test.root)
    classes = sorted(train.images)
    untested = [name for name, images in zip(classes, tested, strict=True) if not images]
    if untested and any(tested):
        count = counted(len(untested), "class", "classes")
        yield f"{where}: no images of {count} ({listed(untested)})"

    shared = sorted(test.folders[inode] for inode in test.folders.keys() & train.folders.keys())
    if shared:
        both = f"{counted(len(shared), 'folder')} used for training too ({listed(shared)})"
        yield f"{where}: {both}, so the result says little about new images"


def _empty(train: SplitFolder, name: str) -> str:
    others = train.others.get(name)
    why = ""
    if others:
        why = f": {counted(others.total(), 'file')} with other extensions ({listed(others)})"
    folder = printable(train.root / name)
    return f"the class folder {folder} has no images{why}; add some, or remove it"


def _unmatched(test: Path, name: str, train: Path, classes: tuple[str, ...]) -> str:
    own = next((each for each in classes if each.casefold() == name.casefold()), None)
    hint = f"it has `{visible(own)}`" if own else "they do not belong to one data set"
    return f"{printable(test)} has a folder `{visible(name)}`, {printable(train)} has none: {hint}"


def _groups(names: Iterable[str], form: Callable[[str], str]) -> list[list[str]]:
    """Return the names that share a form, where there are several."""
    groups = defaultdict(list)
    for name in sorted(names):
        groups[form(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]
