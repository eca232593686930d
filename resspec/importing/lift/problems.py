"""The reason why a call cannot be lifted."""

from __future__ import annotations


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
