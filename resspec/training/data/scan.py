"""Find the images in a folder of class folders.

Links are followed, hidden and system files are skipped, and everything that cannot be read is an
error that names it. Nothing is left out without a note.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from resspec.files import kind_of
from resspec.training.data.wording import counted, listed, printable, raise_all

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
SYSTEM = {  # files and folders of operating systems and programs whose names begin with no dot
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
MAX_LINKS = 100  # to one folder: links that branch again and again would never end

Inode = tuple[int, int]  # device and inode


@dataclass
class SplitFolder:
    """The contents of `train/` or `val/`; paths are relative to the root.

    Attributes:
        root: The folder.
        images: The images in each class folder, sorted.
        hidden: Hidden and system files and folders.
        others: How many files have which other extension, by class folder.
        loose: How many images are outside of class folders.
        folders: The first path to each folder.
        problems: A sentence for everything that cannot be read or followed.
    """

    root: Path
    images: dict[str, list[str]] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    others: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    loose: int = 0
    folders: dict[Inode, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def notes(self) -> Iterator[str]:
        """Sentences on what was skipped."""
        where = printable(self.root)
        if self.hidden:
            one, many = "hidden or system file or folder", "hidden and system files and folders"
            skipped = counted(len(self.hidden), one, many)
            yield f"{where}: {skipped} skipped ({listed(self.hidden)})"

        others = sum(self.others.values(), Counter[str]())
        if others:
            common = sorted(others.items(), key=lambda item: (-item[1], item[0] or "~"))
            extensions = listed(f"{count:,} {name or 'without one'}" for name, count in common)
            skipped = f"{counted(others.total(), 'file')} skipped, by extension: {extensions}"
            yield f"{where}: {skipped}; images have {', '.join(EXTENSIONS)}"

        if self.loose:
            yield f"{where}: {counted(self.loose, 'image')} outside of any class folder, not used"


def scan(root: Path) -> SplitFolder:
    """Return all images below a folder.

    Raises:
        UsageError: Something cannot be read or followed; the message has it all.
    """
    found = _Scan(root).run()
    for names in found.images.values():
        names.sort()
    found.hidden.sort()
    raise_all(found.problems, "E0519")
    return found


def is_hidden(name: str) -> bool:
    """Return whether file managers, archives or notebooks leave a file of this name behind."""
    return name.startswith(".") or name.lower() in SYSTEM


def is_image(name: str) -> bool:
    """Return whether a file's name has the extension of an image."""
    return not is_hidden(name) and _extension(name) in EXTENSIONS


class _Scan:
    """A scan without recursion, since folders may be nested deep."""

    def __init__(self, root: Path) -> None:
        self.found = SplitFolder(root)
        self.visits = Counter[Inode]()

    def run(self) -> SplitFolder:
        pending: list[tuple[str, tuple[Inode, ...]]] = [("", ())]  # with the folders around each
        while pending:
            folder, ancestors = pending.pop()
            path = self.found.root / folder
            try:
                status = path.stat()
                inode = (status.st_dev, status.st_ino)
                if problem := self._problem(folder, inode, ancestors):
                    self._report(path, problem)
                    continue
                with os.scandir(path) as entries:
                    inside = [self._add(entry, folder) for entry in entries]
            except OSError as error:
                self._report(path, f"cannot be read: {error.strerror}")
            else:
                pending += [(name, (*ancestors, inode)) for name in inside if name]
        return self.found

    def _problem(self, folder: str, inode: Inode, ancestors: tuple[Inode, ...]) -> str | None:
        """Return what is wrong with entering a folder."""
        if inode in ancestors:
            return "is a link to a folder that contains it, which would never end; remove the link"

        first = self.found.folders.setdefault(inode, folder)
        if _class_of(first) != _class_of(folder):
            other = printable(self.found.root / first)
            return f"and {other} are the same folder: its images would have two labels"

        self.visits[inode] += 1
        if self.visits[inode] > MAX_LINKS:
            return f"is one of more than {MAX_LINKS} links to the same folder"
        return None

    def _add(self, entry: os.DirEntry[str], folder: str) -> str | None:
        """Add a file to what was found; return the path of a folder."""
        found = self.found
        name = f"{folder}/{entry.name}" if folder else entry.name
        if is_hidden(entry.name):
            found.hidden.append(name)
            return None

        path = Path(entry.path)
        try:
            is_folder = entry.is_dir()
            special = "" if is_folder or entry.is_file() else kind_of(entry.stat().st_mode)
        except OSError as error:
            target = printable(path.readlink()) if entry.is_symlink() else "something"
            why = f"which cannot be followed: {error.strerror}"
            self._report(path, f"is a link to {target}, {why}")
            return None

        extension = _extension(entry.name)
        if is_folder:
            if not folder:
                found.images[name] = []
            return name
        if extension not in EXTENSIONS:
            found.others[_class_of(folder)][extension] += 1
        elif special:
            self._report(path, f"is {special}, not a file")
        elif folder:
            found.images[_class_of(folder)].append(name)
        else:
            found.loose += 1
        return None

    def _report(self, path: Path, problem: str) -> None:
        self.found.problems.append(f"{printable(path)} {problem}")


def _class_of(folder: str) -> str:
    return folder.partition("/")[0]


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (a Path takes ten times as long)
