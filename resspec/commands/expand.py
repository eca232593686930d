"""`resspec expand`: the resolved spec."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from resspec.commands import given

SUMMARY = "print the spec with every default, name and repeat resolved"
EXAMPLES = """\
  resspec expand resnet18              every default, name and repeat as the
                                       compiler understood it
  resspec expand resnet18 > mine.res   it is a spec itself, of the same network
"""


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    given.takes_output(parser)


def run(arguments: Namespace) -> int:
    from resspec.backends.expand import expand

    print(expand(given.load(arguments)), end="")
    return 0
