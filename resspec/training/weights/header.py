"""The header of a safetensors file: JSON, in which texts by name may stand beside the tensors' places."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_ALIGNED = 8  # bytes to a multiple of which a header is padded
_METADATA = "__metadata__"


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file whose header says this of it.

    Of equal tensors and texts the bytes are equal, which safetensors' own writer does not promise for more than one text.
    """
    header, tensors = _cut(content)
    told = {_METADATA: {"format": "pt", **metadata}, **header}
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text + tensors


def metadata_of(content: bytes) -> dict[str, str]:
    """Return what the header of a safetensors file that has been loaded says of it; empty where it says nothing."""
    return dict(_cut(content)[0].get(_METADATA) or {})  # null is allowed, too


def _cut(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the tensors."""
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]
