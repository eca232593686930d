"""The heap, which holds the tensors of a CPU: mallopt(3) and malloc_trim(3) of glibc.

Another libc is left alone.
"""

from __future__ import annotations

import os
import sys
from typing import Any

# The variables of the environment that set the same, each with mallopt's parameter and value.
NEVER = {"MALLOC_MMAP_MAX_": (-4, 0), "MALLOC_TRIM_THRESHOLD_": (-1, -1)}


def keep_freed_memory() -> None:
    """Keep freed memory in this process, where the environment does not say otherwise.

    By default glibc returns large blocks to the system, and the next step pays a page fault per
    page.
    """
    if mallopt := _function("mallopt"):
        for name, (parameter, value) in NEVER.items():
            if name not in os.environ:
                mallopt(parameter, value)


def trim() -> None:
    """Return freed memory to the system."""
    if malloc_trim := _function("malloc_trim"):
        malloc_trim(0)


def _function(name: str) -> Any:
    if sys.platform != "linux":
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), name, None)
