"""`resspec bench`: how fast a network runs on this machine."""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from resspec.commands import given, numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import color, note, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from resspec.ir.network import Network
    from resspec.training.machine import Machine
    from resspec.training.machine.speed import Speed

SUMMARY = "measure how fast a network runs here: img/s, forward and training"
EXAMPLES = """\
  resspec bench resnet50
  resspec bench resnet20 --batch-size 128 --seconds 60
  resspec bench resnet50 --compile        compiled too, which takes a minute
  resspec bench lib/he2015:cifar --set n=9
  resspec bench resnet50 --inference --batch-size 1
                                          eager, batch norms folded, onnxruntime

In float32 and, where it is of use, in half precision, each also with the
channels last in memory; they take turns, and ratios are to the first of them.
"""


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    parser.add_argument(
        "--batch-size", type=numbers.batch, default=16, metavar="N", help="images at a time (16)"
    )
    parser.add_argument(
        "--seconds",
        type=numbers.seconds,
        default=20,
        metavar="N",
        help="how long to measure, at least (20)",
    )
    parser.add_argument("--compile", action="store_true", help="also with torch.compile")
    parser.add_argument(
        "--inference",
        action="store_true",
        help="only inference: eager, folded, with --compile compiled, and onnxruntime",
    )
    given.takes_device(parser)


def run(arguments: Namespace) -> int:
    gc.enable()
    network = given.load(arguments)
    if arguments.inference:
        return _inference(network, arguments)
    with torch_installed("bench"):
        from resspec.training import machine, preflight
        from resspec.training.distributed import processes
        from resspec.training.machine import speed

        with processes.joined(arguments.device) as together:
            request = preflight.Request(
                network=network, processes=together, learns=True, batch=arguments.batch_size
            )
            preflight.require([request], tell=note)
            chosen = speed.ways(together.device, arguments.batch_size, compiled=arguments.compile)
            found = speed.race(
                network,
                chosen,
                arguments.batch_size,
                together.device,
                rounds=3,
                seconds=arguments.seconds,
            )
    print(text(network, arguments.batch_size, chosen, found, together.device), end="")
    if not machine.half(together.device):
        print("\nbf16 is left out: torch has no fast convolutions in it for this CPU")
    return 0


def _inference(network: Network, arguments: Namespace) -> int:
    with torch_installed("bench"):
        from resspec.training.distributed import processes
        from resspec.training.machine.inference import inference_race, inference_ways

        batch = arguments.batch_size
        with processes.joined(arguments.device) as together:
            device = together.device
            ways = inference_ways(network, batch, device, compiled=arguments.compile, tell=note)
            found = inference_race(ways, device, rounds=3, seconds=arguments.seconds)
    rows = [
        (way.name, f"{batch / taken:,.1f}", f"{1000 * taken:,.1f}", f"{found[0] / taken:.2f}")
        for way, taken in zip(ways, found, strict=True)
    ]
    print(_titled(network, batch, device, ("", "img/s", "ms", "ratio"), rows), end="")
    return 0


def text(
    network: Network,
    batch: int,
    ways: Sequence[Machine],
    found: Sequence[Speed],
    device: torch.device,
) -> str:
    """Return a table of images per second, ratios to the first way, and parts of a step."""
    from resspec.training.machine.speed import PARTS

    first, lines = found[0], []
    for way, speed in zip(ways, found, strict=True):
        name = f"{way.precision}{', channels last' * way.channels_last}{', compiled' * way.compile}"
        lines.append(
            (
                name,
                f"{batch / speed.forward:,.1f}",
                f"{first.forward / speed.forward:.2f}",
                f"{batch / speed.step:,.1f}",
                f"{first.step / speed.step:.2f}",
                *(f"{part / speed.step:.1%}" for part in speed.parts),
            )
        )
    headings = ("", "forward img/s", "ratio", "training img/s", "ratio", *PARTS)
    return _titled(network, batch, device, headings, lines)


def _titled(
    network: Network,
    batch: int,
    device: torch.device,
    headings: Sequence[str],
    lines: Sequence[Sequence[str]],
) -> str:
    """Return a table under a line about the network and the machine."""
    import torch

    from resspec.backends.table import Column, longest, shown, table
    from resspec.backends.table import text as cell

    columns = [
        Column(heading, longest(heading, *(line[i] for line in lines)), i > 0)
        for i, heading in enumerate(headings)
    ]
    made = table(columns)
    for line in lines:
        made.add_row(*map(cell, line))
    wide = sum(column.width for column in columns) + 2 * len(columns)
    threads = torch.get_num_threads()
    where = f"{device.type}, {threads} thread{'s' * (threads > 1)}"
    return f"{network.name}   input {network.input}   batch {batch}   {where}\n\n" + shown(
        [made], max(width(), wide), color(sys.stdout)
    )
