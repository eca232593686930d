"""The layers that torch.nn lacks, as text to copy: resspec/backends/layers.py is read, never
imported, since it needs torch.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container
from functools import cache
from pathlib import Path

_LAYERS = Path(__file__).parent.parent / "layers.py"


@cache
def definitions() -> dict[str, str]:
    """Return the text of each class, function and constant by its name."""
    source = _LAYERS.read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for statement in ast.parse(source).body:
        match statement:
            case (
                ast.ClassDef(name=name)
                | ast.FunctionDef(name=name)
                | ast.Assign(targets=[ast.Name(id=name)])
            ):
                found[name] = ast.get_source_segment(source, statement) or ""
    return found


def needed(names: Container[str]) -> list[str]:
    """Return the texts of these, in the order of the file."""
    return [text for name, text in definitions().items() if name in names]


def qualified(module: str) -> str:
    """Return what emitted code calls a class: one of ours, or one of torch.nn."""
    return module if module in definitions() else f"nn.{module}"


def base(module: str) -> str:
    """Return the base class of one of resspec's layers; empty for any other class."""
    found = re.match(r"class \w+\((.*)\)", definitions().get(module, ""))
    return found[1] if found else ""
