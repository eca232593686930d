"""`resspec help`: the help of a command."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from resspec.commands.parsing import Parser
from resspec.diagnostics import UsageError
from resspec.suggest import did_you_mean

SUMMARY = "print the help of a command"
EXAMPLES = """\
  resspec help report
  resspec help study degradation
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help="all commands without it")


def run(arguments: Namespace) -> int:
    print(find(arguments.top, arguments.commands).format_help(), end="")
    return 0


def find(parser: Parser, commands: list[str]) -> Parser:
    """Return the parser of a command, or of a part of one. Raises UsageError."""
    for name in commands:
        if name not in parser.commands:
            near = did_you_mean(name, parser.commands)
            raise UsageError(f"`{parser.prog}` has no command {name!r}{near}")
        parser = parser.commands[name]
    return parser
