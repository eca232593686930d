"""The layers that torch.nn lacks, as text to copy: resspec/backends/layers.py is read, never
imported, since it needs torch.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_LAYERS = Path(__file__).parent.parent / "layers.py"


@cache
def definitions() -> dict[str, str]:
    """Return the text of each class by its name."""
    classes = _LAYERS.read_text(encoding="utf-8").rstrip().split("\n\n\n")[1:]
    return {text[len("class ") : text.index("(")]: text for text in classes}


def qualified(module: str) -> str:
    """Return what emitted code calls a class: one of ours, or one of torch.nn."""
    return module if module in definitions() else f"nn.{module}"


def base(module: str) -> str:
    """Return the class from which a layer of ours derives; another has none."""
    found = re.match(r"class \w+\((.*)\)", definitions().get(module, ""))
    return found[1] if found else ""
