"""`resspec check`: every mistake in specs, each said once."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from resspec.commands import given
from resspec.commands.terminal import complain, show
from resspec.diagnostics import UsageError

SUMMARY = "find every mistake, without building anything"
EXAMPLES = """\
  resspec check specs/resnet152.res
  resspec check specs/ my.res          folders are searched for .res files
  resspec check nets.res:small         one network of a file
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, or a folder of specs")


def run(arguments: Namespace) -> int:
    from resspec.compiler import check

    specs = [spec for each in arguments.specs for spec in given.specs(each)]
    shown: set[str] = set()
    wrong, unreadable = 0, 0
    for spec in specs:
        try:
            if diagnostics := check(spec):
                wrong += 1
                show(diagnostics, shown)
        except UsageError as error:
            unreadable += 1
            complain(str(error))
    total = f"{len(specs)} specs" if len(specs) > 1 else specs[0]
    if wrong:
        where = f"{wrong} of {total}" if len(specs) > 1 else total
        print(f"{len(shown)} mistake{'s' * (len(shown) != 1)} in {where}", file=sys.stderr)
    if wrong or unreadable:
        return 2 if unreadable else 1
    print(f"{total}: no mistakes")
    return 0
