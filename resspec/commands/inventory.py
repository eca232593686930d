"""All that comes with resspec and has a name: networks, libraries, recipes, data sets, layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from resspec import shipped
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.norm import Norm
from resspec.lowering.derivation import levels, parameters
from resspec.lowering.network import template_parameters
from resspec.lowering.scope import Library, Named
from resspec.opening import open_spec, shipped_names
from resspec.syntax import ast
from resspec.training.names import DATA


class Argument(NamedTuple):
    """A parameter, with its value as text where it need not be given."""

    name: str
    default: str | None

    def __str__(self) -> str:
        return self.name if self.default is None else f"{self.name}={self.default}"


class Entry(NamedTuple):
    """Something that has a name, with its parameters and a sentence about it."""

    name: str
    about: str = ""
    parameters: tuple[Argument, ...] = ()
    declares: tuple[Entry, ...] = ()  # of a library

    @property
    def call(self) -> str:
        """Return the name with its parameters: `basic(width)`."""
        listed = ", ".join(map(str, self.parameters))
        return f"{self.name}({listed})" if listed else self.name


def networks() -> list[Entry]:
    """Return the networks that can be compiled as they are."""
    return [
        _network(library, spec, name)
        for spec, library in _files()
        for name in _declared(library, ast.NetworkDecl, ast.Derived)
        if not template_parameters(library, name)
    ]


def networks_of(library: Library) -> dict[str, dict[str, str | None]]:
    """Return the networks of a file, each with its parameters and the values that they have."""
    names = _declared(library, ast.NetworkDecl, ast.Derived)
    return {name: _values(library, name) for name in names}


def templates() -> list[Entry]:
    """Return the networks with a parameter that has no value."""
    return [
        _network(library, spec, name)
        for spec, library in _files()
        for name in _declared(library, ast.NetworkDecl, ast.Derived)
        if template_parameters(library, name)
    ]


def libraries() -> list[Entry]:
    """Return the libraries, each with its blocks and shortcut options."""
    return [
        Entry(
            spec.removeprefix("lib/"),
            _about(library),
            declares=tuple(
                Entry(name, _word(library.own[name]), _parameters(library.own[name]))
                for name in _declared(library, ast.Block, ast.Option)
            ),
        )
        for spec, library in _files()
        if spec.startswith("lib/")
    ]


def recipes() -> list[Entry]:
    """Return the recipes, each with its source."""
    paths = shipped.path("specs", "recipes").glob("*.yaml")
    return sorted(Entry(path.stem, _source(path)) for path in paths)


def data() -> list[Entry]:
    """Return the data sets that `train` knows by name."""
    return [Entry(name, about) for name, about in DATA.items()]


def layers() -> list[Entry]:
    """Return the layers, each with its arguments in the language."""
    return [Entry(kind, _purpose(op), tuple(_arguments(op))) for kind, op in OPS.items()]


KINDS = {
    "networks": networks,
    "templates": templates,
    "libraries": libraries,
    "recipes": recipes,
    "data": data,
    "layers": layers,
}


def all_of(kinds: Iterable[str]) -> dict[str, list[Entry]]:
    """Return all entries of some kinds, by kind."""
    return {kind: KINDS[kind]() for kind in kinds}


# --- specs ---


def _files() -> Iterator[tuple[str, Library]]:
    """Yield every shipped spec and library by its name, with what it declares."""
    libraries = sorted(path.stem for path in shipped.path("specs", "lib").glob("*.res"))
    for spec in [*shipped_names(), *(f"lib/{name}" for name in libraries)]:
        yield spec, open_spec(shipped.path("specs", f"{spec}.res")).library


def _declared(library: Library, *kinds: type) -> list[str]:
    return [name for name, declared in library.own.items() if isinstance(declared, kinds)]


def _network(library: Library, spec: str, name: str) -> Entry:
    is_main = name == spec.rpartition("/")[2]
    return Entry(
        spec if is_main else f"{spec}:{name}",
        _about(library),
        tuple(Argument(*each) for each in _values(library, name).items()),
    )


def _values(library: Library, name: str) -> dict[str, str | None]:
    """Return the parameters of a network, with the values that they have."""
    found = levels(library, name, lambda _: None)
    values = dict[str, str | None]()
    for level in reversed(found):
        values |= {each: given.value.span.text for each, given in level.arguments.items()}
        values |= dict(_parameters(level.declared))
    return {each: values[each] for each in parameters(found)}


def _parameters(declared: Named) -> tuple[Argument, ...]:
    if not isinstance(declared, ast.NetworkDecl | ast.Block):
        return ()
    return tuple(
        Argument(each.name.text, each.default and each.default.span.text)
        for each in declared.parameters
    )


def _word(declared: Named) -> str:
    return "shortcut" if isinstance(declared, ast.Option) else "block"


def _about(library: Library) -> str:
    """Return the comment in the first line of a file."""
    first, _, _ = library.source.text.partition("\n")
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _source(recipe: Path) -> str:
    """Return the first line of a recipe, which names its source."""
    first, _, _ = recipe.read_text(encoding="utf-8").partition("\n")
    return first.removeprefix("source:").strip()


# --- layers ---


def _purpose(op: type[Layer]) -> str:
    """Return the first sentence of a layer's docstring, or else its module."""
    words = " ".join((op.__dict__.get("__doc__") or op.module).split())
    sentence, *_ = re.split(r"(?<!et al)\.(?: |$)", words)
    return sentence


def _arguments(op: type[Layer]) -> Iterator[Argument]:
    """Yield the arguments of a layer by their words in the language."""
    words = {name: word for word, name in op.words.items()}
    for field in sorted(fields(op), key=lambda field: field.name not in op.positional):
        word = words.get(field.name, field.name)
        yield Argument("/stride" if word == "stride" else word, _default(op, field))
    if issubclass(op, Norm):
        yield Argument("scale", "1")


def _default(op: type[Layer], field: Field[Any]) -> str | None:
    """Return the value of an argument that is not given; `auto` where other arguments decide it."""
    if field.name in op.choices:
        return op.choices[field.name][0]
    match field.default:
        case _ if field.default is MISSING:
            return None
        case _ if field.default is None or field.name == "padding":
            return "auto"
        case bool() as flag:
            return str(flag).lower()
        case Fraction() as number:
            return f"{float(number):g}"
        case (height, width):
            return str(height) if height == width else f"{height}x{width}"
        case other:
            return str(other)
