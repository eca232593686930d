"""The context of the cursor, in a text that need not parse: clause, call and argument."""

from __future__ import annotations

import re
from typing import NamedTuple

from resspec.source import Source
from resspec.syntax.statements import outline

_WORD = re.compile(
    r'"[^"\n]*"?|#[^\n]*|->|[A-Za-z0-9_][A-Za-z0-9_.\-]*:|[A-Za-z0-9_][A-Za-z0-9_./]*|[^ \t\r]'
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPENS_STEP = ("->", "{", "|")
_BEFORE_STEP = ("stem", "head", "residual", "after", "preact")
_NO_STEP = ("block", "let", "shortcut", "preact", "residual", "after")


class Call(NamedTuple):
    """A call that the cursor is in: what is called, and the arguments before the cursor."""

    name: str
    arguments: tuple[str, ...]  # the last is the one with the cursor
    is_applied: bool  # in parentheses


class Place(NamedTuple):
    """The place of a cursor.

    Attributes:
        declaration: The words of the declaration around it, up to its brace or the cursor.
        clause: The words of the clause before the cursor, or of the declaration outside of braces.
        begins: Whether a statement begins here.
        inside: Whether it is in the braces of a declaration.
        typed: The part of a word that ends at the cursor.
        is_prose: Whether it is in a comment.
        is_string: Whether it is in a string.
        call: The call around it, if any.
    """

    declaration: tuple[str, ...]
    clause: tuple[str, ...]
    begins: bool
    inside: bool
    typed: str
    is_prose: bool
    is_string: bool
    call: Call | None

    @property
    def kind(self) -> str:
        """The first word of the declaration."""
        return self.declaration[0] if self.declaration else ""

    @property
    def is_step(self) -> bool:
        """True if a step of a chain may begin here."""
        if not self.clause:
            return False
        last = self.clause[-1]
        if last == "=" and self.kind == "block" and not self.inside:
            return True
        is_count = last == "x" and len(self.clause) > 1
        after_label = last.endswith(":") and self.clause[0] not in ("init", "replace")
        return last in _OPENS_STEP or last in _BEFORE_STEP or is_count or after_label


def place_of(text: str, offset: int) -> Place:
    """Return what is known of a place in a source."""
    typed = _typed(text, offset)
    before = text[: offset - len(typed)]
    start, inside, head = _statement(before)
    tokens = [found[0] for found in _WORD.finditer(before, start) if found[0] != "\n"]
    last = next(reversed(list(_WORD.finditer(before, before.rfind("\n") + 1))), None)
    is_prose = last is not None and last[0].startswith("#") and "\n" not in before[last.end() :]
    is_string = last is not None and _is_open(last[0]) and last.end() == len(before)
    clause = tuple(each for each in tokens if not each.startswith("#"))
    begins = not clause
    return Place(
        head, clause, begins, inside, typed, is_prose, is_string, _call(clause, _kind(head))
    )


def _is_open(token: str) -> bool:
    return token.startswith('"') and (len(token) == 1 or not token.endswith('"'))


def _typed(text: str, offset: int) -> str:
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    return text[start:offset]


def _statement(before: str) -> tuple[int, bool, tuple[str, ...]]:
    """Return where the statement before the cursor begins, whether it is in the braces of a
    declaration, and the head of that.
    """
    at = len(before)
    found = outline(Source("", before + "\n")).statements
    around = [each for each in found if not each.is_clause and each.start <= at]
    if not around:
        return _line_start(before), False, ()
    declaration = max(around, key=lambda each: each.start)
    words = [each for each in _WORD.finditer(before, declaration.start) if each[0] != "\n"]
    head: list[str] = []
    depth = opened = 0
    for word in words:
        sign = word[0]
        if sign == "{" and depth == 0 and not opened:
            opened = word.end()
        depth += (sign in "{(") - (sign in "})")
        if not opened:
            head.append(sign)
    if opened and depth <= 0:
        return _line_start(before), False, ()
    if not opened:
        is_new = "\n" in before[declaration.start :] and _ends_statement(head, before)
        return (at, False, ()) if is_new else (declaration.start, False, tuple(head))
    clauses = [each for each in found if each.is_clause and opened <= each.start <= at]
    start = max((each.start for each in clauses), default=opened)
    return (at if _is_done(before[start:]) else start), True, tuple(head)


def _ends_statement(head: list[str], before: str) -> bool:
    line = before[before.rfind("\n") + 1 :]
    return not line.strip() and head[-1] not in ("->", "=", "|", ",", "(", "{")


def _is_done(clause: str) -> bool:
    """Return whether a clause ends before the cursor: by `;`, or on a line above."""
    words = [each[0] for each in _WORD.finditer(clause)]
    if not words:
        return False
    if words[-1] in ("\n", ";"):
        last = next((each for each in reversed(words) if each not in ("\n", ";")), "")
        depth = sum((each in "{(") - (each in "})") for each in words if len(each) == 1)
        return last not in ("->", "|", ",", "=", "{", "(", "") and depth == 0
    return False


def _line_start(before: str) -> int:
    return max(before.rfind("\n"), before.rfind(";")) + 1


def _kind(head: tuple[str, ...]) -> str:
    return head[0] if head else ""


def _call(clause: tuple[str, ...], kind: str) -> Call | None:
    """Return the call that the last word of a clause is in."""
    opened: list[int] = []
    for i, word in enumerate(clause):
        if word in ("(", "["):
            opened.append(i)
        elif word in (")", "]") and opened:
            opened.pop()
    parentheses = [i for i in opened if clause[i] == "("]
    if parentheses and parentheses[-1] > 0 and _NAME.fullmatch(clause[parentheses[-1] - 1]):
        at = parentheses[-1]
        return Call(clause[at - 1], _arguments(clause[at + 1 :]), True)
    is_chain = kind == "block" and clause[:1] not in [(word,) for word in _NO_STEP]
    start = max(
        (i + 1 for i, word in enumerate(clause) if _begins_step(clause, i) and i + 1 < len(clause)),
        default=0 if is_chain else -1,
    )
    if not 0 <= start < len(clause) or not _NAME.fullmatch(clause[start]):
        return None
    return Call(clause[start], _arguments(clause[start + 1 :]), False)


def _begins_step(clause: tuple[str, ...], i: int) -> bool:
    word = clause[i]
    if word in _OPENS_STEP or (word == "x" and i > 0):
        return True
    if word.endswith(":") or (word == "=" and clause[0] == "block" and clause[i - 1] == ")"):
        return True
    return i == 0 and word in (*_BEFORE_STEP, "shortcut", "init", "expect")


def _arguments(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the arguments before the cursor; the last may be empty."""
    found, depth = [""], 0
    for word in words:
        depth += (word in ("(", "[")) - (word in (")", "]"))
        if word == "," and depth == 0:
            found.append("")
        else:
            found[-1] = f"{found[-1]} {word}".strip()
    return tuple(found)
