"""Syntax errors: from an error of the parser to a diagnostic in the words of the reference."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.suggest import alike, joined
from resspec.syntax import errors
from resspec.syntax.constructs import construct, opens_construct
from resspec.syntax.habits import habit

BRACKETS = re.compile(r'"[^"\n]*"|#[^\n]*|([{}()])')
_WORD = re.compile(r"[A-Za-z0-9_.]+|/[A-Za-z0-9_]+|->|\"[^\"\n]*\"?|.", re.DOTALL)
_STATEMENT = re.compile(r"(?:^|[\n;{])[ \t]*([A-Za-z_]+)[^\n;{]*\Z")
_OWNER = re.compile(r"(?:^|[\n;])[ \t]*(network|block|shortcut)\b[^\n;{}]*\Z")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]|-(?!>))*")
_NEXT = re.compile(r"(?:\s|#[^\n]*)*([A-Za-z0-9_.]+|\S)")
_RESIDUAL = re.compile(r"[\n;{][ \t]*(?:preact|residual|shortcut|after)\b")  # a block of clauses
_DECLARED = re.compile(r"\n(?:use|let|block|shortcut|network)\b|\Z")
_EXPECT = re.compile(r"\s*(expect)\s+(?=\w)")
_UNIT = re.compile(
    r"(?<![A-Za-z0-9_.])([0-9][0-9_.]*)[ \t]*([KMGT](?:I?B|FLOPS?|MACS?)?|B)\Z", re.IGNORECASE
)

_IMPORT = re.compile(r"^[ \t]*(import|include)[ \t]+\w+[ \t]*$", re.MULTILINE)
_NETWORK = re.compile(r"^[ \t]*(?:network|block|shortcut)[ \t]+\w.*[{=]", re.MULTILINE)

_TERMINALS = {
    "NAME": "a name",
    "LABEL": "a label such as `name:`",
    "POINT": "a name such as `layer1`",
    "NUMBER": "a number",
    "SIZE": "a size such as `3x3`",
    "STRING": "a string",
    "COMPARISON": "`==`, `<=` or `>=`",
}
_SIGNS = ("=", "{", "}", ")", "]", ",", "->", "|", "x")


def explain(
    source: Source, error: UnexpectedInput, parser: Lark, whole: str = "file"
) -> Diagnostic:
    """Return the diagnostic of an error of the parser.

    Args:
        source: The text.
        error: The error.
        parser: The parser, which knows what its terminals look like.
        whole: Whether the text is a `file` or a `budget`.
    """
    text, allowed = source.text, _allowed(error, parser)
    if whole == "budget" and (word := _EXPECT.match(text)):
        help = f"leave out the word; a budget is only the condition: `{text[word.end() :].strip()}`"
        return errors.unexpected(Span(source, *word.span(1)), "", help)
    expected = _listed(allowed)
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        end = Span(source, len(text.rstrip()), len(text))
        stack = _open(source, len(text))
        if stack:
            return errors.unclosed(stack[-1], end, f"the {whole} ends here")
        return errors.ends_early(end, expected, whole)
    start = error.token.start_pos if isinstance(error, UnexpectedToken) else error.pos_in_stream
    assert start is not None
    after = _continues(source, start)
    is_end = isinstance(error, UnexpectedToken) and error.token.type == "_NL" and not after
    start = after or start
    found = _WORD.match(text, start)
    span = Span(source, start, found.end() if found else start)
    first = span.text[:1]
    if not ((first.isascii() and first.isprintable()) or first == "\n"):
        return errors.odd_character(Span(source, start, start + 1))
    if first == '"' and span.text.count('"') == 1:
        return errors.unterminated(span)
    if bracket := _bracket(source, start, allowed, is_end=is_end):
        return bracket
    if (word := _IMPORT.match(text, start)) and _NETWORK.search(text):
        return errors.misspelt(Span(source, *word.span(1)), "declaration", ["use"])
    if (language := _foreign(text)) and not _NETWORK.search(text):
        return errors.foreign(span, language)
    misspelt = _misspelt(source, start)
    is_sure = misspelt is not None and not opens_construct(misspelt.labels[0].span)
    return (
        habit(source, span, allowed)
        or (misspelt if is_sure else None)
        or construct(source, span, allowed)
        or misspelt
        or _misjoined(span, text, start, allowed)
        or errors.unexpected(span, expected)
    )


def _continues(source: Source, start: int) -> int | None:
    """Return where the next line of an open brace begins, unless it opens a statement."""
    if source.text[start] != "\n" or len(_open(source, start)) < 2:
        return None
    found = _NEXT.match(source.text, start)
    return found.start(1) if found and found[1] not in errors.OPENINGS else None


def _bracket(
    source: Source, start: int, allowed: dict[str, str], *, is_end: bool
) -> Diagnostic | None:
    """Return the error of a bracket that closes nothing, or is open where its clause ends."""
    stack, here = _open(source, start), Span(source, start, start + 1)
    opening = {"}": "{", ")": "("}.get(here.text)
    if opening and (not stack or (stack[-1].text, here.text) == ("{", ")")):
        return errors.closes_nothing(here)
    may_close = is_end and {"}", ")"} & set(allowed.values())
    if stack and (may_close or (stack[-1].text, here.text) == ("(", "}")):
        return errors.unclosed(stack[-1], here, "its clause ends here")
    return None


def _misspelt(source: Source, start: int) -> Diagnostic | None:
    """Return the error of a statement that begins with nearly a word of the language."""
    found = _STATEMENT.search(source.text[: start + 1]) or _STATEMENT.search(source.text[:start])
    word = _WORD.match(source.text, found.start(1)) if found else None
    if word is None:
        return None
    words, is_sure = _openings(source, word.start())
    near = () if word[0] in words else alike(word[0], words)
    if not near:
        return None
    is_near = len(word[0]) > 5 or near[0][0] == word[0][0]  # as `unit` and `init` are not
    if not is_sure and not is_near:
        return None
    what = "declaration" if words is errors.DECLARATIONS else "clause"
    return errors.misspelt(Span(source, *word.span()), what, near)


def _openings(source: Source, at: int) -> tuple[Sequence[str], bool]:
    """Return the words that may open a statement at a place, and whether nothing else may."""
    stack = _open(source, at)
    owner = _OWNER.search(source.text[: stack[0].start]) if stack else None
    if not stack:
        return errors.DECLARATIONS, True
    if owner and owner[1] == "network":
        return errors.NETWORK_CLAUSES, len(stack) == 1
    ends = _DECLARED.search(source.text, stack[0].end)
    end = ends.start() if ends else at
    is_residual = bool(_RESIDUAL.search(source.text, stack[0].start, end))
    return errors.BLOCK_CLAUSES, is_residual


def _misjoined(span: Span, text: str, start: int, allowed: dict[str, str]) -> Diagnostic | None:
    """Return the error between two words: a missing comma, or `:` in place of `=`."""
    first = span.text[:1]
    before = text[:start].rstrip(" \t")
    ends_value = before[-1:].isalnum() or before[-1:] in ("_", ")")
    if first == ":" and "=" in allowed.values():
        word = re.search(r"[A-Za-z0-9_]*\Z", before)
        return errors.colon(span, word[0] if word else "")
    if first == "/" and before[-1:] == ",":
        number = re.match(r"/[ \t]*([A-Za-z0-9_]+)", text[start:])
        return errors.spaced_stride(span, number[1] if number else "2")
    is_apart = ends_value and len(before) < start and "," in allowed.values()
    if first == "/" or (is_apart and (first.isalnum() or first == "(")):
        if span.text == "x":
            help = "write `->` in front of the count of a repeat: `-> 2 x …`"
            return errors.unexpected(span, "", help)
        return errors.missing_comma(span)
    if number := _UNIT.search(text[: span.end]):
        place = Span(span.source, number.start(), span.end)
        return errors.misspelt_unit(place, number[1], number[2])
    if list(allowed) == ["LABEL"] and (label := _LABEL.match(text, start)):
        return errors.no_label(Span(span.source, start, label.end()))
    return None


def _allowed(error: UnexpectedInput, parser: Lark) -> dict[str, str]:
    """Return the terminals that are allowed there, with their texts where they have one."""
    names: set[str] = set()
    match error:
        case UnexpectedToken():
            names = set(error.accepts or error.expected)
        case UnexpectedCharacters():
            names = set(error.allowed or ())
    texts = {t.name: t.pattern.value for t in parser.terminals if t.pattern.type == "str"}
    ignored = {"BLANK", "CONTINUED", "TRAILING"}
    return {name: texts.get(name, "") for name in sorted(names - ignored)}


def _listed(allowed: dict[str, str]) -> str:
    shown_terminals = {name: shown for name, shown in _TERMINALS.items() if name in allowed}
    if "PLUS" in allowed:  # after a value, where operators are not listed either
        shown_terminals.pop("COMPARISON", None)
    words = [*shown_terminals.values()]
    words += [f"`{sign}`" for sign in _SIGNS if sign in allowed.values()]
    if not words:
        words = [f"`{text}`" for text in allowed.values() if text.isalpha() and text != "if"]
    if "_NL" in allowed:
        words.append("the end of the line")
    return joined(words, "or") if words else ""


def _open(source: Source, end: int) -> list[Span]:
    """Return the braces and parentheses that are open at a place."""
    stack: list[Span] = []
    for found in BRACKETS.finditer(source.text, 0, end):
        match found[1]:
            case "{" | "(":
                stack.append(Span(source, found.start(), found.end()))
            case "}" | ")" if stack:
                stack.pop()
    return stack


def _foreign(text: str) -> str | None:
    if re.match(r"\s*[{\[]\s*[\"{\[]", text):
        return "JSON"
    if re.search(r"^\s*(import \w|from \w+ import|class \w+\(|def \w+\(.*:)", text, re.MULTILINE):
        return "Python"
    if re.search(r"^(---|\w+:\s*(\n|$)|- \w)", text, re.MULTILINE):
        return "YAML"
    return None
