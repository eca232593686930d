"""JSON with a checksum: an object whose last value, `sha256`, is the digest of all the others.

Files may have been damaged from outside. Every kind of damage is a `DamagedFile`, whose text says
what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from resspec import files
from resspec.diagnostics import UsageError
from resspec.units import size_of

LIMIT = 1 << 26  # bytes; no file of a run that is JSON comes near it
_SEAL = "sha256"


class DamagedFile(Exception):
    """A file whose content is not what was written."""


def read(path: Path) -> dict[str, Any]:
    """Return the object in a file, with a checksum or not.

    Raises:
        DamagedFile: It holds something else, or cannot be read.
        FileNotFoundError: There is no such file.
    """
    found = parse(content(path))
    if not isinstance(found, dict):
        raise DamagedFile("it does not hold a JSON object")
    return found


def content(path: Path) -> bytes:
    """Return the bytes of a regular file; raise DamagedFile or FileNotFoundError."""
    try:
        path.lstat()
        return files.read(path, LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except (OSError, ValueError) as error:
        raise DamagedFile(getattr(error, "strerror", None) or str(error)) from None
    except UsageError as error:
        raise DamagedFile(str(error).removeprefix(f"cannot read {path}: ")) from None


def parse(content: bytes) -> Any:
    """Return the value of a JSON text; raise DamagedFile if there is none."""
    if len(content) > LIMIT:
        raise DamagedFile(f"it is larger than {size_of(LIMIT)}")
    try:
        return json.loads(content.decode(), object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        raise DamagedFile(f"it is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise DamagedFile("it is nested too deeply") from None
    except ValueError as error:
        raise DamagedFile(f"it is not JSON: {error}") from None


def check(found: Mapping[str, Any]) -> None:
    """Check the checksum of an object; raise DamagedFile if it is wrong."""
    rest = {name: value for name, value in found.items() if name != _SEAL}
    if found.get(_SEAL) != _digest(rest):
        raise DamagedFile("its checksum does not match its content")


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object with its checksum; raise a UsageError where there is no room."""
    text = json.dumps({**value, _SEAL: _digest(value)}, indent=2, ensure_ascii=False)
    files.write(path, encoded(f"{text}\n"))


def encoded(text: str) -> bytes:
    """Return JSON as UTF-8; half a surrogate, as a file's name may have, becomes its escape."""
    return text.encode("utf-8", "backslashreplace")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"`{twice}` appears in it twice")
    return found


def _digest(value: Mapping[str, Any]) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
