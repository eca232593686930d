"""Text to AST; the syntax itself stands in grammar/resspec.lark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache
from threading import Lock
from typing import NamedTuple

from lark import Lark, Token
from lark.exceptions import UnexpectedInput

from resspec.diagnostics import Diagnostic, InternalError, SpecError
from resspec.source import Source, Span
from resspec.syntax import ast, errors, tables
from resspec.syntax.binary import recognize
from resspec.syntax.build import MAX_DEPTH, Builder
from resspec.syntax.recover import Hole, blank, with_holes, without
from resspec.syntax.statements import Statement, outline

ENOUGH = errors.MAX_BYTES + 1  # bytes of a file: with so many it is known to be too large
MAX_MISTAKES = 100  # that are looked for in one text
_BRACKETS = re.compile(r'"[^"\n]*"|#[^\n]*|([{}()])')
_PROSE = re.compile(r'"[^"\n]*"|#[^\n]*')
_lock = Lock()


def read(name: str, data: bytes) -> Source:
    """Bytes of a file, ENOUGH of them, to a source. Raises SpecError where they are no plain text of a sane size."""
    if binary := recognize(data):
        raise SpecError([errors.not_a_spec(name, binary.name, is_weights=binary.is_weights)])
    if len(data) > errors.MAX_BYTES:
        raise SpecError([errors.too_large(Source(name, ""))])
    try:
        text = data.decode().removeprefix("\ufeff").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode().removeprefix("\ufeff")
        source = Source(name, before + "�")
        what = f"byte {error.start} (0x{data[error.start]:02X}) is not UTF-8"
        raise SpecError(
            [errors.not_text(source, len(before), what, "save the file as UTF-8")]
        ) from None
    for char, what in (
        ("\0", "a NUL byte"),
        ("\ufeff", "a byte-order mark inside the text"),
        ("\r", "a lone carriage return"),
    ):
        if (offset := text.find(char)) >= 0:
            raise SpecError([errors.not_text(Source(name, text), offset, what, "remove it")])
    return Source(name, text)


def parse(source: Source) -> ast.File:
    """Raises SpecError for a text that is not of the language, with a mistake of each clause that has one."""
    parsed = parse_partly(source)
    if parsed.file is None or parsed.mistakes:
        raise SpecError(parsed.mistakes)
    return parsed.file


class Parsed(NamedTuple):
    """What could be read of a text, and what is wrong in the rest; no file where nothing more can be told of it."""

    file: ast.File | None
    mistakes: list[Diagnostic]


def parse_partly(source: Source) -> Parsed:
    """The mistakes of syntax, one for each clause that has some, and all other clauses."""
    unseen = list(_unseen(source))
    try:
        file = _parse(source, "start", "file")
    except SpecError as first:
        file, found = _rest(source, list(first.diagnostics))
        return Parsed(file, unseen + found)
    assert isinstance(file, ast.File)
    return (
        Parsed(file, unseen)
        if unseen or file.declarations
        else Parsed(None, [errors.empty(source)])
    )


def _unseen(source: Source) -> Iterator[Diagnostic]:
    """What a comment or a string holds and nobody sees: it could turn a line around, or hide a part of it."""
    for found in _PROSE.finditer(source.text):
        if not found[0].replace("\t", "").isprintable():
            at = next(
                i
                for i, char in enumerate(found[0], found.start())
                if not char.isprintable() and char != "\t"
            )
            yield errors.odd_character(Span(source, at, at + 1), unseen=True)


def _rest(source: Source, first: list[Diagnostic]) -> tuple[ast.File | None, list[Diagnostic]]:
    """With the mistakes that are found once the statements of the first ones are left out, and what is right then. A text
    that is long has few chances."""
    if first[0].code in errors.OF_THE_WHOLE:
        return None, first[:1]
    found, text, holes = list[Diagnostic](), source.text, list[Hole]()
    mended: list[Statement | None] = []  # what is wrong there may follow from what stands there now
    where = outline(source)
    for unclear in where.unclear:
        hole = (unclear.start, unclear.end)
        text, holes = blank(text, hole), [*holes, hole]
        found.append(unclear.diagnostic)
    mistakes = [] if found else first
    for _ in range(min(MAX_MISTAKES, (1 << 22) // len(source.text))):
        for mistake in mistakes:
            if (
                mistake.code == errors.ODD_CHARACTER
                or where.around(mistake.labels[0].span.start) not in mended
            ):
                found.append(mistake)
            left = without(text, mistake, where)
            if left is None:
                return None, _sorted(found)
            text, left_out = left
            if left_out:
                holes.append(left_out)
            elif mistake.code == errors.ODD_CHARACTER:
                mended.append(where.around(mistake.labels[0].span.start))
        try:
            file = _parse(source, "start", "file", text)
        except SpecError as error:
            mistakes = list(error.diagnostics)
            if mistakes[0].code in errors.OF_BRACES and (
                where.unclear or len(text.rstrip()) < len(source.text.rstrip())
            ):
                break  # since a part of its end was left out
        else:
            assert isinstance(file, ast.File)
            return with_holes(file, source, holes), _sorted(found)
    return None, _sorted(found)


def _sorted(found: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda each: each.labels[0].span.start)


def _in(source: Source, found: Diagnostic) -> Diagnostic:
    """A diagnostic of another text with the same places."""
    labels = tuple(
        label._replace(span=label.span._replace(source=source)) for label in found.labels
    )
    fix = found.fix._replace(span=found.fix.span._replace(source=source)) if found.fix else None
    return found._replace(labels=labels, fix=fix)


def parse_expectation(source: Source) -> ast.Expect:
    """What stands after the word `expect`. Raises SpecError for a text that is nothing of that kind."""
    expected = _parse(source, "expectation", "budget")
    assert isinstance(expected, ast.Expect)
    return expected


def _parse(source: Source, start: str, whole: str, text: str | None = None) -> object:
    """What the builder makes of a text of this rule; `text`: the source with blanks in some places."""
    shown = source if text is None else Source(source.name, text)
    _check_nesting(shown)
    with _lock:
        parser, builder = _parser()
        builder.begin(source)
        try:
            made = parser.parse(shown.text, start)
        except UnexpectedInput as error:
            from resspec.syntax.explain import explain

            raise SpecError([_in(source, explain(shown, error, parser, whole))]) from None
        if builder.refused:
            raise SpecError(builder.refused)
    return made


def tokens(source: Source) -> list[Token]:
    """The text's tokens, `_NL` between clauses and declarations. Raises SpecError for a text that is not of the language."""
    _check_nesting(source)
    with _lock, suppress(UnexpectedInput):
        parser, builder = _parser()
        builder.begin(source)
        found = tables.tokens(parser, source.text)
        if found and not builder.refused and not any(_unseen(source)):
            return found
    parse(source)
    raise InternalError(f"{source.name} can be read as a whole, but not token by token")


@lru_cache(16)
def parse_library(source: Source) -> Parsed:
    """As `parse_partly`, once for each source that others use."""
    return parse_partly(source)


@cache
def _parser() -> tuple[Lark, Builder]:
    builder = Builder()
    return tables.parser(builder), builder


def _check_nesting(source: Source) -> None:
    """Before the parser, since walks over a tree recurse where the parser does not."""
    depth = 0
    for found in _BRACKETS.finditer(source.text):
        match found[1]:
            case "{" | "(":
                depth += 1
                if depth > MAX_DEPTH:
                    raise SpecError(
                        [errors.too_deep(Span(source, found.start(), found.end()), MAX_DEPTH)]
                    )
            case "}" | ")":
                depth -= 1
