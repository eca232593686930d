"""Shapes and costs next to the text: inlay hints at the end of stages and steps, code lenses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from resspec.ir.nodes import Node
from resspec.lsp.checking import Analysis
from resspec.lsp.figures import Figures, cost, short
from resspec.lsp.session import Session
from resspec.syntax import ast
from resspec.units import size_of

SHOW = "resspec.show"  # the command of a click on a lens


def hints(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the hints of a range: at the end of each line on which steps of a network end."""
    document = session.document(params)
    analysis = session.latest.get(document.uri)
    if analysis is None or analysis.document is not document or analysis.file is None:
        return []
    first, last = (params["range"][side]["line"] for side in ("start", "end"))
    found: dict[int, str] = {}
    for declared in analysis.file.declarations:
        if isinstance(declared, ast.NetworkDecl | ast.Derived):
            found |= _of_network(declared, analysis)
    return [_hint(line, text, analysis) for line, text in found.items() if first <= line <= last]


def _hint(line: int, text: str, analysis: Analysis) -> dict[str, Any]:
    lines = analysis.document.lines
    start = lines.position(lines.offset({"line": line, "character": 1 << 30}))
    return {"position": start, "label": text, "paddingLeft": True}


def _of_network(declared: ast.NetworkDecl | ast.Derived, analysis: Analysis) -> dict[int, str]:
    """Return the hints of a network by their lines."""
    name, found = declared.name.text, dict[int, str]()
    if name not in analysis.lowered:
        return found
    source = declared.span.source
    for clause in declared.clauses:
        if not isinstance(clause, ast.ChainClause | ast.Stage | ast.Stages):
            continue
        by_line: dict[int, list[list[Node]]] = {}
        for step in clause.chain.steps:
            line = source.place(step.span.end)[0] - 1
            by_line.setdefault(line, []).append(analysis.nodes(step.span, name))
        found |= {line: _text(steps) for line, steps in by_line.items() if all(steps)}
    return found


def _text(steps: Sequence[Sequence[Node]]) -> str:
    """Return the hint of steps in a row, each once for each stage."""
    ends = list(dict.fromkeys(str(node.output) for node in steps[-1]))
    params, _ = cost([node for step in steps for node in step])
    shape = ends[0] if len(ends) == 1 else f"{ends[0]} … {ends[-1]}"
    return f"-> {shape} · {short(params)}" if params else f"-> {shape}"


def lenses(session: Session, params: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lens above each network: its costs, and how they differ from the last commit."""
    document = session.document(params)
    analysis = session.latest.get(document.uri)
    if analysis is None or analysis.document is not document or analysis.file is None:
        return []
    return list(_lenses(analysis))


def _lenses(analysis: Analysis) -> Iterator[dict[str, Any]]:
    assert analysis.file is not None
    for declared in analysis.file.declarations:
        if not isinstance(declared, ast.NetworkDecl | ast.Derived):
            continue
        figures = analysis.figures.get(declared.name.text)
        if figures is not None:
            title = _title(figures, analysis.before.get(declared.name.text))
            arguments = [analysis.document.uri, declared.name.text]
            command = {"title": title, "command": SHOW, "arguments": arguments}
            yield {"range": analysis.document.lines.of_span(declared.name.span), "command": command}


def _title(figures: Figures, before: Figures | None) -> str:
    parts = [
        f"{short(figures.params)} params",
        f"{short(figures.macs)} macs",
        f"{size_of(figures.saved_bytes)} saved",
    ]
    if before is not None:
        parts.append(f"HEAD: {_change(figures, before)}")
    return " · ".join(parts)


def _change(now: Figures, then: Figures) -> str:
    """Return by how much a network differs from the last commit, in the first figure that does."""
    for name in ("params", "macs", "saved_bytes"):
        new, old = getattr(now, name), getattr(then, name)
        if new != old:
            share = 100 * (new - old) / old if old else float("inf")
            digits = f"{share:+.1f}" if abs(share) >= 0.05 else f"{share:+.0e}"
            return f"{digits}%" if name == "params" else f"{digits}% {name.replace('_', ' ')}"
    return "the same"
