"""Formatting, of a text as a whole or of some lines."""

from __future__ import annotations

from typing import Any

from resspec.diagnostics import SpecError
from resspec.lsp.actions import as_before, edits
from resspec.lsp.documents import Document
from resspec.lsp.messages import RequestError
from resspec.lsp.session import Session
from resspec.syntax.format import lay_out
from resspec.syntax.parse import ENOUGH, read


def formatting(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the edits that lay out a text as `resspec fmt` does. Raises RequestError."""
    return _edits(session.document(params))


def range_formatting(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return those of these edits that touch some lines. Raises RequestError."""
    first, last = (params["range"][side]["line"] for side in ("start", "end"))
    return [
        edit
        for edit in _edits(session.document(params))
        if edit["range"]["start"]["line"] <= last and first <= edit["range"]["end"]["line"]
    ]


def _edits(document: Document) -> list[dict[str, Any]]:
    if not document.is_spec:
        raise RequestError(f"{document.path.name} is not a spec")
    try:
        laid_out = lay_out(read(document.path.as_posix(), document.data[:ENOUGH]))
    except SpecError as error:
        mistake = error.diagnostics[0]
        raise RequestError(f"it has a syntax error: {mistake.message}") from None
    return edits(document, as_before(document.text, laid_out))
