"""The places that texts of specs come from: the disk, a revision of git, an editor's buffers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from resspec import files, shipped
from resspec.revision import Revision
from resspec.syntax.parse import ENOUGH


class Texts(Protocol):
    """A place that texts come from, by their paths on the disk."""

    def is_file(self, path: Path) -> bool:
        """Return whether there is a text; False for a path that cannot exist."""

    def read(self, path: Path) -> bytes:
        """Return a text, of one that is too large the beginning. Raises UsageError."""

    def shown(self, path: Path) -> str:
        """Return the name of a text in messages."""

    def root(self, path: Path) -> str:
        """Return the folder, links followed, that a spec reads from."""


class Disk:
    """The files as they are."""

    def is_file(self, path: Path) -> bool:
        return is_file(path)

    def read(self, path: Path) -> bytes:
        return files.read(path, ENOUGH)

    def shown(self, path: Path) -> str:
        return shown(path)

    def root(self, path: Path) -> str:
        return os.path.realpath(project_root(path))


DISK = Disk()


class AtRevision:
    """The files of a git revision; those outside of its repository as they are."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision

    def is_file(self, path: Path) -> bool:
        if path.is_relative_to(self._revision.root):
            return self._revision.is_file(path)
        return is_file(path)

    def read(self, path: Path) -> bytes:
        if self._revision.is_file(path):
            return self._revision.read(path)[:ENOUGH]
        return DISK.read(path)

    def shown(self, path: Path) -> str:
        return self._revision.shown(path) if self._revision.is_file(path) else shown(path)

    def root(self, path: Path) -> str:
        del path
        return os.path.realpath(self._revision.root)


class Overlay:
    """The buffers of an editor, and the disk for all other files.

    Attributes:
        asked: The paths, links followed, of all that was looked for.
    """

    def __init__(self, buffers: Mapping[str, bytes]) -> None:
        """Take the texts of the buffers by their paths, links followed."""
        self._buffers = buffers
        self.asked: set[str] = set()

    def is_file(self, path: Path) -> bool:
        return self._buffer(path) is not None or is_file(path)

    def read(self, path: Path) -> bytes:
        buffer = self._buffer(path)
        return DISK.read(path) if buffer is None else buffer[:ENOUGH]

    def shown(self, path: Path) -> str:
        return shown(path)

    def root(self, path: Path) -> str:
        return DISK.root(path)

    def _buffer(self, path: Path) -> bytes | None:
        real = real_path(path)
        self.asked.add(real)
        return self._buffers.get(real)


def real_path(path: Path) -> str:
    """Return a path with its links followed; of an invalid one, itself."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return str(path)


def is_file(path: Path) -> bool:
    """Return whether a path is that of a file; False for an invalid one."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def shown(path: Path) -> str:
    """Return a shipped file under its name in the project, any other as it was given."""
    folder = shipped.path("specs")
    if not path.is_absolute() or not path.is_relative_to(folder):
        return path.as_posix()
    return f"specs/{path.relative_to(folder).as_posix()}"


def project_root(path: Path) -> Path:
    """The folder that a spec reads from: the nearest one above it that holds `.git`, else its
    own.
    """
    folder = Path(os.path.realpath(path)).parent
    return next(
        (parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder
    )
