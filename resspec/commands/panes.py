"""The panes of the playground and of `resspec view`, each a view of a spec's text.

The playground runs this module in Pyodide. A request and its answer are JSON:

    {"kind": "report", "name": "mine.res", "text": "…", "network": "mine", "values": {"n": "3"}}
    {"html": "<!DOCTYPE html>…"}

Every answer has the networks of the text with their parameters, and `problem` instead of a
result if there is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from resspec import shipped
from resspec.backends.diff import DiffSide, diff
from resspec.backends.draw.picture import picture
from resspec.backends.html.diff import Drawn
from resspec.backends.html.diff import to_html as diff_page
from resspec.backends.html.page import script_hash
from resspec.backends.html.report import to_html as report_page
from resspec.backends.report import report
from resspec.backends.source import emit
from resspec.commands.inventory import networks_of
from resspec.compiler import examine_opened
from resspec.diagnostics import ResspecError, SpecError, UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.lsp.server import Server
from resspec.opening import Opened, choose, open_buffer, shipped_names
from resspec.parameters import constants
from resspec.passes.quantities import Facts
from resspec.version import __version__


class Shown(NamedTuple):
    """A network of a text, with the texts of the files that it comes from."""

    network: Network
    sources: Mapping[str, str]


class Playground:
    """The language server and the panes, for the page in a browser tab."""

    def __init__(self) -> None:
        self._server = Server()

    def about(self) -> str:
        """Return what the page knows from the start, as JSON: examples and versions."""
        examples = {
            name: shipped.path("specs", f"{name}.res").read_text(encoding="utf-8")
            for name in shipped_names()
        }
        return json.dumps({"version": __version__, "examples": examples})

    def message(self, text: str) -> str:
        """Return the answers of the language server to a message, as a list."""
        found = self._server.handle(json.loads(text))
        return json.dumps([*found, *self._server.settle()])

    def pane(self, text: str) -> str:
        """Return the answer to a request for a pane."""
        return json.dumps(pane(json.loads(text)))


def pane(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request for a pane."""
    answer: dict[str, Any] = {"networks": {}}
    try:
        opened = open_buffer(request["name"], request["text"])
        answer["networks"] = networks_of(opened.library)
        name = choose(opened, request.get("network") or None)
        answer["network"] = name
        shown = _shown(opened._replace(named=name), request.get("values") or {})
        answer |= _content(shown, request)
    except ResspecError as error:
        answer["problem"] = str(error)
    return answer


def _content(shown: Shown, request: Mapping[str, Any]) -> dict[str, Any]:
    match request["kind"]:
        case "report":
            made = report(shown.network)
            return {"html": report_page(made, Facts(shown.network), shown.sources)}
        case "drawing":
            drawn = picture([shown.network], unfold=False, layers=False, color_by=None)
            return {"svg": drawn.svg}
        case "source":
            return {"source": emit(shown.network, fingerprint(shown.network))}
        case "diff":
            opened = open_buffer(request["baseName"], request["base"])
            named = opened._replace(named=choose(opened))
            return {"html": _difference(_shown(named, {}), shown)}
    raise UsageError(f"there is no pane {request['kind']!r}")


def _difference(a: Shown, b: Shown) -> str:
    found = diff(DiffSide(report(a.network), a.network), DiffSide(report(b.network), b.network))
    titles = f"{a.network.name}, before", f"{b.network.name}, now"
    if found.structure is None:
        return diff_page(found, titles, None)
    facts = Facts(a.network), Facts(b.network)
    drawn = Drawn(facts, found.structure.marks, (a.sources, b.sources))
    return diff_page(found, titles, drawn)


def _shown(opened: Opened, values: Mapping[str, str]) -> Shown:
    """Return the network that was chosen, with values for its parameters. Raises SpecError."""
    given = {name: value for name, value in values.items() if value.strip()}
    examined = examine_opened(opened, values=constants(given))
    if not examined.networks:
        raise SpecError(examined.diagnostics)
    texts = {each.source.name: each.source.text for each in opened.library.all()}
    return Shown(examined.networks[-1], texts)


def policy() -> str:
    """Return the security policy of a page: nothing from elsewhere, no script but its own."""
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' 'wasm-unsafe-eval' {script_hash()}",
        "style-src": "'self' 'unsafe-inline'",  # CodeMirror and drawings bring their own
        "connect-src": "'self'",
        "worker-src": "'self'",
        "img-src": "'self' data:",
        "frame-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())
