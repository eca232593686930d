"""Hover texts: of a call, with its shapes and costs, or of a name."""

from __future__ import annotations

import re
from typing import Any

from resspec.ir.nodes import Node, Op, Repeat, Scope
from resspec.lsp import recipes, words
from resspec.lsp.checking import Analysis
from resspec.lsp.cursor import around, name_at
from resspec.lsp.figures import cost, field_text, shapes, short, table
from resspec.lsp.names import Meaning, Occurrence, meaning_of, occurrences
from resspec.lsp.session import Session
from resspec.source import Span
from resspec.syntax import ast
from resspec.units import size_of

_NAME = re.compile(r"\b[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 200  # characters of a name
_CLAUSE_WORDS = words.DECLARATIONS | words.BLOCK_CLAUSES | words.NETWORK_CLAUSES


def hover(session: Session, params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the text about what is under the cursor, and its range."""
    document = session.document(params)
    if not document.is_spec:
        return recipes.hover(document, params["position"])
    known = session.known(params)
    if known is None:
        return None
    analysis, offset = known
    found = _about(analysis, offset)
    if found is None:
        return None
    span, parts = found
    hovered = {"contents": {"kind": "markdown", "value": "\n\n".join(filter(None, parts))}}
    if analysis.document is document:
        return hovered | {"range": analysis.document.lines.of_span(span)}
    return hovered


def _about(analysis: Analysis, offset: int) -> tuple[Span, list[str]] | None:
    assert analysis.library is not None
    nodes = around(analysis.file, offset)
    name = name_at(occurrences(analysis.library), offset)
    step = next((each for each in reversed(nodes) if isinstance(each, ast.ChainStep)), None)
    if step is not None and _is_about_step(step, name):
        callee = name.meaning if name else None
        return step.span, [*_step(analysis, step), *(_name(callee, analysis) if callee else [])]
    if name is not None:
        return name.span, _declared(analysis, name) or _name(name.meaning, analysis)
    return _word(analysis, nodes, offset) or _unread(analysis, offset)


def _unread(analysis: Analysis, offset: int) -> tuple[Span, list[str]] | None:
    """Return the text about a name in a clause that could not be read."""
    library, source = analysis.library, analysis.source
    assert library is not None and source is not None
    for found in _NAME.finditer(source.text, max(0, offset - _LONGEST)):
        if found.start() > offset:
            break
        if found.end() >= offset and (meaning := meaning_of(found[0], library, {})):
            return Span(source, *found.span()), _name(meaning, analysis)
    return None


def _is_about_step(step: ast.ChainStep, name: Occurrence | None) -> bool:
    """Return whether the cursor is on the step as a whole, and not on a name in its arguments."""
    if name is None:
        return True
    item = step.item
    return isinstance(item, ast.LayerCall | ast.MergeCall) and item.name.span == name.span


# --- steps ---


def _step(analysis: Analysis, step: ast.ChainStep) -> list[str]:
    """Return the text of the step, the shapes and costs of its calls, and torch's call."""
    text = " ".join(step.span.text.split())
    parts = [f"```resspec\n{text if len(text) < 80 else text[:79] + '…'}\n```"]
    nodes = analysis.nodes(step.span)
    if not nodes:
        return parts
    if len(nodes) == 1:
        params, macs = cost(nodes)
        parts.append(f"`{shapes(nodes[0])}` · {params:,} params · {short(macs)} macs")
    else:
        parts.append("\n".join(table(nodes)))
    parts += [_of_figures(analysis, step), _torch(nodes)]
    return parts


def _of_figures(analysis: Analysis, step: ast.ChainStep) -> str:
    """Return what autograd keeps for the calls of a step, and the receptive field."""
    place = str(step.item.span)
    lines = []
    for name, figures in analysis.figures.items():
        facts = []
        if figures.saved_at.get(place):
            facts.append(f"{size_of(figures.saved_at[place])} saved")
        if place in figures.fields:
            facts.append(f"receptive field {field_text(figures.fields[place])}")
        if facts:
            prefix = f"in `{name}`: " if len(analysis.figures) > 1 else ""
            lines.append(prefix + " · ".join(facts))
    return "  \n".join(lines[:4])


def _torch(nodes: list[Node]) -> str:
    """Return the call of torch that a layer becomes."""
    layers = [node for node in map(_inside, nodes) if isinstance(node, Op)]
    calls = dict.fromkeys(_call(node) for node in layers)
    if not calls or len(calls) > 4:
        return ""
    return "```python\n" + "\n".join(calls) + "\n```"


def _inside(node: Node) -> Node:
    while isinstance(node, Repeat | Scope):
        node = node.body
    return node


def _call(op: Op) -> str:
    made = op.layer.at(0).call(op.input)
    given = [*map(repr, made.args.values()), *(f"{k}={v!r}" for k, v in made.kwargs.items())]
    return f"{made.module}({', '.join(given)})"


# --- names ---


def _declared(analysis: Analysis, name: Occurrence) -> list[str]:
    """Return the text about a network where it is declared."""
    if name.meaning.kind != "network" or not name.declares:
        return []
    network = analysis.networks.get(name.meaning.name)
    if network is None:
        return []
    figures = analysis.figures.get(network.name)
    parts = [*_name(name.meaning, analysis), f"`{network.input} -> {network.output}`"]
    if figures:
        saved = size_of(figures.saved_bytes)
        parts.append(f"{figures.params:,} params · {figures.macs:,} macs · {saved} saved")
    return parts


def _name(meaning: Meaning, analysis: Analysis) -> list[str]:
    match meaning.kind:
        case "layer":
            signature, _ = words.layer_signature(meaning.name)
            return [f"```resspec\n{signature}\n```", words.about_layer(meaning.name)]
        case "field":
            kind, _, word = meaning.name.partition(".")
            text = words.layer_fields(kind).get(word, word)
            return [f"```resspec\n{text}\n```", f"A field of `{kind}`."]
        case "quantity":
            return [f"**{meaning.name}**", words.about_quantity(meaning.name)]
        case "law":
            return [words.about_law(meaning.name)]
        case "merge":
            return [words.MERGES[meaning.name]]
        case "function":
            return [words.about_function(meaning.name)]
        case "word":
            return [words.VALUE_WORDS[meaning.name]]
        case "library":
            return _library(meaning)
        case "parameter" | "constant" | "label":
            return _inner(meaning, analysis)
        case _:
            return _declaration(meaning, analysis)


def _library(meaning: Meaning) -> list[str]:
    if meaning.library is None:
        return []
    names = ", ".join(f"`{name}`" for name in meaning.library.own)
    return [f"`{meaning.library.source.name}` declares {names or 'nothing'}."]


def _inner(meaning: Meaning, analysis: Analysis) -> list[str]:
    """Return the text about a parameter, a constant or a label."""
    if meaning.span is None:
        return []
    source = meaning.span.source
    line = source.line(source.place(meaning.span.start)[0]).strip()
    where = _where(meaning, analysis)
    if meaning.kind == "constant":
        return [f"```resspec\n{line}\n```", f"A constant{where}."]
    return [f"The {meaning.kind} `{meaning.name}`{where}.", f"```resspec\n{line}\n```"]


def _declaration(meaning: Meaning, analysis: Analysis) -> list[str]:
    library = meaning.library
    declared = library.own.get(meaning.name) if library else None
    if declared is None or library is None or isinstance(declared, ast.Broken):
        return []
    signature, _ = words.block_signature(declared)
    where = f"Declared{_where(meaning, analysis)}." if _where(meaning, analysis) else ""
    return [f"```resspec\n{signature}\n```", words.comment_of(declared, library), where]


def _where(meaning: Meaning, analysis: Analysis) -> str:
    """Return where something is declared, if that is another file."""
    if meaning.span is None or meaning.span.source is analysis.source:
        return ""
    return f" in `{words.place_of(meaning.span)}`"


def _word(analysis: Analysis, nodes: list[Any], offset: int) -> tuple[Span, list[str]] | None:
    """Return the text about the word that a clause or declaration begins with."""
    if analysis.source is None:
        return None
    for node in reversed(nodes):
        first = node.span.text.split(maxsplit=1)[0] if node.span.text.strip() else ""
        if first in _CLAUSE_WORDS and node.span.start <= offset <= node.span.start + len(first):
            inside = len(nodes) > 1 and isinstance(nodes[0], ast.Block)
            table = words.BLOCK_CLAUSES if inside else words.NETWORK_CLAUSES
            says = table.get(first, "") if node is not nodes[0] else words.DECLARATIONS[first]
            span = Span(analysis.source, node.span.start, node.span.start + len(first))
            return span, [says or _CLAUSE_WORDS[first]]
    return None
