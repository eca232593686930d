"""From a name to its declaration, to all its places, and to another name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resspec.diagnostics import UsageError
from resspec.lowering.scope import BUILT_IN, RESERVED
from resspec.lsp.checking import Analysis, check
from resspec.lsp.cursor import name_at
from resspec.lsp.documents import Document, uri_of
from resspec.lsp.messages import RequestError
from resspec.lsp.names import DECLARED, Meaning, Occurrence, occurrences
from resspec.lsp.positions import Lines
from resspec.lsp.problems import location_of
from resspec.lsp.session import Session
from resspec.opening import is_shipped
from resspec.source import Span
from resspec.texts import DISK, real_path

MOST_FILES = 2000  # of a workspace that are searched
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_READ, _WRITTEN = 2, 3  # kinds of a highlight


def definition(session: Session, params: dict[str, Any]) -> Any:
    """Return where the name under the cursor is declared."""
    known = session.known(params)
    if known is None:
        return None
    analysis, offset = known
    found = _name(analysis, offset)
    if found is None or found.meaning.span is None:
        return None
    return location_of(found.meaning.span, analysis)


def highlights(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all places in the document of the name under the cursor."""
    analysis = session.current(session.document(params))
    found = _name(analysis, analysis.document.lines.place(params["position"]))
    if found is None or analysis.library is None:
        return []
    return [
        {
            "range": analysis.document.lines.of_span(each.span),
            "kind": _WRITTEN if each.declares else _READ,
        }
        for each in occurrences(analysis.library)
        if _is_same(each.meaning, found.meaning)
    ]


def references(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all places of the name under the cursor, in all files of the workspace."""
    analysis = session.current(session.document(params))
    found = _name(analysis, analysis.document.lines.place(params["position"]))
    if found is None:
        return []
    declares = params.get("context", {}).get("includeDeclaration", True)
    return [
        {"uri": uri, "range": lines.of_span(each.span)}
        for uri, lines, each in _places(session, analysis, found.meaning)
        if declares or not each.declares
    ]


def may_rename(session: Session, params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the range and text of a name that can be renamed; None where there is none."""
    analysis = session.current(session.document(params))
    found = _name(analysis, analysis.document.lines.place(params["position"]))
    if found is None or found.meaning.kind not in DECLARED:
        return None
    place = analysis.document.lines.of_span(found.span)
    return {"range": place, "placeholder": found.span.text}


def rename(session: Session, params: dict[str, Any]) -> dict[str, Any]:
    """Return the edits that give the name under the cursor another name. Raises RequestError."""
    analysis = session.current(session.document(params))
    found = _name(analysis, analysis.document.lines.place(params["position"]))
    if found is None or found.meaning.kind not in DECLARED:
        raise RequestError("there is no name here that can be renamed")
    new = str(params["newName"])
    _check_owner(session, analysis, found.meaning)
    _check_name(found.meaning, new)
    changes: dict[str, list[dict[str, Any]]] = {}
    for uri, lines, each in _places(session, analysis, found.meaning):
        edit = {"range": lines.of_span(each.span), "newText": new}
        changes.setdefault(uri, []).append(edit)
    _check_effect(session, analysis, changes, new)
    return {"changes": changes}


def _check_owner(session: Session, analysis: Analysis, meaning: Meaning) -> None:
    """Raise RequestError for what comes with resspec."""
    path = analysis.paths.get(meaning.span.source) if meaning.span else None
    if path is None or not is_shipped(path):
        return
    if not any(path.is_relative_to(folder) for folder in session.folders):
        raise RequestError(f"`{meaning.name}` comes with resspec, in {path}")


def _check_name(meaning: Meaning, new: str) -> None:
    """Raise RequestError where something cannot have a name."""
    form = _LABEL if meaning.kind == "label" else _NAME
    if not form.fullmatch(new):
        raise RequestError(f"`{new}` is not a name: use letters, digits and `_`")
    if meaning.kind != "label" and new in RESERVED | BUILT_IN:
        raise RequestError(f"`{new}` is a word of the language")


def _check_effect(
    session: Session, analysis: Analysis, changes: dict[str, list[dict[str, Any]]], new: str
) -> None:
    """Raise RequestError where an edit would cause errors, such as a name declared twice."""
    document = analysis.document
    edits = sorted(changes.get(document.uri, ()), key=_start, reverse=True)
    renamed = document
    for edit in edits:
        renamed = renamed.edited([{"range": edit["range"], "text": edit["newText"]}], None)
    if len(changes) > 1:
        return  # a check would take the other files as they are
    after = check(renamed, session.buffers())
    if len(after.problems) > len(analysis.problems):
        raise RequestError(f"`{new}` cannot be used here: {after.problems[0].message}")


def _start(edit: dict[str, Any]) -> tuple[int, int]:
    start = edit["range"]["start"]
    return start["line"], start["character"]


def _name(analysis: Analysis, offset: int) -> Occurrence | None:
    return name_at(occurrences(analysis.library), offset) if analysis.library else None


def _is_same(one: Meaning, other: Meaning) -> bool:
    """Return whether two meanings are the same, of which each may come from its own check."""
    if one.span is None or other.span is None:
        return (one.kind, one.name, one.span) == (other.kind, other.name, other.span)
    return one.kind == other.kind and _key(one.span) == _key(other.span)


def _key(span: Span) -> tuple[str, int]:
    return span.source.name, span.start


def _places(
    session: Session, analysis: Analysis, meaning: Meaning
) -> Iterator[tuple[str, Lines, Occurrence]]:
    """Yield the places of a name: the file, its lines, and the occurrence."""
    for each in _files(session, analysis, meaning.name):
        if each.library is None:
            continue
        for found in occurrences(each.library):
            if _is_same(found.meaning, meaning):
                yield each.document.uri, each.document.lines, found


def _files(session: Session, analysis: Analysis, name: str) -> Iterator[Analysis]:
    """Yield a document, the other open ones, and the files of the workspace that name others."""
    seen = {analysis.document.real}
    yield analysis
    for document in list(session.documents.values()):
        if document.is_spec and document.real not in seen:
            seen.add(document.real)
            yield session.current(document)
    for path in spec_files(session):
        real = real_path(path)
        if real not in seen:
            seen.add(real)
            if found := on_disk(session, path, name):
                yield found


def spec_files(session: Session) -> Iterator[Path]:
    """Yield the `.res` files of the workspace, except those that ship with resspec."""
    left = MOST_FILES
    for folder in session.folders:
        for path in folder.rglob("*.res"):
            if any(part.startswith(".") for part in path.relative_to(folder).parts):
                continue
            left -= 1
            if left < 0:
                return
            yield path


def on_disk(session: Session, path: Path, word: str = "") -> Analysis | None:
    """Return a file that is not open, without its networks; None where it cannot be read, or does
    not have a word.
    """
    try:
        text = DISK.read(path).decode()
    except (UsageError, UnicodeDecodeError):
        return None
    if word not in text:
        return None
    document = Document(uri_of(path.absolute()), path, None, text, session.encoding)
    return check(document, session.buffers(), lowers=False)
