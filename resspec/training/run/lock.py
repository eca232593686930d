"""Two locks that make a run folder that of one process, and that end with the process.

The lock of the folder itself holds even if somebody removes files. The lock of the file `lock` is
seen by other hosts that share the folder over NFS; the file names its holder.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from resspec.diagnostics import UsageError

NAME = "lock"
HELD, UNMADE, UNLOCKED, GONE = "E0601", "E0602", "E0616", "E0617"
BUSY = (errno.EACCES, errno.EAGAIN)  # POSIX allows both where another process has the lock
MAX_HOLDER = 200  # bytes of the file

_descriptors: set[int] = set()  # of folders that this process has locked


class Lock:
    """A run folder that this process holds."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor
        self._file: int | None = None

    @property
    def place(self) -> Path:
        """The folder itself, even if it was renamed."""
        place = Path(f"/proc/self/fd/{self._descriptor}")
        return place if place.exists() else self.folder

    @property
    def is_removed(self) -> bool:
        """Return whether the folder was removed, or cannot be found."""
        if self.place == self.folder:
            return True
        name = str(self.place.readlink())
        return name.endswith(" (deleted)") and not Path(name).exists()

    def check(self) -> None:
        """Raise a UsageError if the folder was removed or moved, or another process locked it."""
        mine = os.fstat(self._descriptor)
        if not _is(self.folder, mine):
            how = "removed" if self.is_removed else f"moved to {self.place.readlink()}"
            problem = f"the run folder {self.folder} was {how}"
            raise UsageError(f"{problem} while this process trained in it", GONE)
        if self._file is None or not _is(self.folder / NAME, os.fstat(self._file)):
            self.take()

    def take(self) -> None:
        """Create and lock the file, again if somebody removed it."""
        self._close_file()
        self._file = _opened(self.folder)
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in BUSY:
                raise _in_use(self.folder) from None
            return  # a file system without such locks: that of the folder must do
        holder = f"process {os.getpid()} on {socket.gethostname()}\n"
        with suppress(OSError):  # the name is only information
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, holder.encode(), 0)

    def release(self) -> None:
        """Release both locks."""
        self._close_file()
        _descriptors.discard(self._descriptor)
        os.close(self._descriptor)

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Yield the lock of a run folder, which is created if needed.

    Raises:
        UsageError: Another process has it, or it cannot be created or locked.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        problem = f"the run folder {folder} cannot be created: {_why(folder, error)}"
        raise UsageError(problem, UNMADE) from None
    _descriptors.add(descriptor)
    lock = Lock(folder, descriptor)
    try:
        _lock_folder(folder, descriptor)
        lock.take()
        yield lock
    finally:
        lock.release()


def _lock_folder(folder: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in BUSY:
            raise _in_use(folder) from None
        # NFS and others cannot lock folders: the lock of the file must do.


def _opened(folder: Path) -> int:
    """Open the lock file; raise a UsageError if it is a link, a folder or a pipe."""
    path = folder / NAME
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        why = "it is a link" if error.errno == errno.ELOOP else error.strerror
        help = "" if error.errno in (errno.EROFS, errno.ENOSPC, errno.EDQUOT) else "; remove it"
        raise UsageError(f"{path} cannot be locked: {why}{help}", UNLOCKED) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path} cannot be locked: it is not a file; remove it", UNLOCKED)
    return descriptor


def _in_use(folder: Path) -> UsageError:
    """Return the error for a folder that another process has locked."""
    holder = ""
    with suppress(OSError, UsageError):
        descriptor = _opened(folder)
        try:
            holder = os.pread(descriptor, MAX_HOLDER, 0).decode(errors="replace").strip()
        finally:
            os.close(descriptor)
    who = holder or "one that just started, or whose `lock` was removed"
    problem = f"another process is training in {folder}: {who}"
    return UsageError(f"{problem}; wait for it, or choose another folder", HELD)


def _is(path: Path, known: os.stat_result) -> bool:
    """Return whether a path is still the known file or folder."""
    try:
        found = path.stat()
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (known.st_dev, known.st_ino)


def _why(folder: Path, error: OSError) -> str:
    for path in (folder, *folder.parents):
        if path.is_symlink() and not path.exists():
            return f"{path} is a link to something that does not exist"
        if path.exists() and not path.is_dir():
            return f"{path} is a file"
    return error.strerror or str(error)


def _forget() -> None:
    """Close the folders after a fork, so that DataLoader workers do not keep them locked."""
    for descriptor in _descriptors:
        with suppress(OSError):
            os.close(descriptor)
    _descriptors.clear()


os.register_at_fork(after_in_child=_forget)
