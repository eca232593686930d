"""`resspec check`: all errors in specs, each printed once."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from resspec.commands import given, remedies
from resspec.commands.fixing import fix
from resspec.commands.terminal import complain, show
from resspec.diagnostics import Collected, SpecError, UsageError

if TYPE_CHECKING:
    from resspec.lowering.expectations import Expectation

SUMMARY = "find every error, without building anything"
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
    given.takes_output(parser)


def run(arguments: Namespace) -> int:
    from resspec.lowering.expectations import budgets

    try:
        expected = budgets(dict.fromkeys(arguments.budget))
    except SpecError as error:
        show(error.diagnostics)
        return 2
    specs = [spec for each in arguments.specs for spec in given.specs(each)]
    if arguments.fix or arguments.diff:
        fix(specs, write=not arguments.diff)

    found = _check(specs, expected, given.values(arguments))
    diagnostics = [*found.errors, *found.warnings]
    if arguments.format == "text":
        show(remedies.of_diagnostics(diagnostics, arguments))
        _print_total(found, specs, has_budget=bool(expected))
    else:
        from resspec.commands.forms import FORMS

        print(FORMS[arguments.format](diagnostics), end="")

    if found.unreadable:
        return 2
    if found.wrong:
        return 1
    if expected and not found.networks:
        complain("there is no network to check against a budget; --set gives a template its values")
        return 2
    return 0


@dataclass
class _Found:
    """The errors and warnings in some specs, each once, and what they are in.

    Attributes:
        wrong: The number of specs with errors.
        unreadable: The number of specs that could not be read.
        networks: The number of networks that were compiled.
    """

    errors: Collected = field(default_factory=Collected)
    warnings: Collected = field(default_factory=Collected)
    wrong: int = 0
    unreadable: int = 0
    networks: int = 0


def _check(specs: list[str], expected: Sequence[Expectation], values: dict[str, Any]) -> _Found:
    from resspec.compiler import examine

    found = _Found()
    for spec in specs:
        try:
            examined = examine(spec, expected, **values)
        except UsageError as error:
            found.unreadable += 1
            complain(str(error), error.code)
            continue
        found.networks += len(examined.networks)
        found.wrong += bool(examined.diagnostics)
        found.errors.add(*examined.diagnostics)
        found.warnings.add(*examined.warnings())
    return found


def _print_total(found: _Found, specs: list[str], *, has_budget: bool) -> None:
    from resspec.render import visible

    several = len(specs) > 1
    total = f"{len(specs)} specs" if several else visible(specs[0])
    if found.wrong:
        where = f"{found.wrong} of {total}" if several else total
        print(f"{_count(len(found.errors), 'error')} in {where}", file=sys.stderr)
    elif not found.unreadable and (found.networks or not has_budget):
        line = f"{total}: no errors"
        if has_budget:
            line += f", {_count(found.networks, 'network')} within budget"
        if found.warnings:
            line += f", {_count(len(found.warnings), 'warning')}"
        print(line)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
