"""`resspec compare`: runs side by side, as a table and as one picture."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from resspec.commands.installed import torch_installed
from resspec.commands.terminal import color, complain, say, width, wrote
from resspec.files import nearest_folder

SUMMARY = "compare training runs: a table, and one picture"
EXAMPLES = """\
  resspec compare runs                 all runs in a folder; writes compare.png
                                       and compare.svg here
  resspec compare runs/a runs/b --out figures
  resspec compare runs/a               one run: how far it is
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="the folder of a run, or of several"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the folder for the picture (this one)",
    )


def run(arguments: Namespace) -> int:
    nearest_folder(arguments.out)
    with torch_installed("compare"):
        from resspec.training.run import compare, differing, seeds

        runs = compare.load_all(arguments.runs, complain)
        print(compare.to_table(runs, width=width(), color=color(sys.stdout)), end="")
        names, facts = [run.name for run in runs], [run.facts for run in runs]
        if differences := differing.to_table(names, facts, width=width(), color=color(sys.stdout)):
            print(f"\n{differences}", end="")
        for sentence in seeds.lines(runs):
            print(f"\n{sentence}")
        if any(run.rows for run in runs):
            wrote(compare.picture(runs, arguments.out))
        else:
            say("there is no picture: nothing was measured yet")
    return 0
