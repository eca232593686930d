"""Binary files that are given in place of a spec, recognized by their first bytes."""

from __future__ import annotations

from typing import NamedTuple


class Binary(NamedTuple):
    """A kind of file, with its article, and whether it holds the weights of a network."""

    name: str
    is_weights: bool = False


_SAFETENSORS = Binary("a safetensors file", is_weights=True)
_TORCH = Binary("a file of torch.save", is_weights=True)
_PICKLE = Binary("a pickle, as old versions of torch.save write", is_weights=True)
_ONNX = Binary("an ONNX file")
_ZIP = Binary("a zip archive")
_SIGNATURES = {
    b"\x89PNG": Binary("a PNG image"),
    b"\xff\xd8\xff": Binary("a JPEG image"),
    b"GIF8": Binary("a GIF image"),
    b"%PDF": Binary("a PDF document"),
    b"\x1f\x8b": Binary("a gzip archive"),
    b"\x80\x02": _PICKLE,
    b"\x7fELF": Binary("a program"),
}
_LONGEST_HEADER = 100_000_000  # bytes, of a safetensors file


def recognize(data: bytes) -> Binary | None:
    """Return which kind of binary file begins with these bytes; None where that is not known."""
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") < _LONGEST_HEADER:
        return _SAFETENSORS
    if data.startswith(b"PK\x03\x04"):
        return _TORCH if b"data.pkl" in data[:300] else _ZIP
    if data[:1] == b"\x08" and data[2:3] in (b"\x12", b"\x3a"):  # a version, then text or the graph
        return _ONNX
    return next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), None)
