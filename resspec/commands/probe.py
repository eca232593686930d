"""`resspec probe`: signal and gradient through the depth of networks, and the seed equation."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from resspec.commands import given, numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import color, note, width, wrote

SUMMARY = "signal and gradient through the depth of networks, new or trained"
EXAMPLES = """\
  resspec probe plain110 resnet110 preact_resnet110
                                       at initialization, on noise; writes
                                       probes/plain110-…/README.md, a picture
                                       and CSV files
  resspec probe runs/a runs/b          trained networks, on their test images
  resspec probe docs/initialisation.res
                                       every network of a file: initialization,
                                       norm and shortcut

By block the mean and spread of its output and the norm of the gradient at its
input, by layer the spread of its response (Figure 7 of He et al. 2015). Where
blocks in a row are x + F(x), the seed equation of He et al. 2016 is checked in
float64; exit code 1 if it is off by more than 1e-10.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="specs, or the folders of training runs"
    )
    given.takes_values(parser)
    given.takes_data(parser, None, "a run's own")
    parser.add_argument(
        "--batch-size",
        type=numbers.batch_for_batch_norm,
        default=32,
        metavar="N",
        help="images, at least 2, since batch norm needs several (32)",
    )
    parser.add_argument(
        "--seed", type=numbers.seed, default=0, metavar="N", help="initial weights and noise (0)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder to write to (probes/NAMES)"
    )


def run(arguments: Namespace) -> int:
    with torch_installed("probe"):
        from resspec.backends.table import Column, longest, shown, table, text
        from resspec.study import probe_page as page
        from resspec.study import subjects
        from resspec.training import preflight
        from resspec.training.output.progress import counting

        names = "-".join(
            dict.fromkeys(Path(spec.replace(":", "-")).stem for spec in arguments.specs)
        )[:100]
        out = arguments.out or Path("probes", names)
        chosen = [
            subject
            for spec in arguments.specs
            for subject in subjects.subjects_of(spec, given.values(arguments), arguments.data)
        ]
        requests = [subjects.request(subject, arguments.batch_size, out) for subject in chosen]
        preflight.require(requests, tell=note, bar=counting)

        probed = [
            subjects.probed(subject, arguments.batch_size, arguments.seed) for subject in chosen
        ]
        setting = (
            f"{arguments.batch_size} images, seed {arguments.seed}; specs at initialization on "
            "noise of standard deviation 1, runs with their weights on their test images; batch "
            "norm with the statistics of the batch."
        )
        written = page.leave(probed, setting, out)
        rows = page.cells(probed)
        columns = [
            Column(heading, longest(heading, *(row[i] for row in rows)), figures=i > 0)
            for i, heading in enumerate(page.HEADINGS)
        ]
        made = table(columns)
        for row in rows:
            made.add_row(*map(text, row))
        wide = sum(column.width for column in columns) + 2 * len(columns)
        print(shown([made], max(width(), wide), color(sys.stdout)), end="")
        for line in page.seed_lines(probed):
            print(line)
        wrote([written], ", with a picture and CSV files")
    return int(any(not run.error <= page.TOLERANCE for each in probed for run in each.checked))
