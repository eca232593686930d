"""`resspec carry`: the weights of one network for another."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from resspec.commands import given, numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import say, wrote
from resspec.diagnostics import UsageError

SUMMARY = "adapt weights to a network with different classes, channels or layer names"
EXAMPLES = """\
  resspec carry resnet50.pth --from torchvision/resnet50 \\
      --to torchvision/resnet50 --set classes=10 -o mine.safetensors
  resspec carry resnet50.pth --from torchvision/resnet50 --to mine.res \\
      -o mine.safetensors

The weights of the first convolution are summed for one channel, or repeated
for several, and a last layer with different outputs is initialized anew, as
in timm. If the other network has new layer names, the remaining layers must
match one to one and are renamed; if not, layers that it lacks are left out.
It refuses to guess; `resspec diff A B` shows how two networks differ.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="a .safetensors or .pth file")
    parser.add_argument(
        "--from", dest="source", required=True, metavar="SPEC", help="the network of the weights"
    )
    parser.add_argument(
        "--to",
        dest="spec",
        required=True,
        metavar="SPEC",
        help="the network to adapt them to; --set and --input apply to it",
    )
    given.takes_values(parser)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="FILE", help="the .safetensors to write"
    )
    parser.add_argument(
        "--seed", type=numbers.seed, default=0, metavar="N", help="seed for a new last layer (0)"
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
