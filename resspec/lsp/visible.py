"""The names that can be seen from a place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from resspec.ir.ops import OPS
from resspec.lowering.scope import Library
from resspec.lsp import words
from resspec.lsp.checking import Analysis
from resspec.lsp.context import Place
from resspec.lsp.items import (
    CONSTANT,
    ENUM,
    FUNCTION,
    KEYWORD,
    PROPERTY,
    VARIABLE,
    Item,
    item,
    of_declaration,
    of_layers,
)
from resspec.lsp.names import Meaning, labels_of, meaning_of, names_of
from resspec.syntax import ast


class Visible:
    """The names of a file and of the declaration around a place, from the last check."""

    def __init__(self, place: Place, analysis: Analysis | None) -> None:
        self.place = place
        self.library: Library | None = analysis.library if analysis else None
        name = place.declaration[1] if len(place.declaration) > 1 else ""
        declared: ast.Declaration | None = self.library.own.get(name) if self.library else None
        if declared is None and analysis and analysis.file:
            declared = next(
                (each for each in analysis.file.declarations if _is_called(each, name)), None
            )
        self.declared = declared
        self.own: Mapping[str, Meaning] = {}
        if declared is not None and self.library:
            self.own = names_of(declared, self.library)
        self.parameters = _parameters(place.declaration)

    def declared_names(self, *kinds: type) -> Iterator[tuple[str, ast.Declaration, Library]]:
        """Yield what the file and its libraries declare of some kinds."""
        for name in sorted(self.library.names(*kinds)) if self.library else ():
            for declared, home in self.library.find(name, *kinds) if self.library else ():
                if isinstance(declared, kinds):
                    yield name, declared, home
                    break

    def steps(self) -> Iterator[Item]:
        """Yield what a step may call."""
        for name, declared, home in self.declared_names(ast.Block):
            yield of_declaration(name, declared, home, FUNCTION)
        yield from self.values()
        yield from of_layers()
        for word, says in (words.MERGES | words.CHAIN_WORDS).items():
            yield item(word, KEYWORD, says, insert=f"{word} {{ ")
        if self.place.kind == "shortcut":
            yield item("none", KEYWORD, "No shortcut: the residual alone.")

    def options(self) -> Iterator[Item]:
        """Yield the shortcut options."""
        for name, declared, home in self.declared_names(ast.Option):
            yield of_declaration(name, declared, home, ENUM)
        yield from self.values()
        yield item("identity", ENUM, "The shortcut is the input of the block.")
        yield item("none", ENUM, "No shortcut.")

    def values(self) -> Iterator[Item]:
        """Yield parameters and constants."""
        for name in dict.fromkeys([*self.own, *self.parameters]):
            meaning = self.own.get(name)
            yield item(name, VARIABLE, f"A {meaning.kind if meaning else 'parameter'}.")
        for name, declared, home in self.declared_names(ast.Let):
            yield of_declaration(name, declared, home, CONSTANT)

    def labels(self) -> Iterator[Item]:
        """Yield the labels of the network's stages."""
        if self.declared is not None and self.library:
            for label in labels_of(self.declared, self.library):
                yield item(label, PROPERTY, "A stage.")

    def meaning(self, name: str) -> Meaning | None:
        """Return the meaning of a name at the place."""
        if self.library is None:
            return Meaning("layer", name) if name in OPS else None
        return meaning_of(name, self.library, self.own)


def _is_called(declared: ast.Declaration, name: str) -> bool:
    found = getattr(declared, "name", None)
    return isinstance(found, ast.Identifier) and found.text == name


def _parameters(head: tuple[str, ...]) -> list[str]:
    """Return the parameters in the head of a declaration that is being written."""
    text = " ".join(head)
    inside = text[text.find("(") + 1 :] if "(" in text else ""
    return re.findall(r"(?:^|,) ?([A-Za-z_]\w*)", inside)
