"""What was found in image files once, remembered in the user's cache: by the file's path, size and time of modification.

It only saves time. Where the cache is damaged, locked, full or cannot be written, files are looked at again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from struct import Struct
from typing import NamedTuple
from zlib import crc32

import PIL

from resspec.home import cache_folder

NAME = "images-1.sqlite"  # another number for another layout
MOST = 4_000_000  # files that are remembered, of all data sets together; about 150 MB
DAY = 86_400  # seconds
BUSY = 2.0  # seconds to wait for another process that writes

_FIELDS = Struct(">qIIB")  # key, height, width, flags
_SEALED = Struct(">IIBI")  # height, width, flags, checksum
_DECODED, _SIDEWAYS = 1, 2  # the flags

_LAYOUT = """
CREATE TABLE IF NOT EXISTS folders (id INTEGER PRIMARY KEY, path BLOB UNIQUE NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    folder INTEGER NOT NULL, key INTEGER NOT NULL, found BLOB NOT NULL, PRIMARY KEY (folder, key)
) WITHOUT ROWID;
"""


class Found(NamedTuple):
    """What is known of a good image file.

    Attributes:
        height: As it is stored once upright.
        width: As it is stored once upright.
        sideways: Whether upright swaps the sides that it is stored with.
        decoded: Whether the whole file was decoded, and not only its header read.
    """

    height: int
    width: int
    sideways: bool
    decoded: bool


class Cache:
    """What is remembered of the files below one folder. No method raises anything."""

    def __init__(self, root: Path) -> None:
        folder = cache_folder()
        self._path = folder / NAME if folder else None
        self._root = os.fsencode(os.path.realpath(root)) + b"\0" + PIL.__version__.encode()
        self._total: int | None = None  # files that are remembered, of all data sets

    def read(self) -> dict[int, Found]:
        """Return what is known, by `key`."""
        for _ in range(2):
            try:
                with closing(self._connected()) as database, database:
                    return self._read(database)
            except Exception as error:  # noqa: BLE001 (a cache is no reason to stop, whatever is wrong with it)
                if not self._removed_as_damaged(error):
                    self._path = None
        return {}

    def add(self, found: Iterable[tuple[int, Found]]) -> None:
        """Remember more, in one transaction."""
        rows = [(key, _sealed(key, each)) for key, each in found]
        try:
            with closing(self._connected()) as database, database:
                self._add(database, rows)
        except Exception:  # noqa: BLE001 (as above)
            self._path = None

    def _connected(self) -> sqlite3.Connection:
        if self._path is None:
            raise OSError("there is no cache, or it does not work")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and not self._path.is_file():
            raise OSError(f"{self._path} is not a file")
        database = sqlite3.connect(self._path, timeout=BUSY)
        try:
            database.executescript(_LAYOUT)
        except BaseException:
            database.close()
            raise
        return database

    def _read(self, database: sqlite3.Connection) -> dict[int, Found]:
        known = database.execute(
            "SELECT id, used FROM folders WHERE path = ?", (self._root,)
        ).fetchone()
        if known is None:
            return {}
        number, used = known
        if _now() - used > DAY:
            with suppress(sqlite3.OperationalError):  # it can be read, and cannot be written
                database.execute("UPDATE folders SET used = ? WHERE id = ?", (_now(), number))
        rows = database.execute("SELECT key, found FROM files WHERE folder = ?", (number,))
        unsealed = ((key, _unsealed(key, value)) for key, value in rows)
        return {key: found for key, found in unsealed if found}

    def _add(self, database: sqlite3.Connection, rows: list[tuple[int, bytes]]) -> None:
        database.execute(
            "INSERT OR IGNORE INTO folders (path, used) VALUES (?, ?)", (self._root, _now())
        )
        (number,) = database.execute(
            "SELECT id FROM folders WHERE path = ?", (self._root,)
        ).fetchone()
        values = ((number, key, value) for key, value in rows)
        database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", values)
        if self._total is None:
            (self._total,) = database.execute("SELECT count(*) FROM files").fetchone()
        else:
            self._total += len(rows)
        if self._total > MOST:
            self._total = _forget_oldest(database, self._total, number)

    def _removed_as_damaged(self, error: Exception) -> bool:
        """Remove a file that is not a database, for which no process has any use."""
        damaged = type(error) is sqlite3.DatabaseError or isinstance(error, UnicodeDecodeError)
        if self._path is None or not damaged:
            return False
        with suppress(OSError):
            self._path.unlink()
            return True
        return False


def key(name: str, status: os.stat_result) -> int:
    """Return what stands for a file, by its path from the root, its size and its time of modification."""
    text = os.fsencode(name) + b"\0%d %d" % (status.st_size, status.st_mtime_ns)
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def _sealed(key: int, found: Found) -> bytes:
    flags = _DECODED * found.decoded + _SIDEWAYS * found.sideways
    checksum = crc32(_FIELDS.pack(key, found.height, found.width, flags))
    return _SEALED.pack(found.height, found.width, flags, checksum)


def _unsealed(key: object, value: object) -> Found | None:
    """None where a bit of it was flipped."""
    if not (isinstance(key, int) and isinstance(value, bytes) and len(value) == _SEALED.size):
        return None
    height, width, flags, checksum = _SEALED.unpack(value)
    if checksum != crc32(_FIELDS.pack(key, height, width, flags)):
        return None
    return Found(height, width, bool(flags & _SIDEWAYS), bool(flags & _DECODED))


def _forget_oldest(database: sqlite3.Connection, total: int, kept: int) -> int:
    """Forget the data sets that were not used for longest, and this one where it alone is too many; return what is left."""
    others = database.execute(
        "SELECT id FROM folders WHERE id != ? ORDER BY used, id", (kept,)
    ).fetchall()
    for (number,) in [*others, (kept,)]:
        if total <= MOST:
            break
        total -= database.execute("DELETE FROM files WHERE folder = ?", (number,)).rowcount
        database.execute("DELETE FROM folders WHERE id = ?", (number,))
    return total


def _now() -> int:
    return int(time.time())
