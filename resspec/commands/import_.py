"""`resspec import`: the spec of a PyTorch module, an ONNX file or an exported program."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.commands import given, revised
from resspec.commands.apart import import_in
from resspec.commands.installed import torch_installed
from resspec.commands.parsing import AppendOnce
from resspec.commands.terminal import complain, note, say, wrote
from resspec.diagnostics import UsageError

if TYPE_CHECKING:
    from resspec.importing.proof import Proof

SUMMARY = "write the spec of a PyTorch module, and prove that it is the same network"
EXAMPLES = """\
  resspec import torchvision:resnet50            print its spec
  resspec import timm:convnext_tiny -o convnext_tiny.res
  resspec import net.py:Net --input 3x32x32 --arg width=64
  resspec import py:package.module:build         what the function returns
  resspec import torchvision:fcn_resnet50 --part backbone
  resspec import net.onnx                        a file of torch.onnx.export
  resspec import net.pt2                         ... of torch.export.save

A SOURCE other than an .onnx or .pt2 file is Python code: importing it runs it.
The spec and the module get the same random parameters and two images; outputs
in eval mode and gradients of a training step are compared.
Other commands take a SOURCE in place of a spec:
  resspec diff timm:resnet50 torchvision:resnet50
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="torchvision:NAME, timm:NAME, py:package.module:callable, "
        "net.py:Net, REV:net.py:Net in git, or an .onnx or .pt2 file",
    )
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="the .res file to write (standard output)"
    )
    parser.add_argument(
        "--input",
        metavar="SIZE",
        help="the input: 192, 160x192 or 3x224x224 (the size that the library gives, or 224)",
    )
    parser.add_argument(
        "--arg",
        type=given.setting,
        action=AppendOnce,
        default=[],
        metavar="NAME=VALUE",
        help="an argument of the callable that returns the module; may be given several times",
    )
    parser.add_argument(
        "--part", default="", metavar="PATH", help="the submodule to import, such as backbone.body"
    )
    parser.add_argument(
        "--flat", action="store_true", help="write out every block, as `expand` does"
    )
    parser.add_argument(
        "--carry",
        action="store_true",
        help="where branches cross, carry values along with concat and slice",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="write a placeholder for each part that cannot be written as a spec",
    )
    parser.add_argument(
        "--init",
        default="",
        metavar="INIT",
        help="the initialization to add, which cannot be read from a module: kaiming_normal",
    )
    parser.add_argument(
        "--allow-code",
        action="store_true",
        help="run Python code of a git revision, as in HEAD~1:net.py:Net",
    )
    parser.add_argument(
        "--no-verify", action="store_true", help="do not compare outputs and gradients"
    )


def run(arguments: Namespace) -> int:
    from resspec.files import write
    from resspec.importing.imported import ImportOptions, import_source
    from resspec.importing.sources import source_of
    from resspec.importing.values import argument, sizes

    source = source_of(arguments.source)
    if at_revision := revised.revised_source(arguments.source):
        revised.need_permission(arguments.source, allowed=arguments.allow_code)
        with revised.checked_out(at_revision) as (folder, inside):
            return import_in(folder, inside, _flags(arguments))
    if source is None:
        raise _not_a_source(arguments.source)
    given.say_what_runs(source)
    options = ImportOptions(
        dims=sizes(arguments.input),
        arguments={name: argument(value) for name, value in arguments.arg},
        part=arguments.part,
        flat=arguments.flat,
        carries=arguments.carry,
        init=arguments.init,
        verifies=not arguments.no_verify,
        partial=arguments.partial,
    )
    with torch_installed("import"):
        found = import_source(source, options)
    if arguments.out:
        write(arguments.out, found.text.encode())
    else:
        print(found.text, end="")
    for sentence in found.notes:
        note(sentence)
    for line in found.gaps:
        say(line)
    say(found.summary)
    if arguments.out:
        wrote([arguments.out])
    if not found.proof.is_sound:
        complain(_disagreement(found.proof))
        return 1
    return 0


def _disagreement(proof: Proof) -> str:
    """Return the conclusion from a proof that found a difference."""
    if proof.changes:
        return "the module changes when it is called, so no spec can describe it"
    if proof.differs_in_training:
        return (
            "the spec and the module are the same network in eval mode, but the module computes "
            "something different in training: look for branches on `self.training`, for hooks, and "
            "for values that change at each call"
        )
    return (
        "the spec and the module are not the same network; if the module uses no autocast and its "
        "hooks change nothing, please report this"
    )


def _flags(arguments: Namespace) -> list[str]:
    """Return the flags that were given, for an import in another folder."""
    found = [f"--out={arguments.out.absolute()}"] if arguments.out else []
    found += [f"--arg={name}={value}" for name, value in arguments.arg]
    for name in ("input", "part", "init"):
        if value := getattr(arguments, name):
            found.append(f"--{name}={value}")
    for name in ("flat", "carry", "partial", "no_verify"):
        if getattr(arguments, name):
            found.append(f"--{name.replace('_', '-')}")
    return found


def _not_a_source(word: str) -> UsageError:
    """Return the error for a word that cannot be imported, by the file that it seems to name."""
    from resspec.importing.sources import FILES

    file, _, _ = word.rpartition(":")
    path = Path(file) if file.endswith(".py") else Path(word)
    if path.suffix in (".py", *FILES) and not path.exists():
        return UsageError(f"there is no file {path}")
    if path.suffix == ".py":
        return UsageError(f"name a class or function of {path}, as in {path}:Net")
    if path.suffix == ".res":
        return UsageError(f"{word} is a spec already")
    forms = "torchvision:NAME, timm:NAME, py:package.module:callable, net.py:Net"
    return UsageError(f"{word!r} cannot be imported: write {forms}, or an .onnx or .pt2 file")
