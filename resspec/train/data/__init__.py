"""The images to train on and to test with: by the name of a data set, or by the folder that holds one."""

from __future__ import annotations

from pathlib import Path

from resspec.diagnostics import UsageError
from resspec.suggest import nearest
from resspec.train.data import digits, place
from resspec.train.data.dataset import Dataset, Split, View, held_out
from resspec.train.data.draw import Batch, Draw
from resspec.train.data.folder import worker_failure
from resspec.train.data.moments import Moments

__all__ = ["NAMES", "Batch", "Dataset", "Draw", "Moments", "Split", "View", "held_out", "load", "worker_failure"]

NAMES = ("digits", *place.KINDS)


def load(name: str, *, normalise: str = "channel", download: bool = False) -> Dataset:
    """A data set by its name or its folder, normalised as a recipe says. Raises UsageError where it is not to be found, and
    says where it was looked for. Nothing is downloaded unasked."""
    if name == "digits":
        return digits.load(normalise)
    if name in place.KINDS:
        return place.named(name, normalise, download=download)
    if Path(name).is_dir():
        return place.at(Path(name), normalise)
    close = nearest(name, NAMES)
    hint = f"did you mean `{close}`?" if close else f"there is {', '.join(NAMES)}, or a folder's path"
    raise UsageError(f"no data set is called `{name}`; {hint}", "E0511")
