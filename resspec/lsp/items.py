"""Items of a completion: a label, a kind, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resspec.ir.ops import OPS
from resspec.lowering.scope import Library
from resspec.lsp import words
from resspec.syntax import ast

Item = dict[str, Any]
# Kinds of items, as the protocol numbers them.
FUNCTION, FIELD, VARIABLE, CLASS, MODULE, PROPERTY, ENUM, KEYWORD, FILE, CONSTANT = (
    3, 5, 6, 7, 9, 10, 13, 14, 17, 21,
)  # fmt: skip


def item(label: str, kind: int, says: str, detail: str = "", insert: str = "") -> Item:
    """Return an item: its sentence, what stands beside it, and what it inserts."""
    found: Item = {"label": label, "kind": kind}
    if says:
        found["documentation"] = {"kind": "markdown", "value": says}
    if detail:
        found["detail"] = detail
    if insert and insert != label:
        found["insertText"] = insert
    return found


def of_words(table: Mapping[str, str]) -> Iterator[Item]:
    """Yield the words of a table."""
    for word, says in table.items():
        yield item(word, KEYWORD, says, insert=f"{word} ")


def of_layers(*, label: bool = False) -> Iterator[Item]:
    """Yield the layers, as calls or as labels."""
    for kind in OPS:
        signature, _ = words.layer_signature(kind)
        insert = f"{kind}: " if label else kind
        yield item(kind, CLASS, words.about_layer(kind), signature, insert)


def of_declaration(name: str, declared: ast.Declaration, home: Library, kind: int) -> Item:
    """Return the item of what a file declares."""
    if isinstance(declared, ast.Let):
        return item(name, kind, f"`{declared.span.text}`")
    signature, _ = words.block_signature(declared)
    comment = words.comment_of(declared, home)
    says = f"{comment}\n\n" if comment else ""
    return item(name, kind, f"{says}`{words.place_of(declared.span)}`", signature)
