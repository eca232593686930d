"""The bar that is shown while a network trains: on stderr, since nothing but results belongs on stdout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, float, float], None]


@contextmanager
def bar(epochs: int, steps: int, *, visible: bool) -> Iterator[Show]:
    """Gives `show(step, loss, accuracy)`, to be called after each of `steps` steps."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("epoch {task.fields[epoch]:>3}/{task.fields[epochs]}"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]:.4f}  accuracy {task.fields[accuracy]:6.2%}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not visible) as progress:
        task = progress.add_task("", total=steps, epoch=1, epochs=epochs, loss=float("nan"), accuracy=0.0)

        def show(step: int, loss: float, accuracy: float) -> None:
            epoch = -(-step * epochs // steps)
            progress.update(task, completed=step, epoch=epoch, loss=loss, accuracy=accuracy)

        yield show
