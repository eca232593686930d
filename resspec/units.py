"""Numbers of bytes and of seconds as a person reads them."""

from __future__ import annotations

from fractions import Fraction

BYTES = {"B": 1} | {
    unit: base**power
    for base, units in ((1000, "KB MB GB TB"), (1024, "KiB MiB GiB TiB"))
    for power, unit in enumerate(units.split(), 1)
}


def bytes_of(text: str) -> int:
    """Return the number of bytes of a size such as `24GB`, `80GiB` or `1.5GB`. Raises ValueError
    for any other text.
    """
    unit = next((unit for unit in reversed(BYTES) if text.endswith(unit)), "")
    number = text.removesuffix(unit).strip()
    is_number = number.isascii() and number.replace(".", "", 1).isdigit()
    if not unit or not is_number:
        raise ValueError(f"{text!r} is not a size: write 24GB or 80GiB")
    return int(Fraction(number) * BYTES[unit])


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
