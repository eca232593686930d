"""Check that the folder of a run can be written to, and has enough room."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from resspec.diagnostics import Diagnostic, UsageError
from resspec.files import nearest_folder
from resspec.source import Span
from resspec.training.preflight.errors import cannot_write, no_room
from resspec.training.preflight.images import Inspections
from resspec.training.preflight.request import Request
from resspec.units import size_of


def folder(request: Request, _: Inspections) -> Iterator[Diagnostic]:
    """Try to write where the run will write, and leave nothing there."""
    target = request.folder
    if target is None or not request.processes.is_main:
        return
    place = Span.of_file(target)
    try:
        where = nearest_folder(target)
        for each in _written_to(where, target):
            _try_to_write(each)
    except UsageError as error:
        yield cannot_write(place, str(error))
        return
    except OSError as error:
        yield cannot_write(place, error.strerror or str(error))
        return

    free = shutil.disk_usage(where).free
    if request.writes > free:
        yield no_room(place, size_of(request.writes), f"only {size_of(free)} are free")
    limit = _largest_file()
    if limit is not None and request.largest > limit:
        needs = f"files of {size_of(request.largest)}"
        has = f"this process can write at most {size_of(limit)} each"
        yield no_room(place, needs, has, "raise the limit (ulimit -f)")


def _written_to(where: Path, target: Path) -> Iterator[Path]:
    yield where
    if where == target:
        yield from (path for path in (target / "checkpoints",) if path.is_dir())


def _try_to_write(folder: Path) -> None:
    """Write to an unnamed temporary file. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())


def _largest_file() -> int | None:
    """Return how large a file of this process may become, where there is such a limit."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if limit == resource.RLIM_INFINITY else limit
