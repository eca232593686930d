"""Values that a notebook displays as tables and drawings."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Displayed:
    """A value with rich forms. `resspec.notebook`, which knows all such values, makes them."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return the value by media type; the notebook takes what it can show."""
        del include, exclude
        return _forms(self)

    def _repr_pretty_(self, printer: Any, is_inside_itself: bool) -> None:
        """Print the plain form, in place of IPython's own for tuples."""
        del is_inside_itself
        printer.text(_forms(self)["text/plain"])


def _forms(value: object) -> dict[str, str]:
    forms: dict[str, str] = import_module("resspec.notebook").forms(value)
    return forms
