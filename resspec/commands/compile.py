"""`resspec compile`: the report and a PyTorch or ONNX file, or one stage as text."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.backends.file_names import file_stem
from resspec.commands import given
from resspec.commands.installed import onnx_installed, torch_installed
from resspec.commands.terminal import color, note, width, wrote
from resspec.diagnostics import UsageError

if TYPE_CHECKING:
    from resspec.commands.folding import Contents
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
  resspec compile runs/a --fold           writes build/resnet50_folded.py, its
                                          weights, and a list of what was folded
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
        help="for onnx and --fold: a .safetensors or .pth file (a run has its own)",
    )
    parser.add_argument(
        "--fold",
        action="store_true",
        help="for evaluation: fold batch norms, and merge parallel convolutions",
    )
    parser.add_argument(
        "--emit", choices=STAGES, help="print one stage of the compiler instead, and write nothing"
    )


def run(arguments: Namespace) -> int:
    from resspec.backends.report.json import to_json
    from resspec.backends.report.table import to_table
    from resspec.files import write

    _check(arguments)
    if arguments.emit:
        network, text = _emitted(arguments)
        print(text, end="")
        given.warn([(arguments.spec, network)] if network else [])
        return 0
    (network, report, _), made = _made(arguments)
    stem = file_stem(network.name)
    made[".report.json"] = to_json(report).encode()
    files = {stem + suffix: content for suffix, content in made.items()}
    for name, content in files.items():
        write(arguments.out / name, content)
    print(to_table(report, width=width(), color=color(sys.stdout)), end="")
    given.warn([(arguments.spec, network)])
    wrote(arguments.out / name for name in files)
    _note_other_names(report.network, files)
    return 0


def _check(arguments: Namespace) -> None:
    """Check that options fit together. Raises UsageError."""
    is_onnx = arguments.target == "onnx"
    if arguments.weights and not (is_onnx or arguments.fold):
        raise UsageError(
            "--weights needs --target onnx, or --fold: a PyTorch file does not contain weights"
        )
    if arguments.emit and is_onnx:
        help = "leave out --target onnx, or --emit"
        raise UsageError(f"--emit prints a stage of the compilation to PyTorch: {help}")
    if arguments.emit == "ast" and arguments.fold:
        raise UsageError("--emit ast prints the spec as it is written: leave out --fold")
    if arguments.emit and arguments.weights:
        raise UsageError("--emit prints a stage without weights: leave out --weights")


def _made(arguments: Namespace) -> tuple[Compiled, Contents]:
    """Return the network, and the files to write by their suffixes. Raises SpecError,
    UsageError.
    """
    from resspec.backends.source import emit
    from resspec.commands import folding
    from resspec.compiler import compile_spec

    compiled = compile_spec(arguments.spec, **given.values(arguments))
    if arguments.fold:
        return folding.made(compiled, _weights(arguments), arguments.target)
    if arguments.target == "onnx":
        return compiled, {".onnx": _exported(compiled, _weights(arguments))}
    return compiled, {".py": emit(compiled.network, compiled.report.hash).encode()}


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


def _exported(compiled: Compiled, path: Path | None) -> bytes:
    """Return a network as an ONNX file. Raises SpecError, UsageError."""
    with onnx_installed():
        from resspec.commands.exporting import exported
        from resspec.training import weights
        from resspec.training.weights import metadata

        read = weights.read(path) if path else None
        start = read.telling(note) if read else None
        described = metadata.exported(compiled.network, read.metadata if read else {})
        return exported(compiled, start, described)


def _weights(arguments: Namespace) -> Path | None:
    """Return the weights that are given, or those of a run. Raises UsageError."""
    from resspec.opening import is_run

    folder = Path(arguments.spec)
    if arguments.weights or not is_run(folder):
        file: Path | None = arguments.weights
        return file
    with torch_installed("compile RUN"):
        return _of_run(folder)


def _of_run(folder: Path) -> Path:
    """Return the weights of a finished run. Raises UsageError."""
    from resspec.training.run import ended, record

    result = record.result(folder)
    if result is None:
        unfinished = f"the run in {folder} has not finished"
        raise UsageError(f"{unfinished}; --weights FILE exports other weights", "E0613")
    ended.check_weights(folder, result)
    return folder / ended.WEIGHTS


def _emitted(arguments: Namespace) -> tuple[Network | None, str]:
    """Return a stage as text, and the network, which there is from the IR on."""
    from resspec.passes.folding import fold

    if arguments.emit == "ast":
        from resspec.opening import open_named
        from resspec.syntax.parse import parse
        from resspec.syntax.text import to_text as tree

        return None, tree(parse(open_named(arguments.spec, given.values(arguments)).library.source))
    if arguments.emit in ("source", "report"):
        return _compiled_text(arguments)
    network = given.load(arguments)
    if arguments.fold:
        network = fold(network).network
    if arguments.emit == "ir":
        return network, f"{network}\n"
    from resspec.ir.json import to_json
    from resspec.render import visible_json

    return network, visible_json(to_json(network)) + "\n"


def _compiled_text(arguments: Namespace) -> tuple[Network, str]:
    from resspec.backends.report.json import to_json
    from resspec.backends.source import emit
    from resspec.commands.folding import folded
    from resspec.compiler import compile_spec

    compiled = compile_spec(arguments.spec, **given.values(arguments))
    if arguments.fold:
        compiled, _ = folded(compiled)
    if arguments.emit == "source":
        return compiled.network, emit(compiled.network, compiled.report.hash)
    return compiled.network, to_json(compiled.report)
