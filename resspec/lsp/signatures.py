"""The signature of the call at the cursor."""

from __future__ import annotations

from typing import Any

from resspec.lowering.functions import FUNCTIONS
from resspec.lsp import words
from resspec.lsp.context import Call, place_of
from resspec.lsp.session import Session
from resspec.lsp.visible import Visible
from resspec.syntax import ast


def signature(session: Session, params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the signature of the call around a position, and which argument is there."""
    document = session.document(params)
    text = document.text.replace("\r\n", "\n").removeprefix("\ufeff")
    offset = document.lines.place(params["position"])
    place = place_of(text, offset)
    if place.call is None or place.is_prose:
        return None
    analysis = session.readable.get(document.uri)
    scope = Visible(place, analysis)
    found = _signature(place.call, scope)
    if found is None:
        return None
    label, labels, says = found
    parts = [*place.call.arguments[:-1], f"{place.call.arguments[-1]} {place.typed}".strip()]
    shown = {
        "label": label,
        "documentation": {"kind": "markdown", "value": says},
        "parameters": [{"label": each} for each in labels],
    }
    active = _active(parts, labels)
    return {"signatures": [shown], "activeSignature": 0, "activeParameter": active}


def _signature(call: Call, scope: Visible) -> tuple[str, list[str], str] | None:
    meaning = scope.meaning(call.name)
    if meaning is None:
        return None
    if meaning.kind == "layer":
        return *words.layer_signature(meaning.name), words.about_layer(meaning.name)
    if meaning.kind == "function":
        example = FUNCTIONS[meaning.name].example.strip("`")
        inside = example[example.find("(") + 1 : -1]
        return example, inside.split(", "), words.about_function(meaning.name)
    declared = meaning.library.own.get(meaning.name) if meaning.library else None
    if isinstance(declared, ast.Block | ast.Option) and meaning.library:
        return *words.block_signature(declared), words.comment_of(declared, meaning.library)
    return None


def _active(arguments: list[str], labels: list[str]) -> int:
    """Return which of the parameters the last argument is for; too many where it is for none."""
    last = arguments[-1]
    names = [label.partition("=")[0] for label in labels]
    word = last.partition("=")[0].strip()
    if "=" in last:
        return names.index(word) if word in names else len(labels)
    if last.startswith("/"):
        return names.index("/stride") if "/stride" in names else len(labels)
    return sum("=" not in each and not each.startswith("/") for each in arguments[:-1])
