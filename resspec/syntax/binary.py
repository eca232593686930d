"""Binary files that are given in place of a spec, recognized by their first bytes."""

from __future__ import annotations

from typing import NamedTuple


class BinaryFormat(NamedTuple):
    """A kind of file, with its article, and whether it holds the weights of a network."""

    name: str
    is_weights: bool = False


_SAFETENSORS = BinaryFormat("a safetensors file", is_weights=True)
_TORCH = BinaryFormat("a file of torch.save", is_weights=True)
_PICKLE = BinaryFormat("a pickle, as old versions of torch.save write", is_weights=True)
_ONNX = BinaryFormat("an ONNX file")
_ZIP = BinaryFormat("a zip archive")
_SIGNATURES = {
    b"\x89PNG": BinaryFormat("a PNG image"),
    b"\xff\xd8\xff": BinaryFormat("a JPEG image"),
    b"GIF8": BinaryFormat("a GIF image"),
    b"%PDF": BinaryFormat("a PDF document"),
    b"\x1f\x8b": BinaryFormat("a gzip archive"),
    b"\x80\x02": _PICKLE,
    b"\x7fELF": BinaryFormat("a program"),
}
_LONGEST_HEADER = 100_000_000  # bytes, of a safetensors file


def recognize(data: bytes) -> BinaryFormat | None:
    """Return which kind of binary file begins with these bytes; None where that is not known."""
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < _LONGEST_HEADER:
        return _SAFETENSORS
    if data.startswith(b"PK\x03\x04"):
        return _TORCH if b"data.pkl" in data[:300] else _ZIP
    if data[:1] == b"\x08" and data[2:3] in (b"\x12", b"\x3a"):  # a version, then text or the graph
        return _ONNX
    return next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), None)
