"""Networks that are not specs: the names of their sources, and which of them run code."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from resspec.texts import is_file

LIBRARIES = ("torchvision", "timm")
PREFIXES = (*LIBRARIES, "py")
FILES = (".onnx", ".pt2")

Kind = Literal["torchvision", "timm", "py", "file", "onnx", "pt2"]


class ImportSource(NamedTuple):
    """A network that can be imported.

    Attributes:
        word: Its name, as given: `timm:resnet50`, `net.py:Net`, `net.onnx`.
        kind: The kind of its source: a prefix, a Python `file`, or the format of a file.
    """

    word: str
    kind: Kind

    @property
    def runs_code(self) -> bool:
        """True if importing it runs the Python code that it names."""
        return self.kind not in ("onnx", "pt2")


def source_of(word: str) -> ImportSource | None:
    """Return the source that a word names; None if it can only name a spec.

    An existing file comes first, then the prefixes.
    """
    if is_file(Path(word)):
        return _of_file(word)
    file, colon, name = word.rpartition(":")
    if colon and is_file(Path(file)):
        return ImportSource(word, "file") if file.endswith(".py") and name.isidentifier() else None
    match word.partition(":"):
        case ("torchvision" | "timm" | "py") as prefix, ":", _:
            return ImportSource(word, prefix)
        case _:
            return None


def _of_file(word: str) -> ImportSource | None:
    match Path(word).suffix:
        case ".onnx":
            return ImportSource(word, "onnx")
        case ".pt2":
            return ImportSource(word, "pt2")
        case _:
            return None
