"""The metrics of a run as TensorBoard events."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from torch.utils.tensorboard import SummaryWriter

from resspec.training.output.progress import Show

if TYPE_CHECKING:
    from resspec.training.plan import Plan
    from resspec.training.steps.state import Row, State

VALUES = ("loss", "top1", "top5", "lr")  # of a row, each a chart in which every part is a curve


class Board(Show):
    """TensorBoard events in a folder, beside other progress.

    They are written again from the rows when a run resumes, so that each step appears once.
    """

    def __init__(self, show: Show, folder: Path) -> None:
        self.show, self.folder = show, folder

    def start(self, plan: Plan, state: State) -> None:
        self.show.start(plan, state)
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        self.writer = SummaryWriter(str(self.folder))
        for row in state.rows:
            self._add(row)
        self.writer.flush()

    def stepped(self, step: int, waited: float) -> None:
        self.show.stepped(step, waited)

    def measured(self, row: Row) -> None:
        self.show.measured(row)
        self._add(row)
        self.writer.add_scalar(
            "images_per_second", self.show.speed()["images_per_second"], row["step"]
        )
        self.writer.flush()

    def stop(self) -> None:
        self.show.stop()
        self.writer.close()

    def speed(self) -> dict[str, float]:
        return self.show.speed()

    def _add(self, row: Row) -> None:
        for value in VALUES:
            if row[value] is not None:
                self.writer.add_scalar(f"{value}/{row['part']}", row[value], row["step"])
