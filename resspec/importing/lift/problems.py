"""The reason why a call cannot be lifted."""

from __future__ import annotations


class Problem(Exception):
    """An error for a call that no layer of the language computes.

    Attributes:
        message: The problem, as a sentence without a period.
        help: The nearest layer, or a remedy; empty if there is none.
    """

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
