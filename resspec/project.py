"""`resspec.toml`: the networks of a project that are written in Python, or are files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from resspec import files
from resspec.diagnostics import UsageError
from resspec.revision import Revision

FILE = "resspec.toml"
_ENOUGH = 1 << 20  # bytes
_KEYS = ("source", "input", "arguments")


class ProjectNetwork(NamedTuple):
    """A network of a project.

    Attributes:
        source: What is imported, as `resspec import` takes it.
        input: The size of an image, if it is given.
        arguments: The arguments of the callable that makes it.
    """

    source: str
    input: str = ""
    arguments: tuple[tuple[str, str], ...] = ()


def networks_now(root: Path) -> dict[str, ProjectNetwork]:
    """Return the networks of the project in a folder by their names. Raises UsageError."""
    path = root / FILE
    if not path.is_file():
        return {}
    return _networks(files.read(path, _ENOUGH), FILE)


def networks_then(revision: Revision) -> dict[str, ProjectNetwork] | None:
    """Return the networks that the project had, None if it had no such file. Raises UsageError."""
    path = revision.root / FILE
    if not revision.is_file(path):
        return None
    return _networks(revision.read(path)[:_ENOUGH], revision.shown(path))


def _networks(data: bytes, name: str) -> dict[str, ProjectNetwork]:
    try:
        document = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: {error}") from None
    listed = document.get("networks")
    if not isinstance(listed, dict) or len(document) > 1:
        raise UsageError(f'{name} has one table, [networks], with lines such as net = "net.py:Net"')
    return {key: _network(value, f"{name}: {key}") for key, value in listed.items()}


def _network(value: object, where: str) -> ProjectNetwork:
    match value:
        case str():
            return ProjectNetwork(value)
        case {"source": str(source), **others}:
            unknown = [key for key in others if key not in _KEYS]
            arguments = others.get("arguments", {})
            if not unknown and isinstance(arguments, dict):
                return ProjectNetwork(source, str(others.get("input", "")), _texts(arguments))
    keys = "source, input and arguments"
    raise UsageError(f"{where} is neither a source, as in net.py:Net, nor a table of {keys}")


def _texts(arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in arguments.items())
