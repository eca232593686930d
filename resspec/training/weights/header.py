"""The header of a safetensors file: JSON with the places of the tensors, and metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_ALIGNED = 8  # bytes to a multiple of which a header is padded
_METADATA = "__metadata__"


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file with this metadata.

    Equal tensors and metadata give equal bytes, which safetensors' own writer does not promise.
    """
    header, tensors = _cut(content)
    told = {_METADATA: {"format": "pt", **metadata}, **header}
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text + tensors


def metadata_of(content: bytes) -> dict[str, str]:
    """Return the metadata of a valid safetensors file; empty where it has none."""
    return dict(_cut(content)[0].get(_METADATA) or {})  # null is allowed, too


def _cut(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the tensors."""
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]
