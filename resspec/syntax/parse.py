"""Text to AST; the syntax itself stands in grammar/resspec.lark."""

from __future__ import annotations

from functools import cache
from threading import Lock

from lark import Lark
from lark.exceptions import UnexpectedInput

from resspec.diagnostics import SpecError
from resspec.source import Source, Span
from resspec.syntax import ast, errors, tables
from resspec.syntax.build import MAX_DEPTH, Builder
from resspec.syntax.explain import BRACKETS, explain

_lock = Lock()


def read(name: str, data: bytes) -> Source:
    """Bytes of a file to a source. Raises SpecError where they are no plain text of a sane size."""
    if len(data) > errors.MAX_BYTES:
        raise SpecError([errors.too_large(Source(name, ""), len(data))])
    try:
        text = data.decode().removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode().removeprefix("\ufeff")
        source = Source(name, before + "�")
        what = f"byte {error.start} (0x{data[error.start]:02X}) is not UTF-8"
        raise SpecError([errors.not_text(source, len(before), what, "save the file as UTF-8")]) from None
    for char, what in (("\0", "a NUL byte"), ("\ufeff", "a byte-order mark inside the text"), ("\r", "a lone carriage return")):
        if (offset := text.find(char)) >= 0:
            raise SpecError([errors.not_text(Source(name, text), offset, what, "remove it")])
    return Source(name, text)


def parse(source: Source) -> ast.File:
    """Raises SpecError for a text that is not of the language."""
    _check_nesting(source)
    with _lock:
        parser, builder = _parser()
        builder.begin(source)
        try:
            file: ast.File = parser.parse(source.text)  # type: ignore[assignment]  # the builder makes it
        except UnexpectedInput as error:
            raise SpecError([explain(source, error, parser)]) from None
        refused = builder.refused
    if not file.declarations and not refused:
        refused = [errors.empty(source)]
    if refused:
        raise SpecError(refused)
    return file


@cache
def _parser() -> tuple[Lark, Builder]:
    builder = Builder()
    return tables.parser(builder), builder


def _check_nesting(source: Source) -> None:
    """Before the parser, since walks over a tree recurse where the parser does not."""
    depth = 0
    for found in BRACKETS.finditer(source.text):
        match found[1]:
            case "{" | "(":
                depth += 1
                if depth > MAX_DEPTH:
                    raise SpecError([errors.too_deep(Span(source, found.start(), found.end()), MAX_DEPTH)])
            case "}" | ")":
                depth -= 1
