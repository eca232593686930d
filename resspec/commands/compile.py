"""`resspec compile`: the report and a PyTorch or ONNX file, or one stage as text."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.backends.file_names import file_stem
from resspec.commands import given
from resspec.commands.installed import onnx_installed
from resspec.commands.terminal import color, note, width, wrote
from resspec.diagnostics import UsageError

if TYPE_CHECKING:
    from resspec.backends.onnx import Off
    from resspec.compiler import Compiled
    from resspec.ir.network import Network

SUMMARY = "print the report, and write a PyTorch or ONNX file and the report as JSON"
EXAMPLES = """\
  resspec compile specs/resnet152.res     writes build/resnet152.py and
                                          build/resnet152.report.json
  resspec compile resnet50 --out models   ... into models/
  resspec compile resnet50 --target onnx --weights runs/a/weights.safetensors
                                          writes build/resnet50.onnx
  resspec compile runs/a --target onnx    the network of a run, trained
  resspec compile resnet50 --emit source  prints the PyTorch file alone
  resspec compile resnet50 --emit ir      prints what the compiler understood

The Python file needs torch and nothing else:
  from resnet152 import resnet152; net = resnet152()
"""
STAGES = ("ast", "ir", "ir-json", "source", "report")


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    given.takes_output(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build"),
        metavar="DIR",
        help="the folder to write to (build)",
    )
    parser.add_argument(
        "--target",
        choices=("pytorch", "onnx"),
        default="pytorch",
        help="what to compile to (pytorch); onnx needs 'resspec[onnx]'",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="for onnx: the weights to store (.safetensors, or .pth; those of a run)",
    )
    parser.add_argument(
        "--emit", choices=STAGES, help="print one stage of the compiler instead, and write nothing"
    )


def run(arguments: Namespace) -> int:
    from resspec.backends.report.json import to_json
    from resspec.backends.report.table import to_table
    from resspec.backends.source import emit
    from resspec.compiler import compile_spec
    from resspec.files import write

    if arguments.weights and arguments.target != "onnx":
        raise UsageError("--weights needs --target onnx: a PyTorch file does not contain weights")
    if arguments.emit and arguments.target == "onnx":
        help = "leave out --target onnx, or --emit"
        raise UsageError(f"--emit prints a stage of the compilation to PyTorch: {help}")
    if arguments.emit:
        network, text = _emitted(arguments)
        print(text, end="")
        given.warn([(arguments.spec, network)] if network else [])
        return 0
    if arguments.target == "onnx":
        compiled, suffix, content = _exported(arguments)
    else:
        compiled = compile_spec(arguments.spec, **given.values(arguments))
        suffix, content = ".py", emit(compiled.network, compiled.report.hash).encode()
    network, report, _ = compiled
    stem = file_stem(network.name)
    files = {stem + suffix: content, f"{stem}.report.json": to_json(report).encode()}
    for name, content in files.items():
        write(arguments.out / name, content)
    print(to_table(report, width=width(), color=color(sys.stdout)), end="")
    given.warn([(arguments.spec, network)])
    wrote(arguments.out / name for name in files)
    _note_other_names(report.network, files)
    return 0


def _note_other_names(network: str, files: dict[str, bytes]) -> None:
    """Say what the files and the function are called where that is not the network's name."""
    stem = file_stem(network)
    if stem != network:
        reason = f"`{network}` is the name of a module, of Python or of a system"
        note(f"the files are called {stem}, since {reason}")
    functions = re.findall(rb"^def (\w+)\(", files.get(f"{stem}.py", b""), re.MULTILINE)
    function = functions[-1].decode() if functions else network
    if function != network:
        note(f"the function is called `{function}`: from {stem} import {function}")


def _exported(arguments: Namespace) -> tuple[Compiled, str, bytes]:
    """Return the network, with the suffix and content of its file. Raises SpecError, UsageError."""
    with onnx_installed():
        from resspec.compiler import compile_spec, to_onnx
        from resspec.training import weights
        from resspec.training.weights import metadata

        file = arguments.weights or _of_run(Path(arguments.spec))
        read = weights.read(file) if file else None
        compiled = compile_spec(arguments.spec, **given.values(arguments))
        start = read.telling(note) if read else None
        described = metadata.exported(compiled.network, read.metadata if read else {})
        made = to_onnx(compiled, start, described)
    print(_agreement(made.off), file=sys.stderr)
    return compiled, ".onnx", made.content


def _of_run(folder: Path) -> Path | None:
    """Return the weights of a finished run, or None for a spec. Raises UsageError."""
    from resspec.opening import is_run
    from resspec.training.run import ended, record

    if not is_run(folder):
        return None
    result = record.result(folder)
    if result is None:
        unfinished = f"the run in {folder} has not finished"
        raise UsageError(f"{unfinished}; --weights FILE exports other weights", "E0613")
    ended.check_weights(folder, result)
    return folder / ended.WEIGHTS


def _agreement(off: Off | None) -> str:
    if off is None:
        reason = "with these weights the outputs are not finite, or all zero"
        return f"the file was not compared with torch: {reason}"
    agreed = f"onnxruntime agrees with torch to {off.found:.0e} of the largest output"
    if off.pieces is None:
        return agreed
    amplified = "this network with these weights amplifies rounding that much"
    pieces = f"they agree to {off.pieces:.0e}"
    return (
        f"{agreed}: {amplified}; from each ReLU to the next, given what torch has there, {pieces}"
    )


def _emitted(arguments: Namespace) -> tuple[Network | None, str]:
    """Return a stage as text, and the network, which there is from the IR on."""
    if arguments.emit == "ast":
        from resspec.opening import open_named
        from resspec.syntax.parse import parse
        from resspec.syntax.text import to_text as tree

        return None, tree(parse(open_named(arguments.spec, given.values(arguments)).library.source))
    if arguments.emit in ("source", "report"):
        from resspec.backends.report.json import to_json as report_json
        from resspec.backends.source import emit
        from resspec.compiler import compile_spec

        compiled = compile_spec(arguments.spec, **given.values(arguments))
        text = (
            emit(compiled.network, compiled.report.hash)
            if arguments.emit == "source"
            else report_json(compiled.report)
        )
        return compiled.network, text

    network = given.load(arguments)
    if arguments.emit == "ir":
        return network, f"{network}\n"
    from resspec.ir.json import to_json
    from resspec.render import visible_json

    return network, visible_json(to_json(network)) + "\n"
