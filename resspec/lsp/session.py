"""The state of a session: the editor's buffers, the last check of each, and the pending jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from resspec.lsp.checking import Analysis, check
from resspec.lsp.documents import Document, path_of
from resspec.lsp.history import History
from resspec.lsp.messages import INVALID_PARAMS, RequestError
from resspec.lsp.positions import same_place


class Session:
    """The buffers of an editor, and what is known of them.

    Attributes:
        encoding: The units that positions count in.
        capabilities: What the editor can do, as it said.
        folders: The folders of the workspace.
        documents: The open buffers by their addresses.
        latest: The last check of each buffer.
        readable: The last check of each buffer in which there was something to read.
    """

    def __init__(self) -> None:
        self.encoding = "utf-16"
        self.capabilities: dict[str, Any] = {}
        self.folders: list[Path] = []
        self.documents: dict[str, Document] = {}
        self.latest: dict[str, Analysis] = {}
        self.readable: dict[str, Analysis] = {}
        self.history = History()

    @property
    def folder(self) -> Path:
        """The folder that buffers without a file belong to."""
        return self.folders[0] if self.folders else Path.cwd()

    def supports(self, *path: str) -> bool:
        """Return whether the editor has a capability."""
        found: Any = self.capabilities
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return bool(found)

    # --- documents ---

    def open(self, item: dict[str, Any]) -> Document:
        uri = str(item["uri"])
        path, version = path_of(uri, self.folder), item.get("version")
        document = Document(uri, path, version, str(item.get("text", "")), self.encoding)
        self.documents[uri] = document
        return document

    def close(self, uri: str) -> None:
        for table in (self.documents, self.latest, self.readable):
            table.pop(uri, None)

    def document(self, params: dict[str, Any]) -> Document:
        """Return the buffer that a request is about. Raises RequestError."""
        uri = params["textDocument"]["uri"]
        if uri not in self.documents:
            raise RequestError(f"{uri} is not open", INVALID_PARAMS)
        return self.documents[uri]

    def buffers(self) -> dict[str, bytes]:
        """Return the texts of all buffers by their paths, links followed."""
        return {each.real: each.data for each in list(self.documents.values())}

    # --- checks ---

    def check(self, document: Document) -> Analysis:
        """Check a buffer as it is now."""
        return check(document, self.buffers())

    def keep(self, analysis: Analysis) -> None:
        """Remember a check of a version, if that is still the newest."""
        if not self.is_newest(analysis.document):
            return
        uri = analysis.document.uri
        self.latest[uri] = analysis
        if analysis.library:
            self.readable[uri] = analysis

    def is_newest(self, document: Document) -> bool:
        """Return whether a version of a buffer is the newest."""
        return self.documents.get(document.uri) is document

    def current(self, document: Document) -> Analysis:
        """Return a check of the newest text, which is made now if there is none."""
        latest = self.latest.get(document.uri)
        if latest is None or latest.document is not document:
            latest = self.check(document)
            self.keep(latest)
        return latest

    def known(self, params: dict[str, Any]) -> tuple[Analysis, int] | None:
        """Return the last check that found something to read, and the offset in its source of the
        position of a request; None where that was in no text yet.
        """
        document = self.document(params)
        analysis = self.readable.get(document.uri)
        if analysis is None:
            return None
        now = document.lines.offset(params["position"])
        then = same_place(now, analysis.document.text, document.text)
        return None if then is None else (analysis, analysis.document.lines.in_source(then))


Handler = Callable[[Session, dict[str, Any]], Any]
