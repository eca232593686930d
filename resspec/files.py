"""Files: read up to a limit, and never what is none; written as a whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from resspec.diagnostics import UsageError

# O_NONBLOCK, which only POSIX has: a pipe could take a file's place at that moment, and block.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def read(path: Path, limit: int) -> bytes:
    """Return the first `limit` bytes of a file.

    Raises:
        UsageError: It cannot be read, or is a folder, a pipe or a device, which could block.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise no_file(path)
        descriptor = os.open(path, _READ)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise no_file(path)
        with os.fdopen(descriptor, "rb") as file:
            content: bytes | None = file.read(limit)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {_reason(error)}") from None
    if content is None:  # as of files in /proc that would be waited for
        raise UsageError(f"cannot read {path}: it has nothing to read at the moment")
    return content


def whole(path: Path) -> bytes:
    """Return all of a file. Raises UsageError as `read` does."""
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {_reason(error)}") from None
    return read(path, size + 1)


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def rewrite(path: Path, before: bytes, after: bytes) -> None:
    """Replace the content of a file that was read; a link stays a link.

    Raises:
        UsageError: It is read-only, or was changed in the meantime.
    """
    target = Path(os.path.realpath(path))
    if read(target, len(before) + 1) != before:
        raise UsageError(f"{path} was changed in the meantime, and is left as it is")
    if not target.stat().st_mode & 0o222:
        raise UsageError(f"cannot write {path}: it is read-only")
    write(target, after)


def no_file(path: Path) -> UsageError:
    """Return the error for a folder, a pipe or a device. Raises OSError where there is nothing."""
    return UsageError(f"cannot read {path}: it is {kind_of(path.stat().st_mode)}, not a file")


def kind_of(mode: int) -> str:
    """Return what a path leads to: `a folder`, `a named pipe`."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")


def nearest_folder(path: Path) -> Path:
    """Return a folder, or the nearest one above it that exists, in which it can be made.

    Raises:
        UsageError: On the way there is something else, such as a file, or a link to nothing.
    """
    for place in (path, *path.parents):
        try:
            mode = place.stat().st_mode
        except (OSError, ValueError) as error:
            if place.is_symlink():
                raise UsageError(f"{place} is a link that leads nowhere") from None
            if isinstance(error, OSError) and error.errno in _NOT_THERE:
                continue
            raise UsageError(f"{place} cannot be a folder: {_reason(error)}") from None
        if not stat.S_ISDIR(mode):
            raise UsageError(f"{place} is {kind_of(mode)}, not a folder")
        return place
    return Path.cwd()


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all: as a draft, synced to disk, then renamed.

    Its folder is created where needed. An existing file keeps its mode. Raises UsageError.
    """
    try:
        nearest_folder(path.parent)
    except UsageError as error:
        raise UsageError(f"cannot write {path}: {error}") from None
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                draft.chmod(path.stat().st_mode)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; it takes {len(content):,} bytes"
        ) from None
