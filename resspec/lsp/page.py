"""The live page beside a text: the report and the drawing of a network, with the places of both.

`resspec/page` takes `{textDocument, network}` or `{textDocument, position}`, for the network around
the cursor. Its answer:

    network   the name of the network
    html      the report as a page that loads nothing
    svg       the drawing
    files     the addresses of the texts, by their names in the places of the page
    places    for each layer or merge its path (`layer3.1..35.conv2`) and its location
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resspec.ir.network import Network
from resspec.lsp.checking import Analysis
from resspec.lsp.documents import uri_of
from resspec.lsp.messages import RequestError
from resspec.lsp.problems import location_of
from resspec.lsp.session import Session
from resspec.passes.ledger import path
from resspec.passes.quantities import Facts, Known
from resspec.syntax import ast


def page(session: Session, params: dict[str, Any]) -> dict[str, Any]:
    """Return the page of a network. Raises RequestError where there is none without errors."""
    from resspec.backends.draw.picture import picture
    from resspec.backends.html.report import to_html
    from resspec.backends.report import report

    analysis = session.current(session.document(params))
    network = _network(analysis, params)
    known = Known()
    facts = Facts(network, known=known)
    texts = {source.name: source.text for source in analysis.paths}
    return {
        "network": network.name,
        "html": to_html(report(network, known=known), facts, texts),
        "svg": picture([network], unfold=False, layers=False, color_by=None).svg,
        "files": dict(_files(analysis)),
        "places": list(_places(analysis, facts)),
    }


def _network(analysis: Analysis, params: dict[str, Any]) -> Network:
    name = params.get("network")
    if name is None and analysis.file:
        offset = analysis.document.lines.place(params["position"])
        for each in analysis.file.declarations:
            if not isinstance(each, ast.NetworkDecl | ast.Derived):
                continue
            if each.span.start <= offset and each.name.text in analysis.networks:
                name = each.name.text
    name = name or next(iter(analysis.networks), "")
    if name not in analysis.networks:
        raise RequestError(f"there is no network `{name}` without errors")
    return analysis.networks[name]


def _files(analysis: Analysis) -> Iterator[tuple[str, str]]:
    for source, file in analysis.paths.items():
        is_own = file == analysis.document.path
        yield source.name, analysis.document.uri if is_own else uri_of(file.absolute())


def _places(analysis: Analysis, facts: Facts) -> Iterator[dict[str, Any]]:
    assert analysis.library is not None
    for entry, _ in facts.entries:
        location = location_of(analysis.library.span(entry.trail[-1].span), analysis)
        if location:
            yield {"path": path(entry.trail), **location}
