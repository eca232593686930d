"""Numbers of bytes as a person reads them."""

from __future__ import annotations


def size_of(count: float) -> str:
    """Return a number of bytes with its unit: `312 MB`, `1.4 GB`."""
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 1000 or unit == "TB":
            return f"{count:,.3g} {unit}"
    raise AssertionError
