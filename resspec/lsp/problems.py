"""Diagnostics as an editor shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resspec import shipped
from resspec.diagnostics import Diagnostic
from resspec.lsp.checking import Analysis
from resspec.lsp.documents import uri_of
from resspec.lsp.messages import ERROR, WARNING
from resspec.lsp.positions import Lines
from resspec.source import Source, Span

UNUSED = ("W0201", "W0202", "W0203")
_UNNECESSARY = 1  # the tag of what an editor shows faded


def published(analysis: Analysis) -> list[dict[str, Any]]:
    """Return all problems of a document."""
    found = [shown(problem, analysis) for problem in analysis.problems]
    if analysis.failure:
        nowhere = analysis.document.lines.range(0, 0)
        found.append({"range": nowhere, "severity": ERROR, "message": analysis.failure})
    return found


def shown(problem: Diagnostic, analysis: Analysis) -> dict[str, Any]:
    """Return one problem; of one in another file, at the call in this one that leads there."""
    place = place_of(problem, analysis)
    page = shipped.path("grammar", "diagnostics", f"{problem.code}.md")
    found: dict[str, Any] = {
        "range": analysis.document.lines.of_span(place),
        "severity": WARNING if problem.severity == "warning" else ERROR,
        "code": problem.code,
        "codeDescription": {"href": page.as_uri()},
        "source": "resspec",
        "message": "\n".join(_sentences(problem)),
    }
    if problem.code in UNUSED:
        found["tags"] = [_UNNECESSARY]
    if related := list(_related(problem, place, analysis)):
        found["relatedInformation"] = related
    return found


def place_of(problem: Diagnostic, analysis: Analysis) -> Span:
    """Return the place of a problem in the document itself."""
    own = analysis.document.path
    first = problem.labels[0].span
    if analysis.library is None or analysis.paths.get(first.source) == own:
        return first
    calls = [call for call in problem.calls if analysis.paths.get(call.source) == own]
    if calls:
        return calls[-1]
    return _use_of(first.source, analysis) or Span(analysis.library.source, 0, 0)


def _use_of(source: Source, analysis: Analysis) -> Span | None:
    """Return the clause through which a file uses another."""
    library = analysis.library
    assert library is not None
    file = library.file
    uses = [each for each in file.declarations if hasattr(each, "target")] if file else []
    for use, used in zip(uses, library.used, strict=False):
        if any(each.source is source for each in used.all()):
            return use.span
    return uses[0].span if uses else None


def _sentences(problem: Diagnostic) -> Iterator[str]:
    label = problem.labels[0].text
    yield f"{problem.message}: {label}" if label and "\n" not in label else problem.message
    if problem.help:
        yield f"help: {problem.help}"
    for note in problem.notes:
        yield f"note: {note}"


def _related(problem: Diagnostic, place: Span, analysis: Analysis) -> Iterator[dict[str, Any]]:
    """Yield the other places of a problem."""
    for label in problem.labels:
        if label.span == place:
            continue
        location = location_of(label.span, analysis)
        if location:
            yield {"location": location, "message": label.text or problem.message}


def location_of(span: Span, analysis: Analysis) -> dict[str, Any] | None:
    """Return a place in one of the files of a document; None where it is in no file."""
    path = analysis.paths.get(span.source)
    if path is None:
        return None
    if path == analysis.document.path:
        return {"uri": analysis.document.uri, "range": analysis.document.lines.of_span(span)}
    lines = Lines(span.source.text, analysis.document.encoding)
    return {"uri": uri_of(path.absolute()), "range": lines.of_span(span)}
