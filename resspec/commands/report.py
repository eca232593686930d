"""`resspec report`: what a network costs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from resspec.commands import given
from resspec.commands.terminal import color, width

SUMMARY = "print what each stage costs"
EXAMPLES = """\
  resspec report resnet152
  resspec report lib/he2015:cifar --set n=9   a template with its parameter
  resspec report resnet152 --format json | jq .totals.macs
"""


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    parser.add_argument("--format", choices=("table", "json"), default="table", help="json has all figures to the unit")


def run(arguments: Namespace) -> int:
    from resspec.backends.report import report, to_json

    found = report(given.load(arguments))
    if arguments.format == "json":
        print(to_json(found), end="")
    else:
        from resspec.backends.report_table import to_table

        print(to_table(found, width=width(), color=color(sys.stdout)), end="")
    return 0
