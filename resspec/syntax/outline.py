"""The structure that a layout needs: statements, chains, steps and braces, as ranges of words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from resspec.syntax.words import Word

_HAS_BODY = ("BLOCK", "SHORTCUT", "NETWORK")
_HAS_NO_CHAIN = ("USE", "LET", "SHORTCUT", "INPUT", "OUTPUT", "INIT", "EXPECT")
_HAS_WORD = ("PREACT", "RESIDUAL", "AFTER", "STEM", "HEAD")  # one before its chain
_HAS_WORD_AND_LABEL = ("STAGE", "STAGES", "REPLACE")


class StepRange(NamedTuple):
    """A step of a chain.

    Attributes:
        times: The `x` of a step that begins with a count.
        callee: The name of a call or merge, or the brace of a group.
    """

    start: int
    end: int
    times: int | None
    callee: int
    braces: BraceRange | None


class ChainRange(NamedTuple):
    """The steps of a chain."""

    steps: list[StepRange]

    @property
    def start(self) -> int:
        return self.steps[0].start

    @property
    def end(self) -> int:
        return self.steps[-1].end


class BraceRange(NamedTuple):
    """The paths of a merge, or the one chain of a group."""

    start: int
    end: int
    paths: list[ChainRange]


class StatementRange(NamedTuple):
    """A declaration, a clause, or an arm of a shortcut option."""

    start: int
    end: int
    chain: ChainRange | None = None
    body: BodyRange | None = None
    equals: int | None = None  # the sign before what a network is derived from


class BodyRange(NamedTuple):
    """The statements in the braces of a declaration."""

    start: int
    end: int
    statements: list[StatementRange]


def outline(words: Sequence[Word]) -> list[StatementRange]:
    """Return the declarations of a text."""
    return _Outline(words).declarations()


class _Outline:
    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.texts = [word.text for word in words]
        self.closing: dict[int, int] = {}  # of each bracket
        opened: list[int] = []
        for i, text in enumerate(self.texts):
            if text in ("{", "(", "["):
                opened.append(i)
            elif text in ("}", ")", "]"):
                self.closing[opened.pop()] = i

    def declarations(self) -> list[StatementRange]:
        return self._statements(0, len(self.words) - 1, self._declaration)

    def _statements(
        self, start: int, end: int, read: Callable[[int, int], StatementRange]
    ) -> list[StatementRange]:
        starts = [i for i in self._level(start, end) if self.words[i].opens]
        bounds = pairwise([start, *starts, end])
        return [read(first, past) for first, past in bounds if first < past]

    def _declaration(self, start: int, end: int) -> StatementRange:
        kind = self.words[start].kind
        if kind not in _HAS_BODY:
            return StatementRange(start, end)
        sign = start + 2
        if self.texts[sign] == "(":  # parameters, of which some have an `=` too
            sign = self.closing[sign] + 1
        if kind == "BLOCK" and self.texts[sign] == "=":
            return StatementRange(start, end, self._chain(sign + 1, end))
        equals = sign if self.texts[sign] == "=" else None
        try:
            opening = self.texts.index("{", sign, end)
        except ValueError:
            return StatementRange(start, end, equals=equals)
        read = self._arm if kind == "SHORTCUT" else self._clause
        statements = self._statements(opening + 1, end - 1, read)
        return StatementRange(start, end, None, BodyRange(opening, end, statements), equals)

    def _clause(self, start: int, end: int) -> StatementRange:
        kind = self.words[start].kind
        if kind in _HAS_NO_CHAIN:
            return StatementRange(start, end)
        before = 2 if kind in _HAS_WORD_AND_LABEL else 1 if kind in _HAS_WORD else 0
        return StatementRange(start, end, self._chain(start + before, end))

    def _arm(self, start: int, end: int) -> StatementRange:
        return StatementRange(start, end, self._chain(start + 1, end))

    def _chain(self, start: int, end: int) -> ChainRange:
        return ChainRange([self._step(*each) for each in self._split(start, end, "->")])

    def _step(self, start: int, end: int) -> StepRange:
        times, callee = None, start
        while True:
            if self.words[callee].kind == "LABEL":
                callee += 1
                continue
            after = self._after_atom(callee)
            if after >= end or self.words[after].kind != "X":
                break
            times = after if callee == start else times
            callee = after + 1
        opening = callee if self.texts[callee] == "{" else callee + 1
        is_braced = opening < end and self.texts[opening] == "{"
        braces = self._braces(opening) if is_braced else None
        return StepRange(start, end, times, callee, braces)

    def _after_atom(self, i: int) -> int:
        while self.texts[i] == "-":
            i += 1
        return self.closing.get(i, i) + 1

    def _braces(self, start: int) -> BraceRange:
        end = self.closing[start]
        paths = [self._chain(*each) for each in self._split(start + 1, end, "|")]
        return BraceRange(start, end + 1, paths)

    def _split(self, start: int, end: int, sign: str) -> Iterator[tuple[int, int]]:
        """Yield the parts of a range between the signs that no brace in it holds."""
        for i in self._level(start, end):
            if self.texts[i] == sign:
                yield start, i
                start = i + 1
        yield start, end

    def _level(self, start: int, end: int) -> Iterator[int]:
        """Yield the words of a range that no brace in it holds."""
        i = start
        while i < end:
            yield i
            i = self.closing[i] + 1 if self.texts[i] == "{" else i + 1
