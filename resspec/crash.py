"""An exception that no check foresaw: a line for a person, and the traceback in a file."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from resspec.home import cache_folder
from resspec.units import size_of

CODE, LIMIT = "E0615", "E0618"
LONGEST = 300  # characters of what an exception says that are shown

# Opening a pipe without a reader is then an error, and does not block; links are not followed.
_OVERWRITE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_TRUNC
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)

# What torch, numpy, the C++ library and the loader of libraries say; a MemoryError may say nothing.
_NO_MEMORY = re.compile(
    "allocate memory|out of memory|std::bad_alloc|failed to map segment"
    "|cannot enable executable stack",
    re.IGNORECASE,
)
_LIMITS = {
    errno.EAGAIN: "this user cannot start more processes (ulimit -u)",
    errno.EMFILE: "this process cannot open more files (ulimit -n)",
    errno.ENFILE: "this machine cannot open more files",
    errno.ENOSPC: "there is no space left on the disk",
    errno.EDQUOT: "the quota of this user's disk is used up",
    errno.EFBIG: "the file would exceed the largest size allowed (ulimit -f)",
}


def first_line(error: BaseException) -> str:
    """Return what an exception is and says, in one line: `ZeroDivisionError: division by zero`."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else ""
    if worker := re.search("^Caught .* in (DataLoader worker process [0-9]+)", str(error)):
        return f"{lines[-1]}, in {worker[1]}"
    if len(said) > LONGEST:
        said = f"{said[:LONGEST]}…"
    name = type(error).__name__
    return f"{name}: {said}" if said else name


def memory_needed(error: BaseException) -> str | None:
    """Return a sentence if there was not enough memory, else None."""
    is_told = isinstance(error, RuntimeError | ImportError | OSError) and _NO_MEMORY.search(
        str(error)
    )
    if not isinstance(error, MemoryError) and not is_told:
        return None
    wanted = re.search(r"allocate ([0-9]+) bytes", str(error))
    more = f": {size_of(int(wanted[1]))} more are needed" if wanted else ""
    return f"there is not enough memory{more}"


def limit_reached(error: BaseException) -> str | None:
    """Return a sentence if it is a limit of this machine that was reached, else None."""
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "this user cannot start more threads (ulimit -u)"
    if not isinstance(error, OSError) or error.errno not in _LIMITS:
        return memory_needed(error)
    place = f": {error.filename}" if error.filename else ""
    return _LIMITS[error.errno] + place


def report(
    error: BaseException, doing: str, notes: tuple[str, ...] = (), file: Path | None = None
) -> str:
    """Write the traceback to a file, and return the report that is printed instead of it.

    Args:
        error: The exception.
        doing: What was being done, as in "in step 12" or "while testing".
        notes: More lines: what is saved, and how to resume.
        file: Where the traceback goes; by default, and where that cannot be written, a file in
            the user's cache folder or in the folder for temporary files.
    """
    text = _page(error, doing)
    written = next(_written(text, file), None)
    where = (
        f"the traceback is in {written}; please report it"
        if written
        else f"please report it:\n{text}"
    )
    return "\n  ".join([f"{first_line(error)} ({doing})", *notes, where])


def _page(error: BaseException, doing: str) -> str:
    """Return the details that help to find the bug."""
    import platform
    import shlex
    import traceback
    from datetime import datetime

    packages = [name for name in ("resspec", "torch") if name in sys.modules]
    versions = [f"{name} {getattr(sys.modules[name], '__version__', '?')}" for name in packages]
    versions += [f"Python {platform.python_version()}", platform.platform()]
    lines = [
        f"time:     {datetime.now().astimezone().isoformat(timespec='seconds')}",
        f"command:  {shlex.join(sys.argv)}",
        f"versions: {', '.join(versions)}",
        f"error:    {first_line(error)}",
        f"when:     {doing}",
        "",
        *(line.rstrip("\n") for line in traceback.format_exception(error)),
    ]
    return "\n".join(lines) + "\n"


def _written(text: str, file: Path | None) -> Iterator[Path]:
    """Yield the first file in which the text is now, if there is one."""
    from tempfile import mkstemp

    content = text.encode(errors="backslashreplace")
    if file is not None:
        with suppress(OSError):
            yield _write(os.open(file, _OVERWRITE, 0o666), file, content)
    for folder in _folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = mkstemp(".txt", "crash-", folder)
            yield _write(descriptor, Path(name), content)


def _folders() -> Iterator[Path]:
    from tempfile import gettempdir

    if folder := cache_folder():
        yield folder
    with suppress(OSError):  # nowhere at all
        yield Path(gettempdir())


def _write(descriptor: int, path: Path, content: bytes) -> Path:
    """Write a file whole, or leave none. Raises OSError."""
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
    return path
