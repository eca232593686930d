"""The buffers that are open in the editor, and the files that their addresses mean."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from resspec.lsp.positions import Lines
from resspec.texts import real_path


@dataclass(frozen=True)
class Document:
    """A buffer at one version.

    Attributes:
        uri: Its address.
        path: The file, or the one that an unsaved buffer could become.
        version: The number that the editor gave the version.
        text: The text, with its line ends.
        encoding: The units that the editor's positions count in.
    """

    uri: str
    path: Path
    version: int | None
    text: str
    encoding: str

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.text, self.encoding)

    @cached_property
    def data(self) -> bytes:
        """The text as a file holds it."""
        return self.text.encode(errors="surrogatepass")

    @cached_property
    def real(self) -> str:
        """The path with its links followed."""
        return real_path(self.path)

    @property
    def is_spec(self) -> bool:
        """True if its name is that of a spec, not of a YAML file."""
        return self.path.suffix not in (".yaml", ".yml")

    def edited(self, changes: Iterable[Mapping[str, Any]], version: int | None) -> Document:
        """Return the document after the changes of one notification, made one after the other."""
        found = self
        for change in changes:
            text = str(change.get("text", ""))
            if (where := change.get("range")) is not None:
                lines = found.lines
                start, end = lines.offset(where["start"]), lines.offset(where["end"])
                text = found.text[:start] + text + found.text[max(start, end) :]
            found = replace(found, text=text)
        return replace(found, version=version)


def path_of(uri: str, folder: Path) -> Path:
    """Return the file of an address; a buffer without a file counts as one in the folder."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        is_windows = os.name == "nt"  # there, VS Code writes the colon of a drive as %3A
        return Path(url2pathname(unquote(parts.path) if is_windows else parts.path))
    name = unquote(parts.path).rpartition("/")[2] or "untitled"
    return folder / name


def uri_of(path: Path) -> str:
    """Return the address of a file."""
    return path.as_uri() if path.is_absolute() else f"untitled:{quote(path.as_posix())}"
