"""`resspec train`: train a network, and measure it once."""

from __future__ import annotations

import gc
from argparse import ArgumentParser, Namespace
from pathlib import Path

from resspec.commands import given
from resspec.diagnostics import UsageError

SUMMARY = "train a network and measure it once on the test images"
EXAMPLES = """\
  resspec train digits --data digits  a small residual network on the 8x8 digits
                                      of scikit-learn, in about a minute
  resspec train my.res --seed 1 --epochs 10 --run runs/second
"""


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    parser.add_argument("--data", default="digits", metavar="NAME", help="the data set (digits)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="initial weights and the order of images (0)")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the training images")
    parser.add_argument("--run", type=Path, metavar="DIR", help="the folder of the record (runs/NAME)")


def run(arguments: Namespace) -> int:
    network = given.load(arguments)
    folder = arguments.run or _free_folder(Path("runs"), network.name)
    gc.enable()
    try:
        from resspec.train.loop import train

        result = train(network, data=arguments.data, run=folder, seed=arguments.seed, epochs=arguments.epochs)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("resspec"):
            raise
        missing = error.name.split(".")[0]
        raise UsageError(f"`resspec train` needs torch and what comes with it, and {missing} is not installed: "
                         "pip install 'resspec[torch]'") from None
    print(f"test accuracy {result.accuracy:.2%} ({result.correct} of {result.total} images), "
          f"{result.seconds:.0f} s, recorded in {result.run}")
    return 0


def _free_folder(parent: Path, name: str) -> Path:
    """`runs/digits`, or `runs/digits-2` where that is taken."""
    number = 1
    while (folder := parent / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder
