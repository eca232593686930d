"""What a layout has to know of a text: its statements, their chains, the steps of a chain, and what stands in braces; all as
ranges of its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from resspec.syntax.words import Word

_BODIES = ("BLOCK", "SHORTCUT", "NETWORK")
_PREFIXES = {
    "PREACT": 1,
    "RESIDUAL": 1,
    "AFTER": 1,
    "STEM": 1,
    "HEAD": 1,
    "STAGE": 2,
    "REPLACE": 2,
}  # words before a chain
_NO_CHAIN = ("USE", "LET", "SHORTCUT", "INPUT", "INIT", "EXPECT")


class Step(NamedTuple):
    start: int
    end: int
    times: int | None  # the `x` of a step that begins with a count
    callee: int  # what is repeated and labelled: the name of a call or merge, or a brace
    braces: Braces | None


class Chain(NamedTuple):
    steps: list[Step]

    @property
    def start(self) -> int:
        return self.steps[0].start

    @property
    def end(self) -> int:
        return self.steps[-1].end


class Braces(NamedTuple):
    """Paths, or a group of one."""

    start: int
    end: int
    paths: list[Chain]


class Statement(NamedTuple):
    """A declaration, a clause, or an arm of a shortcut option."""

    start: int
    end: int
    chain: Chain | None
    body: Body | None


class Body(NamedTuple):
    start: int
    end: int
    statements: list[Statement]


def outline(words: Sequence[Word]) -> list[Statement]:
    """The declarations of a text."""
    return _Outline(words).declarations()


class _Outline:
    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.closing: dict[int, int] = {}  # of each brace and parenthesis
        stack: list[int] = []
        for i, word in enumerate(words):
            if word.text in ("{", "("):
                stack.append(i)
            elif word.text in ("}", ")"):
                self.closing[stack.pop()] = i

    def declarations(self) -> list[Statement]:
        return self._statements(0, len(self.words) - 1, self._declaration)

    def _statements(
        self, start: int, end: int, read: Callable[[int, int], Statement]
    ) -> list[Statement]:
        bounds = [start, *(i for i in self._level(start, end) if self.words[i].opens), end]
        return [read(first, past) for first, past in pairwise(bounds) if first < past]

    def _declaration(self, start: int, end: int) -> Statement:
        if self.words[start].kind not in _BODIES:
            return Statement(start, end, None, None)
        sign = next(
            i
            for i in range(start + 2, end)
            if self.words[i].text in ("=", "{") and not self._in_parentheses(start, i)
        )
        if self.words[sign].text == "=" and self.words[start].kind == "BLOCK":
            return Statement(start, end, self._chain(sign + 1, end), None)
        opening = next((i for i in range(sign, end) if self.words[i].text == "{"), None)
        if opening is None:
            return Statement(start, end, None, None)
        read = self._arm if self.words[start].kind == "SHORTCUT" else self._clause
        return Statement(
            start, end, None, Body(opening, end, self._statements(opening + 1, end - 1, read))
        )

    def _in_parentheses(self, start: int, i: int) -> bool:
        """Of the parameters."""
        opening = start + 2
        return self.words[opening].text == "(" and i < self.closing[opening]

    def _clause(self, start: int, end: int) -> Statement:
        kind = self.words[start].kind
        if kind in _NO_CHAIN:
            return Statement(start, end, None, None)
        return Statement(start, end, self._chain(start + _PREFIXES.get(kind, 0), end), None)

    def _arm(self, start: int, end: int) -> Statement:
        return Statement(start, end, self._chain(start + 1, end), None)

    def _chain(self, start: int, end: int) -> Chain:
        arrows = [i for i in self._level(start, end) if self.words[i].text == "->"]
        starts, ends = [start, *(i + 1 for i in arrows)], [*arrows, end]
        return Chain([self._step(*step) for step in zip(starts, ends, strict=True)])

    def _step(self, start: int, end: int) -> Step:
        times, i = None, start
        while True:
            if self.words[i].kind == "LABEL":
                i += 1
                continue
            after = self._after_atom(i)
            if after >= end or self.words[after].kind != "X":
                break
            times = after if i == start else times
            i = after + 1
        opening = i if self.words[i].text == "{" else i + 1
        is_braced = opening < end and self.words[opening].text == "{"
        return Step(start, end, times, i, self._braces(opening) if is_braced else None)

    def _after_atom(self, i: int) -> int:
        while self.words[i].text == "-":
            i += 1
        return self.closing.get(i, i) + 1

    def _braces(self, start: int) -> Braces:
        end = self.closing[start]
        bars = [i for i in self._level(start + 1, end) if self.words[i].text == "|"]
        starts, ends = [start + 1, *(i + 1 for i in bars)], [*bars, end]
        return Braces(
            start, end + 1, [self._chain(*path) for path in zip(starts, ends, strict=True)]
        )

    def _level(self, start: int, end: int) -> Iterator[int]:
        """The words of a range that no brace in it holds."""
        i = start
        while i < end:
            yield i
            i = self.closing[i] + 1 if self.words[i].text == "{" else i + 1
