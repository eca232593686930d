"""Values as JSON has them."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """Return a value with named tuples in it as objects, and other tuples as lists."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value
