"""Text to AST. The only module that knows lark; the syntax itself stands in grammar/resspec.lark."""

from __future__ import annotations

import re
from functools import cache
from threading import Lock
from typing import NoReturn

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from resspec.diagnostics import Diagnostic, SpecError
from resspec.source import Source, Span
from resspec.syntax import ast, errors, tables
from resspec.syntax.build import MAX_DEPTH, Builder

_lock = Lock()
_BRACKETS = re.compile(r'"[^"\n]*"|#[^\n]*|([{}()])')


def read(name: str, data: bytes) -> Source:
    """Bytes of a file to a source. Raises SpecError where they are no plain text of a sane size."""
    if len(data) > errors.MAX_BYTES:
        raise SpecError([errors.too_large(Source(name, ""), len(data))])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        source = Source(name, before + "�")
        what = f"byte {error.start} (0x{data[error.start]:02X}) is not UTF-8"
        raise SpecError([errors.not_text(source, len(before), what, "save the file as UTF-8")]) from None
    text = text.replace("\r\n", "\n")
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
            _fail(source, error)
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
    for found in _BRACKETS.finditer(source.text):
        match found[1]:
            case "{" | "(":
                depth += 1
                if depth > MAX_DEPTH:
                    raise SpecError([errors.too_deep(Span(source, found.start(), found.end()), MAX_DEPTH)])
            case "}" | ")":
                depth -= 1


def _fail(source: Source, error: UnexpectedInput) -> NoReturn:
    raise SpecError([_explain(source, error)]) from None


def _explain(source: Source, error: UnexpectedInput) -> Diagnostic:
    text = source.text
    expected = _expected(error)
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        end = Span(source, len(text.rstrip()), len(text))
        opening = _unmatched(source)
        return errors.unclosed(opening, end) if opening else errors.ends_early(end, expected)
    start = error.token.start_pos if isinstance(error, UnexpectedToken) else error.pos_in_stream
    assert start is not None
    span = Span(source, start, _word_end(text, start))
    first = span.text[:1]
    if not first.isascii():
        return errors.odd_character(Span(source, start, start + 1))
    if first == '"':
        return errors.unterminated(Span(source, start, len(text.split("\n", 1)[0]))) if '"' not in span.text[1:] \
            else errors.unexpected(span, expected)
    if first in "})" and not _opens_before(source, start):
        return errors.closes_nothing(span)
    if language := _foreign(text):
        return errors.foreign(span, language)
    if first == "/" or (_is_value_end(text, start) and "," in expected and (first.isalnum() or first == "(")):
        return errors.missing_comma(span)
    return errors.unexpected(span, expected)


_WORDS = {
    "NAME": "a name", "NUMBER": "a number", "SIZE": "a size such as `3x3`", "LABEL": "a label such as `name:`",
    "STRING": "a string", "COMPARISON": "`==`, `<=` or `>=`", "_NL": "the end of the line", "$END": "the end of the file",
    "TOUCHING_SLASH": "a stride such as `/2`",
}
_SHOWN = ("NAME", "LABEL", "NUMBER", "SIZE", "STRING", "COMPARISON", "EQUAL", "LBRACE", "RBRACE", "RPAR", "COMMA", "X", "_NL")


def _expected(error: UnexpectedInput) -> str:
    """What may stand there, in the words of the reference."""
    allowed: set[str] = set()
    match error:
        case UnexpectedToken():
            allowed = set(error.accepts or error.expected)
        case UnexpectedCharacters():
            allowed = set(error.allowed or ())
    terminals = {t.name: t for t in _parser()[0].terminals}
    words = [_WORDS.get(name) or f"`{terminals[name].pattern.value}`" for name in _SHOWN if name in allowed]
    if not words:
        keywords = sorted(t.pattern.value for name, t in terminals.items() if name in allowed and t.pattern.type == "str")
        words = [f"`{word}`" for word in keywords]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1] if words else ""


def _word_end(text: str, start: int) -> int:
    found = re.compile(r"[A-Za-z0-9_.]+|/[A-Za-z0-9_]+|->|\"[^\"\n]*\"?|.", re.DOTALL).match(text, start)
    return found.end() if found else start


def _is_value_end(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t")
    return bool(before) and len(before) < start and (before[-1].isalnum() or before[-1] in "_)")


def _brackets(source: Source, end: int) -> tuple[list[Span], bool]:
    """What is open at `end`, and whether something was closed that was not open."""
    stack: list[Span] = []
    for found in _BRACKETS.finditer(source.text, 0, end):
        match found[1]:
            case "{" | "(":
                stack.append(Span(source, found.start(), found.end()))
            case "}" | ")" if stack:
                stack.pop()
            case "}" | ")":
                return stack, True
    return stack, False


def _unmatched(source: Source) -> Span | None:
    stack, _ = _brackets(source, len(source.text))
    return stack[-1] if stack else None


def _opens_before(source: Source, end: int) -> bool:
    return bool(_brackets(source, end)[0])


def _foreign(text: str) -> str | None:
    if re.match(r"\s*[{\[]\s*[\"{\[]", text):
        return "JSON"
    if re.search(r"^\s*(import \w|from \w+ import|class \w+\(|def \w+\()", text, re.MULTILINE):
        return "Python"
    if re.search(r"^(---|\w+:\s*(\n|$)|- \w)", text, re.MULTILINE):
        return "YAML"
    return None
