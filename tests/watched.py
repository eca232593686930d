"""What a text may make a process do: an audit hook that tells of everything else."""

from __future__ import annotations

import codecs
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import resspec

FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "os.",
    "subprocess.",
    "socket.",
    "pty.",
    "shutil.",
    "ctypes.",
    "marshal.",
    "pickle.",
)
ALLOWED = ("os.listdir", "os.scandir")
_OURS = Path(resspec.__file__).parents[1]
_FOLDERS = ("resspec", "grammar", "specs", "schemas")
_PACKAGES = ("resspec.syntax", "resspec.lowering", "resspec.ir", "resspec.passes")

_seen: list[str] = []
_roots: list[str] = []


@contextmanager
def watched(root: Path) -> Iterator[list[str]]:
    """Collect forbidden events: all but reading files below `root` and those of the package.

    Modules are imported before.
    """
    if not _roots:
        for name in _PACKAGES:
            for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
                importlib.import_module(module.name)
        codecs.lookup("utf-8-sig")
        sys.addaudithook(_hook)  # for good: Python can take none back
    _seen.clear()
    _roots[:] = [str(root), *(str(_OURS / folder) for folder in _FOLDERS)]
    try:
        yield _seen
    finally:
        _roots[:] = [""]


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _roots[0]:
        return
    if event == "open":
        if not isinstance(arguments[0], int) and not str(arguments[0]).startswith(tuple(_roots)):
            _seen.append(f"open {arguments[0]}")
    elif event.startswith(FORBIDDEN) and event not in ALLOWED:
        _seen.append(f"{event} {arguments[0] if arguments else ''}"[:200])
