"""A cache of what was found in image files, by path, size and modification time.

It only saves time: if it is damaged, locked, full or read-only, files are inspected again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

import PIL

from resspec.home import cache_folder

NAME = "images-1.sqlite"  # another number for another layout
MAX_FILES = 4_000_000  # of all data sets together; about 150 MB
DAY = 86_400  # seconds
TIMEOUT = 2.0  # seconds to wait for another process that writes

_FIELDS = Struct(">qIIB")  # key, height, width, flags
_VALUE = Struct(">IIBI")  # height, width, flags, checksum
_DECODED, _SIDEWAYS = 1, 2  # the flags

_LAYOUT = """
CREATE TABLE IF NOT EXISTS folders (
    id INTEGER PRIMARY KEY, path BLOB UNIQUE NOT NULL, used INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS files (
    folder INTEGER NOT NULL, key INTEGER NOT NULL, found BLOB NOT NULL, PRIMARY KEY (folder, key)
) WITHOUT ROWID;
"""


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
    """The cached sizes of the files below one folder. No method raises anything."""

    def __init__(self, root: Path) -> None:
        folder = cache_folder()
        self._path = folder / NAME if folder else None
        self._root = os.fsencode(os.path.realpath(root)) + b"\0" + PIL.__version__.encode()
        self._total: int | None = None  # files of all data sets

    def read(self) -> dict[int, ImageSize]:
        """Return what is known, by `file_key`."""
        for _ in range(2):
            try:
                with self._open() as database:
                    return self._read(database)
            except Exception as error:  # noqa: BLE001 (a cache is no reason to stop, whatever is wrong with it)
                if not self._removed_as_damaged(error):
                    self._path = None
        return {}

    def add(self, found: Iterable[tuple[int, ImageSize]]) -> None:
        """Add files in one transaction."""
        rows = [(key, _pack(key, size)) for key, size in found]
        try:
            with self._open() as database:
                self._add(database, rows)
        except Exception:  # noqa: BLE001 (as above)
            self._path = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if self._path is None:
            raise OSError("there is no cache, or it does not work")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and not self._path.is_file():
            raise OSError(f"{self._path} is not a file")
        with closing(sqlite3.connect(self._path, timeout=TIMEOUT)) as database:
            database.executescript(_LAYOUT)
            with database:
                yield database

    def _read(self, database: sqlite3.Connection) -> dict[int, ImageSize]:
        query = "SELECT id, used FROM folders WHERE path = ?"
        known = database.execute(query, (self._root,)).fetchone()
        if known is None:
            return {}
        folder, used = known
        if _now() - used > DAY:
            with suppress(sqlite3.OperationalError):  # it can be read, and cannot be written
                database.execute("UPDATE folders SET used = ? WHERE id = ?", (_now(), folder))
        rows = database.execute("SELECT key, found FROM files WHERE folder = ?", (folder,))
        sizes = ((key, _unpack(key, value)) for key, value in rows)
        return {key: size for key, size in sizes if size}

    def _add(self, database: sqlite3.Connection, rows: list[tuple[int, bytes]]) -> None:
        new = (self._root, _now())
        database.execute("INSERT OR IGNORE INTO folders (path, used) VALUES (?, ?)", new)
        query = "SELECT id FROM folders WHERE path = ?"
        (folder,) = database.execute(query, (self._root,)).fetchone()
        values = ((folder, key, value) for key, value in rows)
        database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", values)

        if self._total is None:
            (self._total,) = database.execute("SELECT count(*) FROM files").fetchone()
        else:
            self._total += len(rows)
        if self._total > MAX_FILES:
            self._total = _forget_oldest(database, self._total, folder)

    def _removed_as_damaged(self, error: Exception) -> bool:
        """Remove a file that is not a database, which is of no use to any process."""
        damaged = type(error) is sqlite3.DatabaseError or isinstance(error, UnicodeDecodeError)
        if self._path is None or not damaged:
            return False
        with suppress(OSError):
            self._path.unlink()
            return True
        return False


def file_key(name: str, status: os.stat_result) -> int:
    """Return a key for a file, from its path below the root, its size and modification time."""
    text = os.fsencode(name) + b"\0%d %d" % (status.st_size, status.st_mtime_ns)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def _pack(key: int, size: ImageSize) -> bytes:
    flags = _DECODED * size.decoded + _SIDEWAYS * size.sideways
    checksum = crc32(_FIELDS.pack(key, size.height, size.width, flags))
    return _VALUE.pack(size.height, size.width, flags, checksum)


def _unpack(key: object, value: object) -> ImageSize | None:
    """Return what `_pack` packed, or None where a bit of it was flipped."""
    if not (isinstance(key, int) and isinstance(value, bytes) and len(value) == _VALUE.size):
        return None
    height, width, flags, checksum = _VALUE.unpack(value)
    if checksum != crc32(_FIELDS.pack(key, height, width, flags)):
        return None
    return ImageSize(height, width, bool(flags & _SIDEWAYS), bool(flags & _DECODED))


def _forget_oldest(database: sqlite3.Connection, total: int, own: int) -> int:
    """Delete the data sets that were not used for longest, this one last; return what is left."""
    query = "SELECT id FROM folders ORDER BY id = ?, used, id"
    for (folder,) in database.execute(query, (own,)).fetchall():
        if total <= MAX_FILES:
            break
        total -= database.execute("DELETE FROM files WHERE folder = ?", (folder,)).rowcount
        database.execute("DELETE FROM folders WHERE id = ?", (folder,))
    return total


def _now() -> int:
    return int(time.time())
