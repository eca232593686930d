"""One progress bar for all parts of a study.

Where stderr is not a terminal, it is a line for each part and for each tenth of the whole.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from resspec.training.output.progress import Show
from resspec.units import duration

if TYPE_CHECKING:
    from rich.progress import Progress

    from resspec.training.plan import Plan
    from resspec.training.steps.state import Row, State


class Whole(Show):
    """The progress of a whole study, which the trainer gets for each part in turn."""

    def __init__(self, *, visible: bool) -> None:
        self.visible = visible
        self.bar: Progress | None = None

    @contextmanager
    def over(self, steps: Sequence[int]) -> Iterator[None]:
        """Show the progress over parts of so many steps."""
        self.parts, self.all = list(steps), sum(steps)
        self.number = self.before = self.new = self.tenth = 0
        self.started = perf_counter()
        if self.visible and sys.stderr.isatty():
            self.bar = self._bar()
            self.bar.start()
        try:
            yield
        finally:
            if self.bar:
                self.bar.stop()

    def next(self, name: str) -> None:
        """Begin a part."""
        self.name, self.number, self.trained = name, self.number + 1, False

    def done(self) -> None:
        """End a part, which may have been done before."""
        self.before += self.parts[self.number - 1]
        if self.bar:
            self._move(self.before)
        elif self.visible and self.trained:
            print(f"{self._part()} is done; {self._left(self.before)}", file=sys.stderr)

    def start(self, plan: Plan, state: State) -> None:
        super().start(plan, state)
        self.trained = True

    def stepped(self, step: int, waited: float) -> None:
        super().stepped(step, waited)
        self.new += 1
        if self.bar:
            self._move(self.before + step)

    def measured(self, row: Row) -> None:
        super().measured(row)
        tenth = (self.before + self.step) * 10 // self.all
        if self.visible and not self.bar and row["part"] == "train" and tenth > self.tenth:
            self.tenth = tenth
            left = self._left(self.before + self.step)
            print(f"{self._part()}  {self.words()}  {left}", file=sys.stderr)

    def _bar(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        bar = Progress(BarColumn(), TextColumn("{task.description}"), console=Console(stderr=True))
        self.task = bar.add_task("", total=self.all)
        return bar

    def _move(self, done: int) -> None:
        assert self.bar
        row = getattr(self, "row", None)
        loss = f"  loss {row['loss']:.3f}" if row else ""
        description = f"{self._part()}{loss}  {self._left(done)}"
        self.bar.update(self.task, completed=done, description=description)

    def _part(self) -> str:
        return f"{self.number}/{len(self.parts)} {self.name}"

    def _left(self, done: int) -> str:
        """Return the time that is left at the speed since this command started."""
        elapsed = perf_counter() - self.started
        left = duration(elapsed / self.new * (self.all - done)) if self.new else "?"
        return f"{left} left of the whole"
