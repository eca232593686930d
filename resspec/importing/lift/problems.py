"""What cannot be lifted, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resspec.importing.graph import ModulePath


class Problem(Exception):
    """A call is no layer of the language.

    Attributes:
        message: What it is, in a sentence without its end.
        help: What is nearest, or what would help; empty where nothing is.
    """

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A call that cannot be lifted, at its place.

    Attributes:
        path: The module that made it.
        module: The name of that module's class.
        call: The function or module that was called.
        place: The line of source, where it is known.
        message: Why it cannot be lifted.
        help: What is nearest.
    """

    path: ModulePath
    module: str
    call: str
    place: str
    message: str
    help: str

    def __str__(self) -> str:
        where = f"{'.'.join(self.path)} ({self.module})"
        return f"{where} {self.place}: {self.call}: {self.message}"


class Unliftable(Exception):
    """A network that no spec describes.

    Attributes:
        obstacles: Every call that cannot be lifted.
    """

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__("\n".join(map(str, obstacles)))
        self.obstacles = tuple(obstacles)
