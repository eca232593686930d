"""`resspec probe`: signal and gradient through the depth of networks, and the seed equation."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.commands import given
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import color, width
from resspec.diagnostics import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from resspec.ir.nodes import Network
    from resspec.study.probe import Probed

SUMMARY = "signal and gradient through the depth of networks, new or trained"
EXAMPLES = """\
  resspec probe plain110 resnet110 preact_resnet110
                                       at initialisation, on noise; writes
                                       probes/plain110-…/README.md, a picture
                                       and CSV files
  resspec probe runs/a runs/b          trained networks, on their test images
  resspec probe docs/initialisation.res
                                       every network of a file: initialisation,
                                       norm and shortcut

By block the mean and spread of its output and the norm of the gradient at its
input, by layer the spread of its response (Figure 7 of He et al. 2015). Where
blocks in a row are x + F(x), the seed equation of He et al. 2016 is checked in
float64; exit code 1 if it is off by more than 1e-10.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("specs", nargs="+", metavar="SPEC", help="specs, or the folders of training runs")
    given.takes_values(parser)
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="images shown (32)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="initial weights and noise (0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder to write to (probes/NAMES)")


def run(arguments: Namespace) -> int:
    if arguments.batch < 2:
        raise UsageError("--batch is at least 2: batch norm needs several images")
    with torch_installed("probe"):
        from resspec.backends.table import Column, longest, shown, table, text
        from resspec.study import probe_page as page

        probed = [each for spec in arguments.specs for each in _probed(spec, arguments)]
        names = "-".join(dict.fromkeys(Path(spec.replace(":", "-")).stem for spec in arguments.specs))[:100]
        out = arguments.out or Path("probes", names)
        setting = (f"{arguments.batch} images, seed {arguments.seed}; specs at initialisation on noise of deviation 1, "
                   "runs with their weights on their test images; batch norm with the statistics of the batch.")
        written = page.leave(probed, setting, out)
        rows = page.cells(probed)
        columns = [Column(heading, longest(heading, *(row[i] for row in rows)), figures=i > 0)
                   for i, heading in enumerate(page.HEADINGS)]
        made = table(columns)
        for row in rows:
            made.add_row(*map(text, row))
        wide = sum(column.width for column in columns) + 2 * len(columns)
        print(shown([made], max(width(), wide), color(sys.stdout)), end="")
        for line in page.seed_lines(probed):
            print(line)
        print(f"wrote {written}, with a picture and CSV files", file=sys.stderr)
    return int(any(not run.error <= page.TOLERANCE for each in probed for run in each.checked))


def _probed(spec: str, arguments: Namespace) -> list[Probed]:
    """Of a spec, of a file every network that needs no values, of a run. Raises SpecError, UsageError."""
    import torch

    from resspec import compiler
    from resspec.backends.module import build
    from resspec.study.probe import blocks, probe
    from resspec.train import weights

    if (run := Path(spec)).is_dir():
        network = compiler.load(run / "spec.res")
        named = {run.name: network}
    else:
        named = {network.name: network for network in _networks(spec, arguments)}
    found = []
    for name, network in named.items():
        if not blocks(network) or len(network.output.dims) != 1:
            raise UsageError(f"there is nothing to probe in {name}: it has neither blocks nor convolutions in a row, or leaves "
                             "no scores")
        torch.manual_seed(arguments.seed)
        module = build(network)
        if run.is_dir():
            weights.read(run / "weights.safetensors").into(module)
            images, labels = _test_images(run, arguments.batch)
        else:
            images = torch.randn(arguments.batch, *network.input.dims)
            labels = torch.randint(network.output.channels, (arguments.batch,))
        found.append(probe(name, network, module, images, labels))
    return found


def _networks(spec: str, arguments: Namespace) -> list[Network]:
    from resspec import compiler

    try:
        return [compiler.load(spec, **dict(arguments.set))]
    except UsageError:
        if arguments.set or not Path(spec).is_file():
            raise
        return list(compiler.examine(spec).networks)


def _test_images(run: Path, count: int) -> tuple[Tensor, Tensor]:
    """The first of the data set that a run was trained on, as its recipe shows them."""
    import torch

    from resspec.train import data, recipe_file, record
    from resspec.train.data import Draw

    facts = record.read(run)
    if facts is None:
        raise UsageError(f"{run} holds no run")
    recipe = recipe_file.load(str(run / "recipe.yaml"), [])
    test = data.load(facts["data"]["name"], normalise=recipe.data.normalise).test
    indices = torch.arange(min(count, len(test)))
    batch = next(iter(test.batches([Draw(indices, indices)], view=recipe.data.test, device=torch.device("cpu"))))
    return batch.images, test.labels[indices]
