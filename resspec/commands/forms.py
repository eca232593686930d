"""Diagnostics for machines: JSON, SARIF 2.1.0 and annotations of GitHub.

They have the same codes, places and fixes as the text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from resspec.diagnostics import Diagnostic
from resspec.render import visible
from resspec.source import Span
from resspec.version import __version__

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def to_json(diagnostics: Sequence[Diagnostic]) -> str:
    """Return diagnostics as JSON.

    Lines and columns count from 1, columns in characters; an end is the column after the last
    character.
    """
    return _text({"version": 1, "diagnostics": [_facts(diagnostic) for diagnostic in diagnostics]})


def to_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    driver = {
        "name": "resspec",
        "version": __version__,
        "rules": [{"id": code, "help": {"text": f"resspec explain {code}"}} for code in codes],
    }
    results = [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in diagnostics]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def to_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Return workflow commands, one per line."""
    return "".join(_command(diagnostic) + "\n" for diagnostic in diagnostics)


FORMS = {"json": to_json, "sarif": to_sarif, "github": to_github}

# --- JSON ---


def _facts(diagnostic: Diagnostic) -> dict[str, Any]:
    fix = diagnostic.fix
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "labels": [{**_place(label.span), "text": label.text} for label in diagnostic.labels],
        "help": diagnostic.help,
        "notes": list(diagnostic.notes),
        "fix": {**_place(fix.span), "replacement": fix.text} if fix else None,
    }


def _place(span: Span) -> dict[str, Any]:
    (line, column), (end_line, end_column) = (
        span.source.place(span.start),
        span.source.place(span.end),
    )
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


# --- SARIF ---


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    first, *others = diagnostic.labels
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": "\n".join(_sentences(diagnostic))},
        "locations": [_location(first.span, first.text)],
    }
    if others:
        result["relatedLocations"] = [
            {"id": i, **_location(label.span, label.text)} for i, label in enumerate(others)
        ]
    if fix := diagnostic.fix:
        change = {
            "artifactLocation": {"uri": _uri(fix.span.source.name)},
            "replacements": [
                {"deletedRegion": _region(fix.span), "insertedContent": {"text": fix.text}}
            ],
        }
        result["fixes"] = [
            {"description": {"text": diagnostic.help or "fix"}, "artifactChanges": [change]}
        ]
    return result


def _location(span: Span, text: str) -> dict[str, Any]:
    physical = {"artifactLocation": {"uri": _uri(span.source.name)}, "region": _region(span)}
    return {"physicalLocation": physical, **({"message": {"text": text}} if text else {})}


def _region(span: Span) -> dict[str, int]:
    place = _place(span)
    return {
        "startLine": place["line"],
        "startColumn": place["column"],
        "endLine": place["end_line"],
        "endColumn": place["end_column"],
    }


def _uri(name: str) -> str:
    return Path(name).as_uri() if Path(name).is_absolute() else quote(os.fsencode(name))


# --- GitHub ---


def _command(diagnostic: Diagnostic) -> str:
    place = _place(diagnostic.labels[0].span)
    fields = {
        "file": place["file"],
        "line": place["line"],
        "endLine": place["end_line"],
        "col": place["column"],
        "endColumn": place["end_column"],
        "title": diagnostic.code,
    }
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in fields.items())
    return f"::{diagnostic.severity} {properties}::{_escaped(chr(10).join(_sentences(diagnostic)))}"


def _escaped(text: str, more: str = "") -> str:
    lines = "%0A".join(visible(line.replace("%", "%25")) for line in text.split("\n"))
    return "".join(f"%{ord(char):02X}" if char in more else char for char in lines)


def _sentences(diagnostic: Diagnostic) -> list[str]:
    remedy = [f"help: {diagnostic.help}"] if diagnostic.help else []
    return [diagnostic.message, *remedy, *(f"note: {note}" for note in diagnostic.notes)]


def _text(document: dict[str, Any]) -> str:
    """Return JSON in ASCII, so that no character of a file reaches a terminal."""
    return json.dumps(document, indent=2) + "\n"
