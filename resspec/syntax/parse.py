"""From text to AST. The syntax itself is in grammar/resspec.lark."""

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

ENOUGH = errors.MAX_BYTES + 1  # bytes of a file: with so many it is known to be too large
MAX_MISTAKES = 100  # of one text
_BRACKETS = re.compile(r'"[^"\n]*"|#[^\n]*|([{}()])')
_PROSE = re.compile(r'"[^"\n]*"|#[^\n]*')
_NOT_TEXT = {
    "\0": "a NUL byte",
    "\ufeff": "a byte-order mark inside the text",
    "\r": "a lone carriage return",
}
_lock = Lock()


def read(name: str, data: bytes) -> Source:
    """Return the source of a file.

    Args:
        name: The file's name in messages.
        data: Its bytes, of which ENOUGH are enough.

    Raises:
        SpecError: It is not plain text, or too large.
    """
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
        wrong = errors.not_text(source, len(before), what, "save the file as UTF-8")
        raise SpecError([wrong]) from None
    source = Source(name, text)
    for char, what in _NOT_TEXT.items():
        if (offset := text.find(char)) >= 0:
            raise SpecError([errors.not_text(source, offset, what, "remove it")])
    return source


def parse(source: Source) -> ast.SpecFile:
    """Return the AST of a text. Raises SpecError with an error of each clause that has one."""
    parsed = parse_partly(source)
    if parsed.file is None or parsed.mistakes:
        raise SpecError(parsed.mistakes)
    return parsed.file


class Parsed(NamedTuple):
    """The part of a text that could be read, if any, and the errors in the rest."""

    file: ast.SpecFile | None
    mistakes: list[Diagnostic]


@lru_cache(16)
def parse_partly(source: Source) -> Parsed:
    """Return the syntax errors, one for each clause that has some, and all other clauses.

    The last sources are remembered: a command opens its spec several times, and specs share
    libraries.
    """
    unseen = list(_unseen(source))
    try:
        file = _parse_file(source)
    except SpecError as first:
        partial, found = _rest(source, list(first.diagnostics))
        return Parsed(partial, unseen + found)
    if not unseen and not file.declarations:
        return Parsed(None, [errors.empty(source)])
    return Parsed(file, unseen)


def _unseen(source: Source) -> Iterator[Diagnostic]:
    """Yield the first invisible character of each comment and string, which could hide text."""
    for found in _PROSE.finditer(source.text):
        if found[0].replace("\t", "").isprintable():
            continue
        hidden = (i for i, char in enumerate(found[0]) if not char.isprintable() and char != "\t")
        at = found.start() + next(hidden)
        yield errors.odd_character(Span(source, at, at + 1), unseen=True)


def _rest(source: Source, first: list[Diagnostic]) -> tuple[ast.SpecFile | None, list[Diagnostic]]:
    """Return what can be read without the statements of the first errors, and the other errors.

    A long text has few tries.
    """
    from resspec.syntax.recover import Hole, blank, with_holes, without
    from resspec.syntax.statements import Statement, outline

    if first[0].code in errors.OF_THE_WHOLE:
        return None, first[:1]
    found, text, holes = list[Diagnostic](), source.text, list[Hole]()
    fixed: list[Statement | None] = []  # what is wrong in them now may follow from the fix
    where = outline(source)
    for unclear in where.unclear:
        hole = (unclear.start, unclear.end)
        text, holes = blank(text, hole), [*holes, hole]
        found.append(unclear.diagnostic)
    mistakes = [] if found else first
    for _ in range(min(MAX_MISTAKES, (1 << 22) // len(source.text))):
        for mistake in mistakes:
            statement = where.around(mistake.labels[0].span.start)
            is_odd = mistake.code == errors.ODD_CHARACTER
            if is_odd or statement not in fixed:
                found.append(mistake)
            left = without(text, mistake, where)
            if left is None:
                return None, _sorted(found)
            text, left_out = left
            if left_out:
                holes.append(left_out)
            elif is_odd:
                fixed.append(statement)
        try:
            file = _parse_file(source, text)
        except SpecError as error:
            mistakes = list(error.diagnostics)
            is_cut = where.unclear or len(text.rstrip()) < len(source.text.rstrip())
            if is_cut and mistakes[0].code in errors.OF_BRACES:
                break  # since a part of its end was left out
        else:
            return with_holes(file, source, holes), _sorted(found)
    return None, _sorted(found)


def _sorted(found: list[Diagnostic]) -> list[Diagnostic]:
    return sorted(found, key=lambda each: each.labels[0].span.start)


def _in(source: Source, found: Diagnostic) -> Diagnostic:
    """Return a diagnostic of another text at the same places of this one."""

    def moved(span: Span) -> Span:
        return span._replace(source=source)

    labels = tuple(label._replace(span=moved(label.span)) for label in found.labels)
    fix = found.fix._replace(span=moved(found.fix.span)) if found.fix else None
    return found._replace(labels=labels, fix=fix)


def parse_expectation(source: Source) -> ast.Expect:
    """Return a condition, as after the word `expect`. Raises SpecError where it cannot be read."""
    expected = _parse(source, "expectation", "budget")
    assert isinstance(expected, ast.Expect)
    return expected


def _parse_file(source: Source, text: str | None = None) -> ast.SpecFile:
    file = _parse(source, "start", "file", text)
    assert isinstance(file, ast.SpecFile)
    return file


def _parse(source: Source, start: str, whole: str, text: str | None = None) -> object:
    """Return what the builder makes of a text; `text` is the source with blanks in some places."""
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
    """Return the tokens of a text, with `_NL` between statements. Raises SpecError."""
    _check_nesting(source)
    with _lock, suppress(UnexpectedInput):
        parser, builder = _parser()
        builder.begin(source)
        found = tables.tokens(parser, source.text)
        if found and not builder.refused and not any(_unseen(source)):
            return found
    parse(source)
    raise InternalError(f"{source.name} can be read as a whole, but not token by token")


@cache
def _parser() -> tuple[Lark, Builder]:
    builder = Builder()
    return tables.parser(builder), builder


def _check_nesting(source: Source) -> None:
    """Raise SpecError where brackets are nested too deeply for the walks over the tree."""
    depth = 0
    for found in _BRACKETS.finditer(source.text):
        match found[1]:
            case "{" | "(":
                depth += 1
                if depth > MAX_DEPTH:
                    raise SpecError([errors.too_deep(Span(source, *found.span()), MAX_DEPTH)])
            case "}" | ")":
                depth -= 1
