"""Files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from resspec.diagnostics import UsageError


def write(path: Path, content: bytes) -> None:
    """The whole file or nothing: under another name, down to the disk, then renamed; its folder is made where needed.
    A file that is there keeps its mode. Raises UsageError."""
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
        raise UsageError(f"cannot write {path}: {error.strerror}; it takes {len(content):,} bytes") from None
