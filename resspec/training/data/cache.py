"""A cache of what was found in image files, by path, size and modification time.

Each data set has a file. It only saves time: if it is damaged, full or read-only, image files are
inspected again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import PIL

from resspec import files
from resspec.diagnostics import UsageError
from resspec.home import cache_folder

NAME = "images-2"  # another number for another layout
MAX_BYTES = 1 << 27  # of all data sets together; about 7 million files
DIGEST = sha256().digest_size

_RECORD = Struct(">qII??")  # the key of a file, and its ImageSize


class ImageSize(NamedTuple):
    """The size of a good image file.

    Attributes:
        height: In pixels, once upright.
        width: In pixels, once upright.
        sideways: Whether turning it upright swaps height and width.
        decoded: Whether the whole file was decoded, and not only its header read.
    """

    height: int
    width: int
    sideways: bool
    decoded: bool


class ImageCache:
    """The cached sizes of the files below one folder, by `file_key`."""

    def __init__(self, root: Path) -> None:
        home = cache_folder()
        text = os.fsencode(os.path.realpath(root)) + b"\0" + PIL.__version__.encode()
        self._path = home / NAME / sha256(text).hexdigest()[:16] if home else None
        self.known = self._read()

    def _read(self) -> dict[int, ImageSize]:
        if self._path is None:
            return {}
        try:
            content = files.whole(self._path)
        except UsageError:
            return {}
        with suppress(OSError):
            _mark_used(self._path)
        records = content[DIGEST:]
        if content[:DIGEST] != sha256(records).digest():
            return {}
        return {key: ImageSize(*size) for key, *size in _RECORD.iter_unpack(records)}

    def add(self, found: Mapping[int, ImageSize]) -> None:
        """Add files, if the cache can be written."""
        if self._path is None:
            return
        self.known |= found
        records = b"".join(_RECORD.pack(key, *size) for key, size in self.known.items())
        try:
            files.write(self._path, sha256(records).digest() + records)
            _mark_used(self._path)
            _make_room(self._path.parent)
        except (UsageError, OSError):
            self._path = None


def file_key(name: str, status: os.stat_result) -> int:
    """Return a key for a file, from its path below the root, its size and modification time."""
    text = os.fsencode(name) + b"\0%d %d" % (status.st_size, status.st_mtime_ns)
    return int.from_bytes(sha256(text).digest()[:8], "big", signed=True)


def _mark_used(path: Path) -> None:
    """Set the time by which `_make_room` decides: the kernel's own advances every few ms only."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))


def _make_room(folder: Path) -> None:
    """Remove the files that were not used for longest."""
    newest = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    total = 0
    for path in newest:
        total += path.stat().st_size
        if total > MAX_BYTES:
            path.unlink()
