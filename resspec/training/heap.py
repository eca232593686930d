"""The heap, where the tensors of a CPU are, by mallopt(3) and malloc_trim(3) of glibc. Of another libc it is left alone."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

NEVER = {
    "MALLOC_MMAP_MAX_": (-4, 0),
    "MALLOC_TRIM_THRESHOLD_": (-1, -1),
}  # mallopt's parameter and value


def hold() -> None:
    """What a step frees stays with this process for the next one. Else large tensors go back to the system and come again, with
    a fault for each page. What the environment says of it holds."""
    if mallopt := _function("mallopt"):
        for name, (parameter, value) in NEVER.items():
            if name not in os.environ:
                mallopt(parameter, value)


def trim() -> None:
    """What is held and not in use goes back to the system."""
    if malloc_trim := _function("malloc_trim"):
        malloc_trim(0)


def _function(name: str) -> Any:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
