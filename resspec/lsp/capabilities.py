"""The answer to `initialize`: what the server can do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from resspec.lsp.actions import FIX, FIX_ALL
from resspec.lsp.documents import path_of
from resspec.lsp.positions import ENCODINGS
from resspec.lsp.session import Session
from resspec.lsp.tokens import MODIFIERS, TYPES
from resspec.version import __version__

_INCREMENTAL = 2


def begin(session: Session, params: dict[str, Any]) -> dict[str, Any]:
    """Store the capabilities of the editor, and return those of the server."""
    session.capabilities = params.get("capabilities") or {}
    offered = session.capabilities.get("general", {}).get("positionEncodings") or ["utf-16"]
    session.encoding = next((each for each in offered if each in ENCODINGS), "utf-16")
    session.folders = folders_of(params.get("workspaceFolders") or ())
    if not session.folders and params.get("rootUri"):
        session.folders = [path_of(str(params["rootUri"]), Path.cwd())]
    return {
        "serverInfo": {"name": "resspec", "version": __version__},
        "capabilities": {"positionEncoding": session.encoding, **_CAPABILITIES},
    }


def folders_of(folders: Iterable[dict[str, Any]]) -> list[Path]:
    """Return the folders that an editor names."""
    return [path_of(str(each["uri"]), Path.cwd()) for each in folders]


_CAPABILITIES: dict[str, Any] = {
    "textDocumentSync": {
        "openClose": True,
        "change": _INCREMENTAL,
        "save": {"includeText": False},
    },
    "completionProvider": {"triggerCharacters": [" ", "=", ">", ":", '"', "("]},
    "codeLensProvider": {"resolveProvider": False},
    "definitionProvider": True,
    "documentFormattingProvider": True,
    "documentHighlightProvider": True,
    "documentRangeFormattingProvider": True,
    "documentSymbolProvider": True,
    "foldingRangeProvider": True,
    "hoverProvider": True,
    "inlayHintProvider": True,
    "referencesProvider": True,
    "renameProvider": {"prepareProvider": True},
    "selectionRangeProvider": True,
    "semanticTokensProvider": {
        "legend": {"tokenTypes": [*TYPES], "tokenModifiers": [*MODIFIERS]},
        "full": True,
        "range": True,
    },
    "signatureHelpProvider": {"triggerCharacters": [" ", ",", "(", "="]},
    "workspaceSymbolProvider": True,
    "codeActionProvider": {"codeActionKinds": [FIX, FIX_ALL]},
    "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
}
