"""The error for a module that cannot be run on the meta device."""

from __future__ import annotations

from resspec.importing.graph import ModulePath


class Unrecordable(Exception):
    """A module failed in the recorded run.

    Attributes:
        path: The module that ran last.
        module: The name of its class.
        place: The line of source that it had reached.
        reason: The error that was raised.
    """

    def __init__(self, path: ModulePath, module: str, place: str, reason: Exception) -> None:
        super().__init__(f"{'.'.join(path)} ({module}) at {place}: {reason}")
        self.path = path
        self.module = module
        self.place = place
        self.reason = reason
