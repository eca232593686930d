"""What the command takes, and what `--help` teaches."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from pathlib import Path
from typing import NoReturn

from resspec import __version__

STAGES = ("ast", "ir", "ir-json", "source", "report")

_ABOUT = """\
Compile specs of convolutional, above all residual, networks: check them, count
what they cost, turn them into PyTorch.

  resspec check specs/                 every mistake in all specs of a folder
  resspec report resnet152             parameters, multiply-adds, activations
  resspec compile specs/resnet152.res  the report, and a PyTorch file in build/
  resspec diff resnet50 torchvision/resnet50
"""

_SPEC = """\
SPEC is a file (specs/resnet152.res), one network of a file (nets.res:small), or
the name of a spec that comes with resspec (resnet152, torchvision/resnet50).
"""

_EPILOG = """\
Exit codes: 0 clean, 1 diagnostics, 2 a request that cannot be carried out.
NO_COLOR turns colours off.
"""

_EXAMPLES = {
    "check": """\
  resspec check specs/resnet152.res
  resspec check specs/ my.res          folders are searched for .res files
  resspec check nets.res:small         one network of a file
""",
    "compile": """\
  resspec compile specs/resnet152.res     writes build/resnet152.py and
                                          build/resnet152.report.json
  resspec compile resnet50 --out models   ... into models/
  resspec compile resnet50 --emit source  prints the PyTorch file alone
  resspec compile resnet50 --emit ir      prints what the compiler understood

The Python file needs torch and nothing else:
  from resnet152 import resnet152; net = resnet152()
""",
    "expand": """\
  resspec expand resnet18              every default, name and repeat as the
                                       compiler understood it
  resspec expand resnet18 > mine.res   it is a spec itself, of the same network
""",
    "report": """\
  resspec report resnet152
  resspec report lib/he2015:cifar --set n=9   a template with its parameter
  resspec report resnet152 --format json | jq .totals.macs
""",
    "diff": """\
  resspec diff resnet50 torchvision/resnet50
  resspec diff HEAD~1:specs/net.res specs/net.res   a spec and what it uses as
                                       git has them; the path is from its top
  resspec diff build/old.report.json specs/new.res  of a report figures alone
  resspec diff resnet50 mine.json      an IR that compile --emit ir-json printed
  resspec diff resnet18 resnet34 --format markdown  for a pull request

Exit codes: 0 the same network, 1 another (0 with --exit-zero), 2 trouble.
""",
    "train": """\
  resspec train digits --data digits  a small residual network on the 8x8 digits
                                      of scikit-learn, in about a minute
  resspec train my.res --seed 1 --epochs 10 --run runs/second
""",
}


def parser() -> ArgumentParser:
    """`parse_args` gives `command` and what it takes."""
    top = _Parser(prog="resspec", description=_ABOUT, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"resspec {__version__}", help="print the version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, help: str) -> ArgumentParser:
        return commands.add_parser(
            name, help=help, description=f"{help[0].upper()}{help[1:]}.\n\n{_EXAMPLES[name]}", epilog=_SPEC,
            formatter_class=RawDescriptionHelpFormatter,
        )

    check = command("check", "find every mistake, without building anything")
    check.add_argument("specs", nargs="+", metavar="SPEC", help="a spec, or a folder of specs")

    compiled = command("compile", "print the report, and write a PyTorch file and the report as JSON")
    _takes_spec(compiled)
    compiled.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="the folder to write to (build)")
    compiled.add_argument("--emit", choices=STAGES, help="print one stage of the compiler instead, and write nothing")

    _takes_spec(command("expand", "print the resolved spec"))

    report = command("report", "print what each stage costs")
    _takes_spec(report)
    _takes_format(report)

    diff = command("diff", "compare two networks: structure, cost, weights")
    diff.add_argument("a", metavar="A", help="a spec, REV:PATH in git, or a saved report or IR (.json)")
    diff.add_argument("b", metavar="B", help="the other one")
    diff.add_argument("--format", choices=("table", "markdown", "json"), default="table",
                      help="markdown is for a pull request, json has everything")
    diff.add_argument("--exit-zero", action="store_true", help="exit with 0 for different networks too")

    train = command("train", "train a network and measure it once on the test images")
    _takes_spec(train)
    train.add_argument("--data", default="digits", metavar="NAME", help="the data set (digits)")
    train.add_argument("--seed", type=int, default=0, metavar="N", help="initial weights and the order of images (0)")
    train.add_argument("--epochs", type=int, metavar="N", help="passes over the training images")
    train.add_argument("--run", type=Path, metavar="DIR", help="the folder of the record (runs/NAME)")
    return top


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Two lines in the form of every other message."""
        self.exit(2, f"error: {message}\nhelp: {self.prog} --help\n")


def _takes_spec(command: ArgumentParser) -> None:
    command.add_argument("spec", metavar="SPEC", help="a file, FILE:NAME, or a name that comes with resspec")
    command.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE",
                         help="give a template's parameter a value; may stand several times")


def _takes_format(command: ArgumentParser) -> None:
    command.add_argument("--format", choices=("table", "json"), default="table", help="json has all figures to the unit")


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier() and value.strip()):
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value.strip()
