"""The completions at the cursor, each with a sentence about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resspec import shipped
from resspec.ir.init import LAWS
from resspec.ir.ops import OPS
from resspec.ir.quantities import DTYPES, OPTIMIZERS, QUANTITIES
from resspec.lowering.functions import FUNCTIONS
from resspec.lsp import recipes, words
from resspec.lsp.checking import Analysis
from resspec.lsp.context import Call, Place, place_of
from resspec.lsp.documents import Document
from resspec.lsp.items import (
    CLASS,
    ENUM,
    FIELD,
    FILE,
    FUNCTION,
    KEYWORD,
    MODULE,
    PROPERTY,
    Item,
    item,
    of_declaration,
    of_layers,
    of_words,
)
from resspec.lsp.session import Session
from resspec.lsp.visible import Visible
from resspec.opening import shipped_names
from resspec.syntax import ast

_CHOICES = {"dtype": DTYPES, "optimizer": OPTIMIZERS}


def completion(session: Session, params: dict[str, Any]) -> list[Item]:
    """Return the completions at a position."""
    document = session.document(params)
    if not document.is_spec:
        return recipes.completion(document, params["position"])
    text = document.text.replace("\r\n", "\n").removeprefix("\ufeff")
    place = place_of(text, document.lines.place(params["position"]))
    analysis = session.readable.get(document.uri)
    items = {each["label"]: each for each in reversed(list(_items(place, document, analysis)))}
    return list(reversed(items.values()))


def _items(place: Place, document: Document, analysis: Analysis | None) -> Iterator[Item]:
    if place.is_prose:
        return
    scope = Visible(place, analysis)
    first = place.clause[0] if place.clause else ""
    if first == "use":
        yield from _libraries(document, is_file=place.is_string)
    elif place.is_string:
        return
    elif place.begins and not place.inside:
        yield from of_words(words.DECLARATIONS)
    elif place.begins:
        yield from _clauses(place, scope)
    elif not place.inside and place.kind == "network" and place.clause[-1] == "=":
        yield from _bases(document, scope)
    elif first == "shortcut" and place.inside and len(place.clause) == 1:
        yield from scope.options()
    elif first == "init" and len(place.clause) <= 2:
        yield from _laws(has_kind=len(place.clause) > 1)
    elif first == "replace":
        yield from of_layers(label=len(place.clause) == 1)
    elif first == "output":
        yield from scope.labels()
    elif first == "expect" and len(place.clause) == 1:
        yield from _quantities()
    elif place.is_step:
        yield from scope.steps()
    else:
        yield from _arguments(place, scope)


def _clauses(place: Place, scope: Visible) -> Iterator[Item]:
    match place.kind:
        case "network":
            yield from of_words(words.NETWORK_CLAUSES)
        case "shortcut":
            for arm, says in words.ARMS.items():
                yield item(arm, KEYWORD, says, insert=f"{arm}: ")
        case _:
            yield from of_words(words.BLOCK_CLAUSES)
            yield from scope.steps()


def _libraries(document: Document, *, is_file: bool) -> Iterator[Item]:
    folder = document.path.parent
    files = sorted(folder.glob("*.res")) if folder.is_dir() else []
    for path in files:
        if path != document.path:
            yield item(path.name if is_file else path.stem, FILE, f"`{path.name}` in this folder.")
    if not is_file:
        for path in sorted(shipped.path("specs", "lib").glob("*.res")):
            first = path.read_text(encoding="utf-8").partition("\n")[0]
            yield item(path.stem, MODULE, first.lstrip("# "), "comes with resspec")


def _bases(document: Document, scope: Visible) -> Iterator[Item]:
    for name, declared, home in scope.declared_names(ast.NetworkDecl, ast.Derived):
        yield of_declaration(name, declared, home, CLASS)
    for path in sorted(document.path.parent.glob("*.res")):
        if path != document.path:
            yield item(path.stem, FILE, f"The network of `{path.name}`.")
    for name in shipped_names():
        yield item(name, FILE, "A network that comes with resspec.")


def _laws(*, has_kind: bool) -> Iterator[Item]:
    for law in LAWS:
        yield item(law, FUNCTION, words.about_law(law))
    if not has_kind:
        for part, says in words.INIT_PARTS.items():
            yield item(part, PROPERTY, says, insert=f"{part}: ")
        for kind, op in OPS.items():
            if op.weighted:
                yield item(kind, CLASS, words.about_layer(kind), insert=f"{kind}: ")


def _quantities() -> Iterator[Item]:
    for name, quantity in QUANTITIES.items():
        yield item(name, PROPERTY, words.about_quantity(name), quantity.unit)


# --- arguments ---


def _arguments(place: Place, scope: Visible) -> Iterator[Item]:
    call = place.call
    if call is not None:
        argument = call.arguments[-1]
        word = argument.partition("=")[0].strip() if "=" in argument else ""
        if word:
            yield from _choices(call, word, scope)
        else:
            yield from _fields(call, scope)
    yield from scope.values()
    inside = place.kind in ("block", "shortcut")
    for word, says in words.VALUE_WORDS.items():
        if inside or word in ("true", "false", "none"):
            yield item(word, KEYWORD, says)
    for name in FUNCTIONS:
        yield item(name, FUNCTION, words.about_function(name), insert=f"{name}(")
    for name, declared, home in scope.declared_names(ast.Block, ast.Option):
        yield of_declaration(name, declared, home, FUNCTION)
    if _takes_layers(call, scope):
        yield from of_layers()


def _takes_layers(call: Call | None, scope: Visible) -> bool:
    """Return whether an argument may be a layer: of a block or network, not of a layer."""
    meaning = scope.meaning(call.name) if call else None
    return meaning is None or meaning.kind not in ("layer", "function")


def _fields(call: Call, scope: Visible) -> Iterator[Item]:
    """Yield the arguments of a call by name, except those that it has."""
    given = {argument.partition("=")[0].strip() for argument in call.arguments}
    if call.name in QUANTITIES:
        for word in QUANTITIES[call.name].takes:
            yield item(word, FIELD, "", insert=f"{word}=")
        return
    meaning = scope.meaning(call.name)
    if meaning and meaning.kind == "layer":
        for word, text in words.layer_fields(meaning.name).items():
            if word not in given and word != "stride":
                yield item(word, FIELD, f"A field of `{meaning.name}`.", text, f"{word}=")
    elif meaning and meaning.library:
        declared = meaning.library.own.get(meaning.name)
        for parameter in getattr(declared, "parameters", ()):
            name = parameter.name.text
            if name not in given:
                default = f"={parameter.default.span.text}" if parameter.default else ""
                says = f"A parameter of `{meaning.name}`."
                yield item(name, FIELD, says, f"{name}{default}", f"{name}=")


def _choices(call: Call, word: str, scope: Visible) -> Iterator[Item]:
    """Yield the words that a field takes."""
    for choice in _CHOICES.get(word, ()) if call.name in QUANTITIES else ():
        yield item(choice, ENUM, "")
    meaning = scope.meaning(call.name)
    if meaning is None or meaning.kind != "layer":
        return
    op = OPS[meaning.name]
    for choice in (*op.choices.get(word, ()), *op.alternatives.get(word, ())):
        yield item(choice, ENUM, "")
