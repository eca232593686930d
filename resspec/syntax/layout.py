"""Where the lines of a canonical layout begin: a question about the words alone, so every layout of them gives the same.

A declaration stands on one line where it fits, but a network has a line for each clause, as a table of the paper has. A chain
that does not fit, and each in an open brace or after `residual`, is broken into rows, each beginning with the layer that the
chain begins with; a row that does not fit is broken at each step with arguments. The steps of all rows begin at one column.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from resspec.syntax.outline import Body, Braces, Chain, Statement, Step
from resspec.syntax.words import Word

WIDTH = 100
INDENT = 4
ARROW = len("-> ")
_FAR = (
    32  # columns between a line's beginning and its chain, beyond which rows are indented instead
)
_SECTIONS = ("STEM", "STAGE", "HEAD")


class Layout:
    """`column[i]`: where a line begins with word i. `wider[i]`: blanks more before it. `apart`: words before whose line,
    and comments, an empty one stands."""

    def __init__(
        self, words: Sequence[Word], gaps: Sequence[str], declarations: Sequence[Statement]
    ) -> None:
        self.words = words
        self.column: dict[int, int] = {}
        self.wider: dict[int, int] = {}
        self.apart: set[int] = set()
        self._past = list(
            accumulate(len(gap) + len(word.text) for gap, word in zip(gaps, words, strict=True))
        )
        self._comments = [0, *accumulate(bool(word.comments) for word in words)]
        self._file(declarations)

    # --- declarations and clauses ---

    def _file(self, declarations: Sequence[Statement]) -> None:
        before: Statement | None = None
        for each in declarations:
            self._statement(each, 0)
            if before and not (
                self._is_line(before)
                and self._is_line(each)
                and self._kind(before) == self._kind(each)
                and all(comment.is_trailing for comment in self.words[each.start].comments)
            ):
                self.apart.add(each.start)
            before = each

    def _is_line(self, statement: Statement) -> bool:
        return not any(i in self.column for i in range(statement.start + 1, statement.end))

    def _statement(self, statement: Statement, column: int) -> None:
        self.column[statement.start] = column
        if statement.chain:
            self._clause(statement, statement.chain, column)
        elif statement.body:
            self._declaration(statement, statement.body, column)
        elif not self._fits(statement.start, statement.end, column):
            self._fill(statement.start, statement.end, column, column + INDENT)

    def _clause(self, statement: Statement, chain: Chain, column: int) -> None:
        start = (
            column + self._length(statement.start, chain.start) + (chain.start > statement.start)
        )
        if self._commented(statement.start, chain.start + 1):
            start = column + 2 * INDENT
        if self._kind(statement) == "RESIDUAL":
            self._figure(chain, start, column)
        else:
            self._chain(chain.steps, start, column)

    def _declaration(self, statement: Statement, body: Body, column: int) -> None:
        is_table = (
            self._kind(statement) == "NETWORK" and self.words[statement.start + 2].text != "="
        )
        if not body.statements and not self._commented(body.start, body.end):
            return
        if not is_table and self._fits(statement.start, statement.end, column):
            return
        if not self._fits(statement.start, body.start + 1, column):
            self._fill(statement.start, body.start + 1, column, column + 2 * INDENT)
        self._body(body, column)

    def _body(self, body: Body, column: int) -> None:
        stages: list[Statement] = []
        in_sections = False
        for each in body.statements:
            self._statement(each, column + INDENT)
            is_section = self._kind(each) in _SECTIONS
            if in_sections and not is_section:
                self.apart.add(each.start)
            in_sections = is_section
            if (
                self._kind(each) == "STAGE"
                and self._is_line(each)
                and not self._commented(each.start, each.end)
            ):
                stages.append(each)
            else:
                self._align(stages, column + INDENT)
                stages = []
        self._align(stages, column + INDENT)
        self.column[body.end - 1] = column

    # --- chains ---

    def _chain(self, steps: Sequence[Step], column: int, base: int) -> None:
        """A chain whose first word stands at `column` of a line that begins at `base`."""
        start, end = steps[0].start, steps[-1].end
        if self._fits(start, end, column):
            return
        braced = [step.braces for step in steps if step.braces]
        if len(braced) == 1 and self._opens_well(braced[0], start, end, column, base):
            self._open(braced[0], base)
            return
        rows = self._recurring(steps)
        if len(rows) == 1:
            rows = self._split(steps)
        if len(rows) > 1:
            self._rows(rows, column, base)
        elif braced:
            self._open(braced[0], base)
        else:
            self._fill(start, end, column, column + INDENT)

    def _opens_well(self, braces: Braces, start: int, end: int, column: int, base: int) -> bool:
        return self._fits(start, braces.start + 1, column) and self._fits(braces.end - 1, end, base)

    def _rows(self, rows: Sequence[Sequence[Step]], column: int, base: int) -> None:
        later = column if column - base <= _FAR else base + 2 * INDENT
        self._chain(rows[0], column, column if column == later else base)
        for row in rows[1:]:
            self.column[row[0].start - 1] = later - ARROW
            self._after_comment(row[0].start, later)
            self._chain(row, later, later)

    def _recurring(self, steps: Sequence[Step]) -> list[Sequence[Step]]:
        """Each row begins with the layer that the first begins with."""
        first = self.words[steps[0].callee].text
        return self._cut(steps, [self.words[step.callee].text == first for step in steps])

    def _split(self, steps: Sequence[Step]) -> list[Sequence[Step]]:
        """Each row begins with a step of several words, or one after a comment; each step is one if there is no such."""
        cuts = [
            step.end - step.start > 1 or bool(self.words[step.start - 1].comments) for step in steps
        ]
        return self._cut(steps, cuts if any(cuts[1:]) else [True] * len(steps))

    def _cut(self, steps: Sequence[Step], cuts: Sequence[bool]) -> list[Sequence[Step]]:
        starts = [0, *(k for k in range(1, len(steps)) if cuts[k]), len(steps)]
        return [steps[start:end] for start, end in pairwise(starts)]

    def _open(self, braces: Braces, base: int) -> None:
        """Each path on lines of its own."""
        inside = base + INDENT
        for path in braces.paths:
            if path is braces.paths[0]:
                self.column[path.start] = inside
            else:
                self.column[path.start - 1] = inside - len("| ")
                self._after_comment(path.start, inside)
            self._figure(path, inside, inside)
        self.column[braces.end - 1] = base

    def _figure(self, chain: Chain, column: int, base: int) -> None:
        """Its rows one below the other in any case, as in the paper's Figure 5."""
        rows = self._recurring(chain.steps)
        if len(rows) > 1:
            self._rows(rows, column, base)
        else:
            self._chain(chain.steps, column, base)

    def _after_comment(self, start: int, column: int) -> None:
        """Where what follows an arrow or a bar begins if a comment is between them."""
        if self.words[start].comments:
            self.column[start] = column

    def _fill(self, start: int, end: int, column: int, later: int) -> None:
        """Breaks after commas, each line as long as it may be; and where a comment stands."""
        at = column
        commas = [i for i in range(start, end) if self.words[i].text == ","]
        for i, comma in enumerate(commas):
            following = commas[i + 1] + 1 if i + 1 < len(commas) else end
            length = self._length(comma + 1, following)
            at = column + self._length(start, comma + 1) if at == column else at
            if at + 1 + length > WIDTH:
                self.column[comma + 1], at = later, later + length
            else:
                at += 1 + length
        for i in range(start + 1, end):
            if self.words[i].comments:
                self.column.setdefault(i, later)

    # --- the columns of a table ---

    def _align(self, stages: Sequence[Statement], column: int) -> None:
        """Labels, counts, layers and arrows of stages one below the other, if all still fit."""
        wider: dict[int, int] = {}
        chains = [stage.chain for stage in stages if stage.chain]
        labels = [
            self._length(stage.start, chain.start)
            for stage, chain in zip(stages, chains, strict=True)
        ]
        counts = [
            self._length(chain.start, chain.steps[0].times) if chain.steps[0].times else 0
            for chain in chains
        ]
        widest, most = max(labels, default=0), max(counts, default=0)
        at = [column + widest + 1] * len(chains)
        for i, chain in enumerate(chains):
            right = most - counts[i] if counts[i] else 0
            wider[chain.start] = widest - labels[i] + right
            at[i] += right + self._length(chain.start, chain.steps[0].end)
        for k in range(1, max((len(chain.steps) for chain in chains), default=0)):
            having = [i for i, chain in enumerate(chains) if len(chain.steps) > k]
            furthest = max(at[i] for i in having)
            if furthest > WIDTH:
                return
            for i in having:
                step = chains[i].steps[k]
                wider[step.start - 1] = furthest - at[i]
                at[i] = furthest + 1 + self._length(step.start - 1, step.end)
        if max(at, default=0) <= WIDTH:
            self.wider |= wider

    # --- measures ---

    def _kind(self, statement: Statement) -> str:
        return self.words[statement.start].kind

    def _length(self, start: int, end: int) -> int:
        """Columns of words in a row."""
        return self._past[end - 1] - self._past[start] + len(self.words[start].text)

    def _commented(self, start: int, end: int) -> bool:
        """Whether a comment stands between the words of a range."""
        return self._comments[end] > self._comments[start + 1]

    def _fits(self, start: int, end: int, column: int) -> bool:
        return column + self._length(start, end) <= WIDTH and not self._commented(start, end)
