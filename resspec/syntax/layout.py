"""The first words of the lines of the canonical layout, and their columns.

It depends on the words alone, so every layout of the same words gives the same result.

A declaration is one line where it fits, but a network has a line for each clause, as a table of the
paper has. A chain that does not fit, and each in an open brace or after `residual`, is broken into
rows, each beginning with the layer that the chain begins with; a row that does not fit is broken at
each step with arguments. The steps of all rows begin at one column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from resspec.syntax.outline import BodyRange, BraceRange, ChainRange, StatementRange, StepRange
from resspec.syntax.words import Word

WIDTH = 100
INDENT = 4
ARROW = len("-> ")
_FAR = 32  # columns from a line's beginning to its chain, beyond which rows are indented instead
_SECTIONS = ("STEM", "STAGE", "STAGES", "HEAD")

Rows = list[Sequence[StepRange]]


class Layout:
    """The lines of a text.

    Attributes:
        column: The column of each word that begins a line.
        wider: Additional blanks before a word.
        apart: Words that begin a line with an empty one before it, and before its comments.
    """

    def __init__(
        self, words: Sequence[Word], gaps: Sequence[str], declarations: Sequence[StatementRange]
    ) -> None:
        self.words = words
        self.column: dict[int, int] = {}
        self.wider: dict[int, int] = {}
        self.apart: set[int] = set()
        widths = [len(gap) + len(word.text) for gap, word in zip(gaps, words, strict=True)]
        self._ends = list(accumulate(widths))
        self._comments = [0, *accumulate(bool(word.comments) for word in words)]
        self._file(declarations)

    # --- declarations and clauses ---

    def _file(self, declarations: Sequence[StatementRange]) -> None:
        for each in declarations:
            self._statement(each, 0)
        self.apart.update(
            each.start for before, each in pairwise(declarations) if self._is_apart(before, each)
        )

    def _is_apart(self, before: StatementRange, each: StatementRange) -> bool:
        """Return whether an empty line separates two declarations: all but lines of one kind."""
        comments = self.words[each.start].comments
        has_heading = not all(comment.is_trailing for comment in comments)
        is_one_kind = self._kind(before) == self._kind(each)
        return has_heading or not (is_one_kind and self._is_line(before) and self._is_line(each))

    def _is_line(self, statement: StatementRange) -> bool:
        return not any(i in self.column for i in range(statement.start + 1, statement.end))

    def _statement(self, statement: StatementRange, column: int) -> None:
        start, end = statement.start, statement.end
        self.column[start] = column
        if statement.chain:
            self._clause(statement, statement.chain, column)
        elif statement.body:
            self._declaration(statement, statement.body, column)
        elif not self._fits(start, end, column):
            self._fill(start, end, column, column + INDENT)

    def _clause(self, statement: StatementRange, chain: ChainRange, column: int) -> None:
        start = column
        if self._has_comment(statement.start, chain.start + 1):
            start += 2 * INDENT
        elif chain.start > statement.start:
            start += self._length(statement.start, chain.start) + 1
        if self._kind(statement) == "RESIDUAL":
            self._figure(chain, start, column)
        else:
            self._chain(chain.steps, start, column)

    def _declaration(self, statement: StatementRange, body: BodyRange, column: int) -> None:
        start, end = statement.start, statement.end
        is_table = self._kind(statement) == "NETWORK" and not statement.equals
        if not body.statements and not self._has_comment(body.start, body.end):
            return
        if not is_table and self._fits(start, end, column):
            return
        if not self._fits(start, body.start + 1, column):
            self._fill(start, body.start + 1, column, column + 2 * INDENT)
        self._body(body, column)

    def _body(self, body: BodyRange, column: int) -> None:
        stages: list[StatementRange] = []
        was_section = False
        for each in body.statements:
            self._statement(each, column + INDENT)
            is_section = self._kind(each) in _SECTIONS
            if was_section and not is_section:
                self.apart.add(each.start)
            was_section = is_section
            if self._is_row_of_table(each):
                stages.append(each)
            else:
                self._align(stages, column + INDENT)
                stages = []
        self._align(stages, column + INDENT)
        self.column[body.end - 1] = column

    def _is_row_of_table(self, each: StatementRange) -> bool:
        is_stage = self._kind(each) == "STAGE" and self._is_line(each)
        return is_stage and not self._has_comment(each.start, each.end)

    # --- chains ---

    def _chain(self, steps: Sequence[StepRange], column: int, base: int) -> None:
        """Lay out a chain that begins at `column` of a line that begins at `base`."""
        start, end = steps[0].start, steps[-1].end
        if self._fits(start, end, column):
            return
        braced = [step.braces for step in steps if step.braces]
        opens_well = len(braced) == 1 and self._opens_well(braced[0], start, end, column, base)
        if opens_well and not any(self._is_row(step, column) for step in steps):
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

    def _opens_well(self, braces: BraceRange, start: int, end: int, column: int, base: int) -> bool:
        return self._fits(start, braces.start + 1, column) and self._fits(braces.end - 1, end, base)

    def _rows(self, rows: Rows, column: int, base: int) -> None:
        later = column if column - base <= _FAR else base + 2 * INDENT
        self._chain(rows[0], column, column if column == later else base)
        for row in rows[1:]:
            self.column[row[0].start - 1] = later - ARROW
            self._after_comment(row[0].start, later)
            self._chain(row, later, later)

    def _recurring(self, steps: Sequence[StepRange]) -> Rows:
        """Return rows that each begin with the layer that the first begins with."""
        names = [self._first_layer(step) for step in steps]
        return self._cut(steps, [name == names[0] for name in names])

    def _first_layer(self, step: StepRange) -> str:
        """Return the first layer that is written in a step, also inside of bare braces."""
        while step.braces and self._is_group(step):
            step = step.braces.paths[0].steps[0]
        return self.words[step.callee].text

    def _is_row(self, step: StepRange, column: int) -> bool:
        """Return whether a step is a group of one row, which fits a line of its own."""
        if not step.braces or not self._is_group(step):
            return False
        (inside,) = step.braces.paths
        return len(self._recurring(inside.steps)) == 1 and self._fits(step.start, step.end, column)

    def _is_group(self, step: StepRange) -> bool:
        """Return whether a step is a chain in bare braces."""
        return step.braces is not None and step.braces.start == step.callee

    def _split(self, steps: Sequence[StepRange]) -> Rows:
        """Return rows that begin with a long step or after a comment; else a row for each step."""
        cuts = []
        for step in steps:
            has_comment = bool(self.words[step.start - 1].comments)
            cuts.append(has_comment or step.end - step.start > 1)
        return self._cut(steps, cuts if any(cuts[1:]) else [True] * len(steps))

    def _cut(self, steps: Sequence[StepRange], cuts: Sequence[bool]) -> Rows:
        inner = [k for k in range(1, len(steps)) if cuts[k]]
        return [steps[start:end] for start, end in pairwise([0, *inner, len(steps)])]

    def _open(self, braces: BraceRange, base: int) -> None:
        """Give each path lines of its own."""
        inside = base + INDENT
        for path in braces.paths:
            if path is braces.paths[0]:
                self.column[path.start] = inside
            else:
                self.column[path.start - 1] = inside - len("| ")
                self._after_comment(path.start, inside)
            self._figure(path, inside, inside)
        self.column[braces.end - 1] = base

    def _figure(self, chain: ChainRange, column: int, base: int) -> None:
        """Put the rows of a chain one below the other in any case, as in the paper's Figure 5."""
        rows = self._recurring(chain.steps)
        if len(rows) > 1:
            self._rows(rows, column, base)
        else:
            self._chain(chain.steps, column, base)

    def _after_comment(self, start: int, column: int) -> None:
        """Begin a line with what follows an arrow or a bar if a comment is between them."""
        if self.words[start].comments:
            self.column[start] = column

    def _fill(self, start: int, end: int, column: int, later: int) -> None:
        """Break after commas, each line as long as it may be, and at comments."""
        commas = list(self._outer_commas(start, end))
        at = column
        if commas:
            at += self._length(start, commas[0] + 1)
        for comma, following in pairwise([*commas, end - 1]):
            length = self._length(comma + 1, following + 1)
            if at + 1 + length > WIDTH:
                self.column[comma + 1] = later
                at = later + length
            else:
                at += 1 + length
        for i in range(start + 1, end):
            if self.words[i].comments:
                self.column.setdefault(i, later)

    def _outer_commas(self, start: int, end: int) -> Iterator[int]:
        """Yield the commas that the fewest brackets are around."""
        depth, depths = 0, dict[int, int]()
        for i in range(start, end):
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(self.words[i].text, 0)
            if self.words[i].text == ",":
                depths[i] = depth
        least = min(depths.values(), default=0)
        yield from (i for i, depth in depths.items() if depth == least)

    # --- the columns of a table ---

    def _align(self, stages: Sequence[StatementRange], column: int) -> None:
        """Put labels, counts, layers and arrows of stages one below the other, if all still fit."""
        rows = [(stage.start, stage.chain) for stage in stages if stage.chain]
        if not rows:
            return
        chains = [chain for _, chain in rows]
        labels = [self._length(start, chain.start) for start, chain in rows]
        counts = [self._count_length(chain.steps[0]) for chain in chains]

        wider: dict[int, int] = {}
        ends = []
        for chain, label, count in zip(chains, labels, counts, strict=True):
            right = max(counts) - count if count else 0
            wider[chain.start] = max(labels) - label + right
            first = self._length(chain.start, chain.steps[0].end)
            ends.append(column + max(labels) + 1 + right + first)
        for k in range(1, max(len(chain.steps) for chain in chains)):
            longer = [i for i, chain in enumerate(chains) if len(chain.steps) > k]
            furthest = max(ends[i] for i in longer)
            for i in longer:
                step = chains[i].steps[k]
                wider[step.start - 1] = furthest - ends[i]
                ends[i] = furthest + 1 + self._length(step.start - 1, step.end)
        if max(ends) <= WIDTH:
            self.wider |= wider

    def _count_length(self, step: StepRange) -> int:
        return self._length(step.start, step.times) if step.times else 0

    # --- measures ---

    def _kind(self, statement: StatementRange) -> str:
        return self.words[statement.start].kind

    def _length(self, start: int, end: int) -> int:
        """Return the columns of words in a row."""
        return self._ends[end - 1] - self._ends[start] + len(self.words[start].text)

    def _has_comment(self, start: int, end: int) -> bool:
        """Return whether there is a comment between the words of a range."""
        return self._comments[end] > self._comments[start + 1]

    def _fits(self, start: int, end: int, column: int) -> bool:
        return column + self._length(start, end) <= WIDTH and not self._has_comment(start, end)
