"""`resspec check`: every mistake in specs, each said once."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from resspec.commands import given, remedies
from resspec.commands.fixing import fix
from resspec.commands.terminal import complain, new, show
from resspec.diagnostics import Diagnostic, SpecError, UsageError

SUMMARY = "find every mistake, without building anything"
EXAMPLES = """\
  resspec check specs/resnet152.res
  resspec check specs/ my.res          folders are searched for .res files
  resspec check nets.res:small         one network of a file
  resspec check --fix my.res           fixes what can be; --diff shows how
  resspec check --format sarif specs/
  resspec check specs/ --budget 'params <= 26M' --budget 'macs in 1G .. 5G'
  resspec check resnet50 --budget 'saved_bytes(batch=32) <= 3GB'
  resspec check lib/he2015:cifar --set n=9 --budget 'layers == 56'
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, or a folder of specs")
    parser.add_argument(
        "--fix", action="store_true", help="make the edits that diagnostics suggest, then check"
    )
    parser.add_argument(
        "--diff", action="store_true", help="show those edits instead of making them"
    )
    parser.add_argument(
        "--format",
        choices=["text", "json", "sarif", "github"],
        default="text",
        help="text goes to standard error, other formats to standard output",
    )
    parser.add_argument(
        "--budget",
        action="append",
        default=[],
        metavar="EXPECTATION",
        help="a condition as after `expect`, for every network; may be given several times",
    )
    given.takes_values(parser)


def run(arguments: Namespace) -> int:
    from resspec.compiler import examine
    from resspec.lowering.expectations import budgets
    from resspec.render import visible

    try:
        expected = budgets(dict.fromkeys(arguments.budget))
    except SpecError as error:
        show(error.diagnostics)
        return 2
    specs = [spec for each in arguments.specs for spec in given.specs(each)]
    if arguments.fix or arguments.diff:
        fix(specs, write=not arguments.diff)
    everything: list[Diagnostic] = []
    cautions: list[Diagnostic] = []
    shown, cautioned = set[str](), set[str]()
    wrong, unreadable, networks = 0, 0, 0
    for spec in specs:
        try:
            found = examine(spec, expected, **dict(arguments.set))
            networks += len(found.networks)
            if found.diagnostics:
                wrong += 1
                everything += new(found.diagnostics, shown)
            else:
                cautions += new(found.warnings(), cautioned)
        except UsageError as error:
            unreadable += 1
            complain(str(error), error.code)
    if arguments.format != "text":
        from resspec.commands.forms import FORMS

        print(FORMS[arguments.format](everything + cautions), end="")
        return 2 if unreadable else 1 if wrong else 0
    show(remedies.of_diagnostics(everything + cautions, arguments))
    total = f"{len(specs)} specs" if len(specs) > 1 else visible(specs[0])
    if wrong:
        where = f"{wrong} of {total}" if len(specs) > 1 else total
        print(f"{len(shown)} mistake{'s' * (len(shown) != 1)} in {where}", file=sys.stderr)
    if wrong or unreadable:
        return 2 if unreadable else 1
    if expected and not networks:
        complain(
            f"{total}: there is no network to check against a budget; --set gives a template its values"
        )
        return 2
    within = f", {networks} network{'s' * (networks != 1)} within budget" if expected else ""
    noted = f", {len(cautions)} warning{'s' * (len(cautions) != 1)}" if cautions else ""
    print(f"{total}: no mistakes{within}{noted}")
    return 0
