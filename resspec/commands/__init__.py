"""The commands, one per file: `arguments`, the `EXAMPLES` of its help, and `run`."""

from __future__ import annotations

from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword
from types import ModuleType

from resspec.commands.parsing import Parser
from resspec.version import __version__

COMMANDS = (
    "check",
    "explain",
    "fmt",
    "compile",
    "expand",
    "report",
    "diff",
    "draw",
    "import",
    "train",
    "eval",
    "predict",
    "carry",
    "compare",
    "bench",
    "study",
    "probe",
    "list",
    "lsp",
    "view",
    "help",
    "completion",
)
_OF_ALL = ("help", "completion")  # commands that are about the others
_WITHOUT_SPEC = (
    "compare",
    "completion",
    "explain",
    "fmt",
    "help",
    "import",
    "list",
    "lsp",
    "predict",
    "view",
)

_ABOUT = """\
Compile specs of convolutional networks: check them, count what they cost, and
turn them into PyTorch modules.

  resspec check specs/                 every error in all specs of a folder
  resspec report resnet152             parameters, multiply-adds, activations
  resspec compile specs/resnet152.res  the report, and a PyTorch file in build/
  resspec diff resnet50 torchvision/resnet50
"""

_SPEC = """\
SPEC is a file (specs/resnet152.res), one network of a file (nets.res:small), or
the name of a spec that comes with resspec (resnet152, torchvision/resnet50). It
may also be the folder of a run, or a SOURCE of `resspec import`, such as
timm:resnet50 or net.py:Net.
"""

_EPILOG = """\
Exit codes: 0 clean, 1 errors in a spec or recipe (of diff: a difference), 2 a
request that cannot be carried out, 130 stopped by Ctrl-C, 141 by a closed pipe;
`resspec train --help` lists those of training.
NO_COLOR turns colors off.
"""


def load(command: str) -> ModuleType:
    """Return the module of a command, which is imported here: a process runs one."""
    file = f"{command}_" if iskeyword(command) else command
    return import_module(f"resspec.commands.{file}")


def parse(argv: Sequence[str]) -> Namespace:
    """Return the arguments of a command line; exit where it has an error, or asks for help.

    Only the module of the command is imported, unless an option is unknown, which another command
    may have.
    """
    if argv and argv[0] in COMMANDS and argv[0] not in _OF_ALL:
        parsed, unknown = parser(argv[:1]).parse_known_args(argv)
        if not unknown:
            assert isinstance(parsed, Namespace)
            return parsed
    parsed = parser().parse_args(argv)
    assert isinstance(parsed, Namespace)
    return parsed


def parser(names: Sequence[str] = COMMANDS) -> Parser:
    """Return the parser of the command line.

    Its `parse_args` returns `command`, the arguments of the command, and `top`, this parser.

    Args:
        names: The commands that it knows.
    """
    top = Parser(
        prog="resspec",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--version", action="version", version=f"resspec {__version__}", help="print the version"
    )
    commands = top.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for name in names:
        command = load(name)
        made = commands.add_parser(
            name,
            help=command.SUMMARY,
            description=f"{command.SUMMARY[0].upper()}{command.SUMMARY[1:]}.\n\n{command.EXAMPLES}",
            epilog=None if name in _WITHOUT_SPEC else _SPEC,
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.arguments(made)
        made.set_defaults(top=top)
    return top
