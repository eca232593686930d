"""The networks that a report is about: those of a spec, of a file of several, or of a folder."""

from __future__ import annotations

from resspec.commands import given
from resspec.diagnostics import SpecError, UsageError


def subjects(spec: str, has_values: bool) -> list[str]:
    """Return the files of a folder, the networks of a file of several, or else the spec.

    A file of several networks, one of which has the file's name, means that one.

    Args:
        spec: A spec or a folder as it was given.
        has_values: Whether parameters are given values, which are for the network that is meant.
    """
    if given.is_folder(spec) or has_values:
        return given.specs(spec)
    from resspec.opening import locate, networks

    try:
        path, named = locate(spec)
        names = {} if named else networks(path)
    except (SpecError, UsageError):  # which loading the network reports
        return [spec]
    if len(names) < 2 or path.stem in names:
        return [spec]
    return complete(spec) or [spec]


def complete(spec: str) -> list[str]:
    """Return the networks of a file that need no values.

    The file itself is returned where it has one network, or is wrong.
    """
    from resspec.opening import locate, networks

    path, _ = locate(spec)
    try:
        found = networks(path)
    except SpecError:
        return [spec]
    ready = [name for name, missing in found.items() if not missing]
    return [spec] if len(found) == len(ready) == 1 else [f"{spec}:{name}" for name in ready]
