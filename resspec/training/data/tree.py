"""Folders of images as people have them: links are followed, hidden and system files passed over, and whatever cannot be read
is an error that names it. Nothing is left out without a word.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from resspec.diagnostics import UsageError
from resspec.files import kind_of
from resspec.render import visible
from resspec.training.names import DATA

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
SYSTEM = {  # what systems and programs put beside people's files, besides all that begins with a dot
    "__macosx",
    "__pycache__",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
}
MOST_LINKS = 100  # that lead to one folder: links that branch again and again never end
SHOWN = 5  # of a list of names

Identity = tuple[int, int]  # device and inode


@dataclass
class Part:
    """What lies in `train/` or in `val/`.

    Attributes:
        root: The folder.
        images: Paths relative to the root, in their order, by the folder at the top.
        skipped: Hidden and system files and folders.
        unread: How many files have which ending that is not read, by the folder at the top.
        outside: Images that lie in no folder.
        folders: Where each folder lies, relative to the root.
        problems: What cannot be read or followed, in sentences.
    """

    root: Path
    images: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    unread: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    outside: int = 0
    folders: dict[Identity, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def notes(self) -> Iterator[str]:
        """What a person should know of it, in sentences."""
        where = visible(str(self.root))
        if self.skipped:
            passed = counted(
                len(self.skipped),
                "hidden or system file or folder",
                "hidden and system files and folders",
            )
            yield f"{where}: {passed} skipped ({listed(self.skipped)})"
        unread = sum(self.unread.values(), Counter[str]())
        if unread:
            common = sorted(unread.items(), key=lambda item: (-item[1], item[0] or "~"))
            endings = listed(f"{count:,} {ending or 'without one'}" for ending, count in common)
            skipped = f"{counted(unread.total(), 'file')} skipped, by extension: {endings}"
            yield f"{where}: {skipped}; images have {', '.join(ENDINGS)}"
        if self.outside:
            yield f"{where}: {counted(self.outside, 'image')} outside of any class folder, not used"


def scan(root: Path) -> Part:
    """Find all images below a folder. Raises UsageError, which tells all that cannot be read or followed."""
    walk = _Walk(Part(root))
    walk.run()
    for names in walk.part.images.values():
        names.sort()
    walk.part.skipped.sort()
    refuse(walk.part.problems, "E0519")
    return walk.part


def refuse(problems: list[str], code: str) -> None:
    """Raise a UsageError that tells them all, if there are any."""
    if len(problems) > 1:
        more = [f"  … and {len(problems) - 20:,} more"] if len(problems) > 20 else []
        lines = [
            f"{len(problems):,} problems:",
            *(f"  {problem}" for problem in problems[:20]),
            *more,
        ]
        raise UsageError("\n".join(lines), code)
    if problems:
        raise UsageError(problems[0], code)


class _Walk:
    """A walk through the folders below `part.root`, without recursion: they may be nested deep."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.todo: list[tuple[str, tuple[Identity, ...]]] = [
            ("", ())
        ]  # a folder, and those it lies in
        self.visits: Counter[Identity] = Counter()

    def run(self) -> None:
        while self.todo:
            folder, above = self.todo.pop()
            path = self.part.root / folder
            try:
                status = path.stat()
                here = (status.st_dev, status.st_ino)
                if not self._may_enter(folder, path, here, above):
                    continue
                with os.scandir(path) as entries:
                    for entry in entries:
                        self._take(entry, folder, (*above, here))
            except OSError as error:
                self._problem(path, f"cannot be read: {error.strerror}")

    def _may_enter(
        self, folder: str, path: Path, here: Identity, above: tuple[Identity, ...]
    ) -> bool:
        if here in above:
            self._problem(
                path,
                "is a link to a folder that contains it, which would never end; remove the link",
            )
            return False
        first = self.part.folders.setdefault(here, folder)
        if _top(first) != _top(folder):
            other = visible(str(self.part.root / first))
            self._problem(
                path, f"and {other} are the same folder: its images would have two labels"
            )
            return False
        self.visits[here] += 1
        if self.visits[here] > MOST_LINKS:
            self._problem(path, f"is one of more than {MOST_LINKS} links to the same folder")
            return False
        return True

    def _take(self, entry: os.DirEntry[str], folder: str, above: tuple[Identity, ...]) -> None:
        name = f"{folder}/{entry.name}" if folder else entry.name
        if is_hidden(entry.name):
            self.part.skipped.append(name)
            return
        try:
            mode = entry.stat().st_mode if entry.is_symlink() else _mode(entry)
        except OSError as error:
            target = visible(str(_target(entry)))
            self._problem(
                Path(entry.path),
                f"is a link to {target}, which cannot be followed: {error.strerror}",
            )
            return
        ending = _ending(entry.name)
        if stat.S_ISDIR(mode):
            if not folder:
                self.part.images[name] = []
            self.todo.append((name, above))
        elif not folder and ending in ENDINGS:
            self.part.outside += 1
        elif not stat.S_ISREG(mode):
            if ending in ENDINGS:
                self._problem(Path(entry.path), f"is {kind_of(mode)}, not a file")
        elif ending in ENDINGS:
            self.part.images[_top(folder)].append(name)
        else:
            self.part.unread[_top(folder)][ending] += 1

    def _problem(self, path: Path, what: str) -> None:
        self.part.problems.append(f"{visible(str(path))} {what}")


def is_hidden(name: str) -> bool:
    """Whether it is no image of the user's: what file managers, archives and notebooks leave behind."""
    return name.startswith(".") or name.lower() in SYSTEM


def is_image(name: str) -> bool:
    """Whether a file's name has the extension of an image."""
    return not is_hidden(name) and _ending(name) in ENDINGS


def written(name: str) -> str:
    """Return a file's name as text that any file can hold; bytes that are not UTF-8 as `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def own_name(folder: Path) -> str:
    """Return what a data set is called after its folder, on one line; not as those are that are known by name."""
    path = Path(os.path.realpath(folder))
    if path.name == "raw":  # as torchvision calls the folder of the files themselves
        path = path.parent
    name = path.name or str(path)
    return visible(written(f"{path.parent.name}/{name}" if name in DATA else name))


def alike(name: str) -> str:
    """Return what two names share that look the same.

    Unicode has two forms of `é`, and neither blanks at the end nor characters of no width show.
    """
    composed = unicodedata.normalize("NFC", written(name))
    return "".join(char for char in composed if unicodedata.category(char) != "Cf").strip()


def counted(count: int, what: str, several: str = "") -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {what if count == 1 else several or what + 's'}"


def listed(names: Iterable[str]) -> str:
    """The first few of them."""
    every = [visible(name) for name in names]
    more = f", and {len(every) - SHOWN:,} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (a Path takes ten times as long)


def _top(folder: str) -> str:
    return folder.partition("/")[0]


def _mode(entry: os.DirEntry[str]) -> int:
    """Of what is not a link, without asking the system again where it can be known."""
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    if entry.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return entry.stat(follow_symlinks=False).st_mode


def _target(entry: os.DirEntry[str]) -> str:
    try:
        return os.readlink(entry.path)  # noqa: PTH115 (only to be shown)
    except OSError:
        return "something"
