"""Which class folders of `train/` and of `val/` belong together, and whether they say what they are to say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from resspec.render import visible
from resspec.training.data.tree import Part, alike, counted, listed, refuse


def refuse_unclear(train: Part) -> None:
    """Raise a UsageError for classes without an image, and for names that look the same."""
    empty = [_empty(train, name) for name, images in train.images.items() if not images]
    same = [
        f"the class folders {' and '.join(map(ascii, names))} of {_shown(train.root)} look the same: rename or merge them"
        for names in _groups(train.images, alike)
    ]
    refuse([*sorted(empty), *same], "E0520")


def matched(test: Part, train: Path, classes: tuple[str, ...]) -> list[list[str]]:
    """Return the test images of each class. Raises UsageError for a folder that is none of the classes."""
    by_form = {alike(name): name for name in classes}
    found: dict[str, list[str]] = {name: [] for name in classes}
    problems = []
    for name, images in sorted(test.images.items()):
        own = name if name in found else by_form.get(alike(name))
        if own is None:
            problems.append(_strange(test.root, name, train, classes))
        else:
            found[own] += images
    refuse(problems, "E0513")
    return list(found.values())


def notes(train: Part, test: Part, tested: list[list[str]]) -> Iterator[str]:
    """What a person should know of the two parts, in sentences."""
    yield from train.notes
    yield from test.notes
    for names in _groups(train.images, str.casefold):
        yield f"the classes {' and '.join(map(visible, names))} differ only in upper and lower case"
    untested = [
        name for name, images in zip(sorted(train.images), tested, strict=True) if not images
    ]
    if untested and any(tested):
        yield f"{_shown(test.root)}: no images of {counted(len(untested), 'class', 'classes')} ({listed(untested)})"
    shared = sorted(test.folders[folder] for folder in test.folders.keys() & train.folders.keys())
    if shared:
        what = f"{_shown(test.root)}: {counted(len(shared), 'folder')} that training uses too ({listed(shared)})"
        yield f"{what}, so the result says little about new images"


def _empty(train: Part, name: str) -> str:
    unread = train.unread.get(name)
    endings = (
        f": {counted(unread.total(), 'file')} in it with unsupported extensions ({listed(unread)})"
        if unread
        else ""
    )
    return f"the class folder {_shown(train.root / name)} has no images{endings}; add some, or remove it"


def _strange(test: Path, name: str, train: Path, classes: tuple[str, ...]) -> str:
    own = next((each for each in classes if each.casefold() == name.casefold()), None)
    hint = f"it has `{visible(own)}`" if own else "they do not belong to one data set"
    return f"{_shown(test)} has a folder `{visible(name)}`, {_shown(train)} has none: {hint}"


def _groups(names: Iterable[str], form: Callable[[str], str]) -> list[list[str]]:
    """Names that have one form, where there are several."""
    groups = defaultdict(list)
    for name in sorted(names):
        groups[form(name)].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _shown(path: Path) -> str:
    return visible(str(path))
