"""The statements of a text that need not parse, and its brackets that do not match.

Statements are recognized by the words that open them: a declaration is in no brace, and a clause in
one, that of its declaration. Where the words `stage`, `block` and so on are deeper or less deep,
the statement before has a brace too few or too many.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.syntax import errors

_WORDS = re.compile(
    r'"[^"\n]*"|#[^\n]*|->|[A-Za-z0-9_][A-Za-z0-9_.\-]*:|[A-Za-z0-9_.]+|[\n;]|[^ \t\r]'
)
MAX_UNCLEAR = 100  # mistakes of braces after which nobody reads on
_DECLARES = ("use", "block", "network")
_EITHER = ("let", "shortcut")
_CLAUSES = {*errors.NETWORK_CLAUSES, *errors.BLOCK_CLAUSES}.difference(_EITHER)
_CONTINUES = (",", "(", "[", "->", "|", "=", "+", "-", "*", "/")  # a line that ends with one
_JOINS = ("->", "|", "}", ")", "=", "{", "(")  # a line that begins with one continues another
_HAS_BODY = re.compile(r"shortcut\s+[A-Za-z0-9_]+\s*(?:\([^{}\n]*\)\s*)?\{")


class Statement(NamedTuple):
    """A declaration with all that is in it, or a clause (an arm, too)."""

    start: int
    end: int
    is_clause: bool


class Unclear(NamedTuple):
    """A brace that does not match, and the range of text that cannot be read for it."""

    diagnostic: Diagnostic
    start: int
    end: int


class Outline(NamedTuple):
    statements: list[Statement]
    unclear: list[Unclear]

    def around(self, at: int) -> Statement | None:
        """Return the clause around a place, or the declaration where the place is in none."""
        found = [each for each in self.statements if each.start <= at < each.end]
        return min(found, key=lambda each: each.end - each.start, default=None)


def outline(source: Source) -> Outline:
    """Return the statements of a text, and its brackets that do not match.

    Where a brace is missing or too many, the indentation shows where it belongs.
    """
    found = _Walk(source, by_layout=False)
    if found.mistakes:
        by_layout = _Walk(source, by_layout=True)
        found = by_layout if by_layout.mistakes else found
    here = Outline(found.statements, [])
    here.unclear.extend(_unclear(here, diagnostic, at) for diagnostic, at in found.mistakes)
    return here


def _unclear(here: Outline, diagnostic: Diagnostic, at: int) -> Unclear:
    """Return the range that a wrong bracket makes unreadable, often a clause alone."""
    around = here.around(at)
    if diagnostic.code == errors.CLOSES_NOTHING and not (around and around.is_clause):
        text = diagnostic.labels[0].span.source.text
        before = (each.start for each in here.statements if each.is_clause and each.end == at)
        start = next(
            (start for start in before if "\n" not in text[len(text[:at].rstrip()) : at]), at
        )
        return Unclear(diagnostic, start, at + 1)
    return (
        Unclear(diagnostic, around.start, around.end) if around else Unclear(diagnostic, at, at + 1)
    )


class _Walk:
    """One reading from start to end, which continues after a mistake."""

    def __init__(self, source: Source, *, by_layout: bool) -> None:
        self.source, self.text, self.by_layout = source, source.text, by_layout
        self.statements: list[Statement] = []
        self.mistakes: list[tuple[Diagnostic, int]] = []
        self.open: list[int] = []  # brackets; where it `has_body`, the first opens that
        self.declaration = self.clause = -1  # where the present ones start, -1 for none
        self.has_body = self.is_chain = False
        self.closed = -1  # the bracket that closed the last body
        self._read()

    def _read(self) -> None:
        fresh, before = True, ";"
        for found in _WORDS.finditer(self.text):
            word, at = found[0], found.start()
            if word[0] == "#":
                continue
            if len(self.mistakes) >= MAX_UNCLEAR:
                break
            if word in "\n;":
                fresh, before = True, before if word == "\n" else word
                continue
            if (
                fresh
                and word not in _JOINS
                and (before not in _CONTINUES or word in (*_DECLARES, *_EITHER, *_CLAUSES))
            ):
                self._begins(at, word)
            fresh, before = False, word
            if word in "{(":
                fresh = self._opens(at)
            elif word in "})":
                self._closes(at)
            elif word == "=" and not self.open and self.text.startswith("block", self.declaration):
                self.is_chain = True
        if self.open:
            self._unclosed(len(self.text.rstrip()), "the file ends here")
        self._end_declaration(len(self.text))

    def _begins(self, at: int, word: str) -> None:
        """Note a word that may open a statement; where it must, nothing else is open."""
        level = self._level(at, word)
        if level == 0:
            if self.open:
                self._unclosed(at, "the next declaration begins here")
            self._end_declaration(at)
            self.declaration = at
        elif level == 1:
            self._within_body(at, "the next clause begins here")
            self._end_clause(at)
            self.clause = at
        elif not self.open:
            self._end_declaration(at)
            self.declaration = at
        elif len(self.open) == 1 and self.has_body:
            self._end_clause(at)
            self.clause = at

    def _level(self, at: int, word: str) -> int | None:
        """Return the number of braces around a word; None where that varies."""
        if word in _DECLARES:
            return 0
        if word == "shortcut":
            if not self.open:
                return 0 if self._column(at) == 0 or _HAS_BODY.match(self.text, at) else 1
            is_indented = self._begins_line(at) and self._column(at) > self._column(
                self.declaration
            )
            return 1 if is_indented or not _HAS_BODY.match(self.text, at) else 0
        return 1 if word in _CLAUSES or (word == "let" and self.open) else None

    def _opens(self, at: int) -> bool:
        """Return whether a clause may follow."""
        self.open.append(at)
        self.has_body |= len(self.open) == 1 and self.text[at] == "{" and not self.is_chain
        return len(self.open) == 1 and self.has_body

    def _closes(self, at: int) -> None:
        sign = self.text[at]
        if self.by_layout and sign == "}" and len(self.open) > 1 and self._is_below_declaration(at):
            self._within_body(at, "its declaration ends here")
        if sign == "}" and self.open and self.text[self.open[-1]] == "(":
            self._unclosed(at, "its brace ends here", left=len(self.open) - 1)
        if not self.open or (sign == ")") != (self.text[self.open[-1]] == "("):
            self._closes_nothing(at)
            return
        self.open.pop()
        if not self.open and self.has_body:
            self._end_clause(at)
            self.closed = at

    # --- what does not match ---

    def _within_body(self, at: int, what: str) -> None:
        """Report open brackets other than the brace of the declaration."""
        if len(self.open) > 1:
            self._unclosed(at, what, left=1)
        elif not self.open and self.declaration >= 0:
            if self.has_body:
                self._report(errors.closes_nothing(self._at(self.closed)), self.closed)
            else:
                end = len(self.text[:at].rstrip(" \t\n;"))
                head = re.fullmatch(r"([^\n:]*):", self.text[self.declaration : end])
                help = f"write the body in braces: `{head[1]} {{ … }}`" if head else None
                place = end - 1 if head else end
                self._report(
                    errors.unexpected(Span(self.source, place, place + 1), "`{`", help),
                    self.declaration,
                )
                self.has_body = True
            self.open.append(self.declaration)

    def _unclosed(self, end: int, what: str, left: int = 0) -> None:
        """Report the innermost bracket; `left` of those around it stay open."""
        opening = self.open[-1]
        if self.text[opening] in "{(":  # and not the declaration of one that is missing
            self._report(errors.unclosed(self._at(opening), self._at(end), what), opening)
        del self.open[left:]

    def _closes_nothing(self, at: int) -> None:
        """Report a closing brace, or the one before it where this one is below its declaration."""
        wrong, is_right = at, self.by_layout and self._is_below_declaration(at)
        if is_right and self.closed >= 0 and not self._is_below_declaration(self.closed):
            wrong, self.closed = self.closed, at
        self._report(errors.closes_nothing(self._at(wrong)), wrong)

    def _report(self, diagnostic: Diagnostic, at: int) -> None:
        self.mistakes.append((diagnostic, at))

    # --- places ---

    def _end_clause(self, at: int) -> None:
        if self.clause >= 0:
            self.statements.append(Statement(self.clause, at, True))
        self.clause = -1

    def _end_declaration(self, at: int) -> None:
        self._end_clause(at)
        if self.declaration >= 0:
            self.statements.append(Statement(self.declaration, at, False))
        self.has_body = self.is_chain = False
        self.closed = -1

    def _at(self, at: int) -> Span:
        return Span(self.source, at, min(at + 1, len(self.text)))

    def _column(self, at: int) -> int:
        return at - self.text.rfind("\n", 0, at) - 1

    def _is_below_declaration(self, at: int) -> bool:
        """Return whether a brace begins a line, below the first word of its declaration."""
        return (
            self.declaration >= 0
            and self._begins_line(at)
            and self._column(at) == self._column(self.declaration)
        )

    def _begins_line(self, at: int) -> bool:
        return not self.text[self.text.rfind("\n", 0, at) + 1 : at].strip()
