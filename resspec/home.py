"""The user's own folders."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """Return resspec's folder in the user's cache, which may not exist; None without a home."""
    given = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(given).expanduser() / "resspec"
    except RuntimeError:
        return None
