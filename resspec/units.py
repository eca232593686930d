"""Numbers of bytes and of seconds as a person reads them."""

from __future__ import annotations


def size_of(count: float) -> str:
    """Return a number of bytes with its unit: `512 B`, `312 MB`, `1.4 GB`."""
    if count < 999.5:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.3g} {unit}"
    return f"{count / 1000:,.0f} PB"


def duration(seconds: float) -> str:
    """Return a time: `42 s`, `3:05`, `11:02:31`; `?` where it is not known."""
    if not seconds < 1e9:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
