"""What is shown on stderr while a network trains: a bar on a terminal, elsewhere a line for each tenth of the way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

Show = Callable[[int, float, float], None]


@contextmanager
def shown(epochs: int, steps: int, *, visible: bool) -> Iterator[Show]:
    """Gives `show(step, loss, accuracy)`, to be called after each of `steps` steps, counted from 1."""
    if not visible:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with _bar(epochs, steps) as show:
            yield show
    else:
        yield _lines(epochs, steps)


@contextmanager
def _bar(epochs: int, steps: int) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.fields[epoch]:>3}/{task.fields[epochs]}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4f}  accuracy {task.fields[accuracy]:7.2%} "),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[time]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=steps, epoch=1, epochs=epochs, loss=float("nan"), accuracy=0.0, time="left")

        def show(step: int, loss: float, accuracy: float) -> None:
            epoch, time = -(-step * epochs // steps), "left" if step < steps else "in all"
            progress.update(task, completed=step, epoch=epoch, loss=loss, accuracy=accuracy, time=time)

        yield show


def _lines(epochs: int, steps: int) -> Show:
    start = perf_counter()

    def show(step: int, loss: float, accuracy: float) -> None:
        if step * 10 // steps > (step - 1) * 10 // steps:
            left = (perf_counter() - start) * (steps - step) / step
            epoch = -(-step * epochs // steps)
            print(f"epoch {epoch:>3}/{epochs}  loss {loss:.4f}  accuracy {accuracy:7.2%}  {left:.0f} s left", file=sys.stderr)

    return show
