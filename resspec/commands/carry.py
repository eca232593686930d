"""`resspec carry`: the weights of one network for another."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from resspec.commands import given, numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import say, wrote
from resspec.diagnostics import UsageError

SUMMARY = "carry weights to a network of other classes, channels or names"
EXAMPLES = """\
  resspec carry resnet50.pth --from torchvision/resnet50 \\
      --to torchvision/resnet50 --set classes=10 -o mine.safetensors
  resspec carry resnet50.pth --from torchvision/resnet50 --to mine.res \\
      -o mine.safetensors

The weights of the first convolution are summed for one channel, or repeated
for several, and the last layer is new where its outputs differ, as by timm.
Layers of other names are renamed where they are the same one by one, and
layers that the other network lacks are left out. What would be a guess is
refused; `resspec diff A B` shows how two networks differ.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="a .safetensors or .pth file")
    parser.add_argument(
        "--from", dest="source", required=True, metavar="SPEC", help="the network that they are of"
    )
    parser.add_argument(
        "--to",
        dest="spec",
        required=True,
        metavar="SPEC",
        help="the network that they are for, which --set and --input are about",
    )
    given.takes_values(parser)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="the .safetensors to write"
    )
    parser.add_argument(
        "--seed", type=numbers.seed, default=0, metavar="N", help="of a new last layer (0)"
    )


def run(arguments: Namespace) -> int:
    if arguments.out.suffix != ".safetensors":
        raise UsageError(f"{arguments.out} is not a .safetensors file")
    with torch_installed("carry"):
        from safetensors.torch import save

        from resspec import compiler
        from resspec.files import write
        from resspec.training import weights
        from resspec.training.weights import metadata
        from resspec.training.weights.carry import carried
        from resspec.training.weights.header import with_metadata

        read = weights.read(arguments.weights)
        a, b = compiler.load(arguments.source), given.load(arguments)
        found = carried(read, a, b, seed=arguments.seed)
        for sentence in found.sentences or ("all tensors keep their names and shapes",):
            say(sentence)
        tensors = {name: tensor.contiguous() for name, tensor in found.tensors.items()}
        described = metadata.carried(read, a, b)
        write(arguments.out, with_metadata(save(tensors), described))
    wrote([arguments.out])
    return 0
