"""Progress of a training on stderr: a bar on a terminal, else a line for each tenth of the run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from resspec.units import duration

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from resspec.training.plan import Plan
    from resspec.training.steps.state import Row, State


class Show:
    """Progress that shows nothing, but measures the speed."""

    def start(self, plan: Plan, state: State) -> None:
        self.steps, self.batch = plan.steps, plan.recipe.batch_size
        self.epochs = float(plan.recipe.epochs or plan.steps / plan.order.epoch)
        self.begun = self.step = state.step
        self.clock, self.waited = perf_counter(), 0.0
        self.row: Row | None = next(
            (row for row in reversed(state.rows) if row["part"] == "train"), None
        )

    def stepped(self, step: int, waited: float) -> None:
        """Note a step, counted from 0, and the seconds of waiting for its data."""
        self.step, self.waited = step, self.waited + waited

    def measured(self, row: Row) -> None:
        self.step = row["step"]
        if row["part"] == "train":
            self.row = row

    def stop(self) -> None:
        pass

    def speed(self) -> dict[str, float]:
        """Return images per second, of all processes, and the share of time waiting for data."""
        gone = max(perf_counter() - self.clock, 1e-9)
        return {
            "images_per_second": round((self.step - self.begun) * self.batch / gone, 1),
            "waiting": round(self.waited / gone, 4),
        }

    @property
    def left(self) -> float:
        """Estimated seconds to the end."""
        done = self.step - self.begun
        return (
            (perf_counter() - self.clock) * (self.steps - self.step) / done
            if done
            else float("nan")
        )

    def words(self) -> str:
        row = self.row or {"epoch": 0.0, "loss": float("nan"), "top1": 0.0, "lr": 0.0}
        speed = self.speed()
        epochs = f"{self.epochs:.2f}".removesuffix(".00")
        epoch = min(row["epoch"], self.epochs)
        return (
            f"epoch {epoch:6.2f}/{epochs}  loss {row['loss']:.4f}  accuracy {row['top1']:7.2%}  "
            f"lr {row['lr']:.2g}  {speed['images_per_second']:,.0f} img/s  "
            f"{speed['waiting']:.0%} waiting for data"
        )


SLOW = 3  # seconds of counting after which a line is worth writing where there is no bar


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal while something is counted; elsewhere write a line if it took long.

    Args:
        what: What is being done, such as `checking test images`.
        total: How many there are.

    Yields:
        A function that is told how many more are done.
    """
    if sys.stderr.isatty():
        with _counting_bar(what, total) as advance:
            yield advance
        return
    start = perf_counter()
    yield lambda _: None
    taken = perf_counter() - start
    if taken > SLOW:
        print(f"{what}: {total:,} in {duration(taken)}", file=sys.stderr)


@contextmanager
def _counting_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)


class Lines(Show):
    """A line for each tenth of the way, and one for the last test in it."""

    def start(self, plan: Plan, state: State) -> None:
        super().start(plan, state)
        self.tenth = self.tested = state.step * 10 // plan.steps

    def measured(self, row: Row) -> None:
        super().measured(row)
        tenth = self.step * 10 // self.steps
        if row["part"] == "train" and tenth > self.tenth:
            self.tenth = tenth
            print(f"{self.words()}  {duration(self.left)} left", file=sys.stderr)
        elif row["part"] != "train" and tenth > self.tested:
            self.tested = tenth
            found = f"loss {row['loss']:.4f}  accuracy {row['top1']:.2%}"
            print(f"step {row['step']:,}: {row['part']} {found}", file=sys.stderr)


class Bar(Show):
    """A bar that moves with each step, its words with each row."""

    def start(self, plan: Plan, state: State) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().start(plan, state)
        columns = (BarColumn(), TextColumn("{task.description}"))
        self.progress: Progress = Progress(*columns, console=Console(stderr=True))
        self.task: TaskID = self.progress.add_task("", total=self.steps, completed=state.step)
        self.progress.start()

    def stepped(self, step: int, waited: float) -> None:
        super().stepped(step, waited)
        self.progress.update(
            self.task, completed=step, description=f"{self.words()}  {duration(self.left)} left"
        )

    def measured(self, row: Row) -> None:
        super().measured(row)
        self.progress.update(self.task, completed=self.step, description=self.words())

    def stop(self) -> None:
        self.progress.stop()


def shown(*, visible: bool) -> Show:
    """Return the progress for stderr."""
    kind: Callable[[], Any] = Show if not visible else Bar if sys.stderr.isatty() else Lines
    return kind()  # type: ignore[no-any-return]
