"""Edits that a diagnostic proposes, one by one or all together."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from resspec.diagnostics import Diagnostic
from resspec.fixes import fixed
from resspec.lsp.checking import Analysis, check, fixable
from resspec.lsp.documents import Document
from resspec.lsp.problems import shown
from resspec.lsp.session import Session

FIX, FIX_ALL = "quickfix", "source.fixAll.resspec"
_ROUNDS = 20  # a syntax error hides those after it


def actions(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the actions for a range of a text."""
    document = session.document(params)
    analysis = session.current(document)
    only = params.get("context", {}).get("only")
    found: list[dict[str, Any]] = []
    if _is_wanted(FIX, only):
        start = document.lines.place(params["range"]["start"])
        end = document.lines.place(params["range"]["end"])
        found += _quick_fixes(analysis, start, end)
    if _is_wanted(FIX_ALL, only) and any(_own_fixes(analysis)):
        found += _fix_all(session, document)
    return found


def _is_wanted(kind: str, only: list[str] | None) -> bool:
    return only is None or any(kind == each or kind.startswith(f"{each}.") for each in only)


def _own_fixes(analysis: Analysis) -> list[Diagnostic]:
    source = analysis.source
    if source is None:  # nothing could be read: the source of the first mistake is the document's
        labels = [problem.labels[0].span.source for problem in analysis.problems]
        source = labels[0] if labels else None
    return fixable(analysis.problems, source) if source else []


def _quick_fixes(analysis: Analysis, start: int, end: int) -> Iterator[dict[str, Any]]:
    document = analysis.document
    for problem in _own_fixes(analysis):
        fix, place = problem.fix, problem.labels[0].span
        assert fix is not None
        touches = place.start <= end and start <= place.end
        if touches or (fix.span.start <= end and start <= fix.span.end):
            edit = {"range": document.lines.of_span(fix.span), "newText": fix.text}
            yield {
                "title": _title(problem),
                "kind": FIX,
                "diagnostics": [shown(problem, analysis)],
                "isPreferred": True,
                "edit": {"changes": {document.uri: [edit]}},
            }


def _title(problem: Diagnostic) -> str:
    fix = problem.fix
    assert fix is not None
    before, after = fix.span.text.strip(), fix.text.strip()
    if not after:
        return f"Remove `{before}`" if before else "Remove it"
    if "\n" in before or "\n" in after or len(before) > 40:
        help = problem.help or problem.message
        return f"{help[0].upper()}{help[1:]}"
    return f"Replace `{before}` with `{after}`" if before else f"Insert `{after}`"


def _fix_all(session: Session, document: Document) -> Iterator[dict[str, Any]]:
    after = document
    for _ in range(_ROUNDS):
        analysis = check(after, session.buffers())
        problems = _own_fixes(analysis)
        if not problems:
            break
        source = problems[0].fix.span.source if problems[0].fix else None
        assert source is not None
        text = fixed(source.name, source.text, problems)
        if text == source.text:
            break
        after = after.edited([{"text": as_before(after.text, text)}], after.version)
    if after.text != document.text:
        yield {
            "title": "Fix all auto-fixable problems",
            "kind": FIX_ALL,
            "edit": {"changes": {document.uri: edits(document, after.text)}},
        }


def as_before(before: str, after: str) -> str:
    """Return a source with the line ends and the byte-order mark that the buffer has."""
    mark = "\ufeff" if before.startswith("\ufeff") else ""
    returns = before.count("\r\n")
    ends = "\r\n" if returns and returns == before.count("\n") else "\n"
    return mark + after.replace("\n", ends)


def edits(document: Document, after: str) -> list[dict[str, Any]]:
    """Return the edits of lines that make another text of a document."""
    old = document.text.splitlines(keepends=True)
    new = after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    lines, found = document.lines, list[dict[str, Any]]()
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind != "equal":
            place = {
                "start": lines.position(starts[first]),
                "end": lines.position(starts[last]),
            }
            found.append({"range": place, "newText": "".join(new[begin:end])})
    return found
