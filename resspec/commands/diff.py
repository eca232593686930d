"""`resspec diff`: two networks, their structure, cost and weights."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.commands.terminal import color, show, width
from resspec.diagnostics import SpecError, UsageError

if TYPE_CHECKING:
    from resspec.backends.diff import Side
    from resspec.ir.fingerprint import Digests

SUMMARY = "compare two networks: structure, cost, weights"
EXAMPLES = """\
  resspec diff resnet50 torchvision/resnet50
  resspec diff HEAD~1:specs/net.res specs/net.res   a spec and what it uses as
                                       git has them; the path is from its top
  resspec diff build/old.report.json specs/new.res  of a report figures alone
  resspec diff resnet50 mine.json      an IR that compile --emit ir-json printed
  resspec diff resnet18 resnet34 --format markdown  for a pull request

Exit codes: 0 the same network, 1 another (0 with --exit-zero), 2 trouble.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="a spec, REV:PATH in git, or a saved report or IR (.json)")
    parser.add_argument("b", metavar="B", help="the other one")
    parser.add_argument("--format", choices=("table", "markdown", "json"), default="table",
                        help="markdown is for a pull request, json has everything")
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 for different networks too")


def run(arguments: Namespace) -> int:
    from resspec.backends.diff import diff
    from resspec.ir.fingerprint import Digests

    digests = Digests()
    try:
        found = diff(_side(arguments.a, digests), _side(arguments.b, digests), digests)
    except SpecError as error:
        show(error.diagnostics)
        return 2
    match arguments.format:
        case "json":
            from resspec.backends.diff.json import to_json

            print(to_json(found), end="")
        case "markdown":
            from resspec.backends.diff.markdown import to_markdown

            print(to_markdown(found), end="")
        case _:
            from resspec.backends.diff.table import to_table

            print(to_table(found, width=width(), color=color(sys.stdout)), end="")
    return 0 if found.same or arguments.exit_zero else 1


def _side(given: str, digests: Digests) -> Side:
    """A side of a diff: a saved report or IR, or a spec."""
    from resspec.backends.diff import Side

    if not given.endswith(".json"):
        from resspec.backends.report import report
        from resspec.compiler import load_revised

        network = load_revised(given)
        return Side(report(network, digests), network)
    from resspec.backends.diff.saved import from_json

    try:
        return from_json(Path(given).read_text(encoding="utf-8"), digests)
    except (OSError, UnicodeDecodeError, UsageError) as error:
        raise UsageError(f"cannot read {given}: {getattr(error, 'strerror', None) or error}") from None
