"""A node of an ONNX file as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_SIDE = 1 << 24
Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """A node.

    Attributes:
        kind: Its operator, `Conv`.
        name: Its name.
        inputs: The values that it reads; empty for those left out.
        outputs: The values that it makes.
        attributes: Its attributes by name.
        metadata: Texts about it by name.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    metadata: Mapping[str, str]
