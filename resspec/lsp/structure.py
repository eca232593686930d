"""The structure of a text: symbols, folds, and ranges to select."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from resspec.lsp.checking import Analysis
from resspec.lsp.cursor import around
from resspec.lsp.navigation import on_disk, spec_files
from resspec.lsp.positions import Lines
from resspec.lsp.session import Session
from resspec.source import Span
from resspec.syntax import ast
from resspec.texts import real_path

# Kinds of symbols, as the protocol numbers them.
_FILE, _CLASS, _FIELD, _INTERFACE, _FUNCTION, _CONSTANT = 1, 5, 8, 11, 12, 14
_KINDS = {
    ast.Block: _FUNCTION,
    ast.Option: _INTERFACE,
    ast.NetworkDecl: _CLASS,
    ast.Derived: _CLASS,
    ast.Let: _CONSTANT,
}
_TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|[{}]')
MOST = 500  # symbols of a workspace


# --- symbols ---


def document_symbols(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the declarations of a document, those of networks with their sections."""
    analysis = session.readable.get(session.document(params).uri)
    if analysis is None or analysis.file is None:
        return []
    return [
        each
        for declared in analysis.file.declarations
        if (each := _declaration(declared, analysis)) is not None
    ]


def _declaration(declared: ast.Declaration, analysis: Analysis) -> dict[str, Any] | None:
    if isinstance(declared, ast.UseDecl):
        return _symbol(
            f"use {declared.target.text}", _FILE, declared.span, declared.target.span, analysis
        )
    kind = _KINDS.get(type(declared))
    if kind is None or isinstance(declared, ast.Broken):
        return None
    found = _symbol(declared.name.text, kind, declared.span, declared.name.span, analysis)
    network = analysis.networks.get(declared.name.text)
    if network is not None and kind == _CLASS:
        found["detail"] = f"{network.input} -> {network.output}"
    found["children"] = [
        each
        for clause in getattr(declared, "clauses", ())
        if (each := _clause(clause, declared.name.text, analysis)) is not None
    ]
    return found


def _clause(clause: ast.Clause, network: str, analysis: Analysis) -> dict[str, Any] | None:
    match clause:
        case ast.Stage(label=label, chain=chain) | ast.Stages(label=label, chain=chain):
            found = _symbol(label.text, _FIELD, clause.span, label.span, analysis)
        case ast.ChainClause(kind=kind, chain=chain) if kind != "chain":
            word = clause.span._replace(end=clause.span.start + len(kind))
            found = _symbol(kind, _FIELD, clause.span, word, analysis)
        case ast.Let(name=name):
            return _symbol(name.text, _CONSTANT, clause.span, name.span, analysis)
        case _:
            return None
    if network in analysis.lowered and (nodes := analysis.nodes(chain.steps[-1].span, network)):
        found["detail"] = f"-> {nodes[-1].output}"
    return found


def _symbol(name: str, kind: int, whole: Span, own: Span, analysis: Analysis) -> dict[str, Any]:
    lines = analysis.document.lines
    return {
        "name": name,
        "kind": kind,
        "range": lines.of_span(whole),
        "selectionRange": lines.of_span(own),
    }


def workspace_symbols(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the declarations of the workspace whose names have the letters of a query in order."""
    query = re.compile(".*".join(map(re.escape, str(params.get("query", "")))), re.IGNORECASE)
    found: list[dict[str, Any]] = []
    for analysis in _workspace(session):
        for declared in analysis.file.declarations if analysis.file else ():
            kind = _KINDS.get(type(declared))
            if kind is None or isinstance(declared, ast.UseDecl) or len(found) >= MOST:
                continue
            if query.search(declared.name.text):
                place = analysis.document.lines.of_span(declared.name.span)
                location = {"uri": analysis.document.uri, "range": place}
                symbol = {"name": declared.name.text, "kind": kind, "location": location}
                found.append(symbol | {"containerName": analysis.document.path.name})
    return found


def _workspace(session: Session) -> Iterator[Analysis]:
    yield from list(session.readable.values())
    opened = {document.real for document in session.documents.values()}
    for path in spec_files(session):
        if real_path(path) not in opened and (found := on_disk(session, path)):
            yield found


# --- folds and selections ---


def folding(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what can be folded: braces over several lines, and comments in a row."""
    document = session.document(params)
    lines = document.lines
    found, opened, remarks = list[dict[str, Any]](), list[int](), list[int]()
    for token in _TOKEN.finditer(document.text):
        line = lines.position(token.start())["line"]
        if token[0] == "{":
            opened.append(line)
        elif token[0] == "}" and opened:
            first = opened.pop()
            if line - 1 > first:
                found.append({"startLine": first, "endLine": line - 1})
        elif token[0].startswith("#") and _is_alone(document.text, token.start()):
            remarks.append(line)
    for first, last in _runs(remarks):
        found.append({"startLine": first, "endLine": last, "kind": "comment"})
    return found


def _is_alone(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip()


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of numbers that follow each other, at least two."""
    start = numbers[0] if numbers else 0
    for number, following in pairwise([*numbers, -1]):
        if following != number + 1:
            if number > start:
                yield start, number
            start = following


def selections(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return for each position the ranges around it, the innermost with those around it."""
    document = session.document(params)
    analysis = session.readable.get(document.uri)
    lines = document.lines
    return [_selection(analysis, lines, position) for position in params["positions"]]


def _selection(analysis: Analysis | None, lines: Lines, position: Any) -> dict[str, Any]:
    offset = lines.place(position)
    file = analysis.file if analysis else None
    whole = (0, lines.in_source(len(lines.text)))
    spans = [(node.span.start, node.span.end) for node in around(file, offset)]
    chosen: dict[str, Any] = {}
    for span in dict.fromkeys([whole, *spans]):
        range_ = lines.range(*span)
        chosen = {"range": range_, "parent": chosen} if chosen else {"range": range_}
    return chosen
