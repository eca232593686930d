"""`resspec check`: every mistake in specs, each said once."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from resspec.commands import given
from resspec.commands.fixing import fix
from resspec.commands.terminal import complain, new, show
from resspec.diagnostics import Diagnostic, UsageError

SUMMARY = "find every mistake, without building anything"
EXAMPLES = """\
  resspec check specs/resnet152.res
  resspec check specs/ my.res          folders are searched for .res files
  resspec check nets.res:small         one network of a file
  resspec check --fix my.res           mends what can be; --diff shows how
  resspec check --format sarif specs/
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, or a folder of specs")
    parser.add_argument("--fix", action="store_true", help="make the edits that diagnostics propose, then check")
    parser.add_argument("--diff", action="store_true", help="show those edits instead of making them")
    parser.add_argument("--format", choices=["text", "json", "sarif", "github"], default="text",
                        help="text on standard error, all else on standard output")


def run(arguments: Namespace) -> int:
    from resspec.compiler import check

    specs = [spec for each in arguments.specs for spec in given.specs(each)]
    if arguments.fix or arguments.diff:
        fix(specs, write=not arguments.diff)
    everything: list[Diagnostic] = []
    shown: set[str] = set()
    wrong, unreadable = 0, 0
    for spec in specs:
        try:
            if diagnostics := check(spec):
                wrong += 1
                everything += new(diagnostics, shown)
        except UsageError as error:
            unreadable += 1
            complain(str(error))
    if arguments.format != "text":
        from resspec.commands.forms import FORMS

        print(FORMS[arguments.format](everything), end="")
        return 2 if unreadable else 1 if wrong else 0
    show(everything)
    total = f"{len(specs)} specs" if len(specs) > 1 else specs[0]
    if wrong:
        where = f"{wrong} of {total}" if len(specs) > 1 else total
        print(f"{len(shown)} mistake{'s' * (len(shown) != 1)} in {where}", file=sys.stderr)
    if wrong or unreadable:
        return 2 if unreadable else 1
    print(f"{total}: no mistakes")
    return 0
