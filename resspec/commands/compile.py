"""`resspec compile`: the report, a PyTorch file and the report as JSON; or one stage of the compiler as text."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from resspec.commands import given
from resspec.commands.terminal import color, width

SUMMARY = "print the report, and write a PyTorch file and the report as JSON"
EXAMPLES = """\
  resspec compile specs/resnet152.res     writes build/resnet152.py and
                                          build/resnet152.report.json
  resspec compile resnet50 --out models   ... into models/
  resspec compile resnet50 --emit source  prints the PyTorch file alone
  resspec compile resnet50 --emit ir      prints what the compiler understood

The Python file needs torch and nothing else:
  from resnet152 import resnet152; net = resnet152()
"""
STAGES = ("ast", "ir", "ir-json", "source", "report")


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    parser.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="the folder to write to (build)")
    parser.add_argument("--emit", choices=STAGES, help="print one stage of the compiler instead, and write nothing")


def run(arguments: Namespace) -> int:
    from resspec.backends.report.table import to_table
    from resspec.compiler import compile_spec
    from resspec.files import write

    if arguments.emit:
        print(_emitted(arguments), end="")
        return 0
    compiled = compile_spec(arguments.spec, **dict(arguments.set))
    for name, text in compiled.files.items():
        write(arguments.out / name, text.encode())
    print(to_table(compiled.report, width=width(), color=color(sys.stdout)), end="")
    print("wrote " + " and ".join(str(arguments.out / name) for name in compiled.files), file=sys.stderr)
    return 0


def _emitted(arguments: Namespace) -> str:
    match arguments.emit:
        case "ast":
            from resspec.compiler import locate, open_spec
            from resspec.syntax.parse import parse
            from resspec.syntax.text import to_text as tree

            return tree(parse(open_spec(locate(arguments.spec)[0]).library.source))
        case "ir":
            from resspec.ir.text import to_text

            return to_text(given.load(arguments))
        case "ir-json":
            from resspec.ir.json import to_json

            return to_json(given.load(arguments)) + "\n"
        case stage:
            from resspec.compiler import compile_spec

            made = compile_spec(arguments.spec, **dict(arguments.set))
            return made.files[made.network.name + {"source": ".py", "report": ".report.json"}[stage]]
