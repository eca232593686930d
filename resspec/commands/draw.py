"""`resspec draw`: networks as pictures, one or several side by side."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.commands import given
from resspec.commands.terminal import wrote
from resspec.diagnostics import UsageError

if TYPE_CHECKING:
    from resspec.backends.draw import Pictured
    from resspec.ir.network import Network

SUMMARY = "draw networks, one or several side by side, as SVG or PNG"
EXAMPLES = """\
  resspec draw resnet152                      writes build/resnet152.svg
  resspec draw vgg19 plain34 resnet34 --unfold -o figure3.svg
                                              Figure 3 of He et al. 2015
  resspec draw resnet50 -o net.png            with 'resspec[png]' installed
  resspec draw preact_resnet50 --layers       norms and activations too
  resspec draw resnet50 vgg19 --color-by macs
                                              where the multiply-adds are
  resspec draw --diff resnet50 torchvision/resnet50
                                              + added, - removed, ~ changed
  resspec draw resnet18 -o - | less           to stdout
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="one or several, drawn side by side"
    )
    given.takes_values(parser)
    given.takes_output(parser)
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help="an .svg or .png file, or - for SVG on stdout (build/NAMES.svg)",
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="mark what differs in two specs; one of them may be REV:PATH, as for `resspec diff`",
    )
    parser.add_argument(
        "--unfold",
        action="store_true",
        help="write out repeats instead of drawing them once, × 35",
    )
    parser.add_argument("--layers", action="store_true", help="draw norms and activations too")
    parser.add_argument(
        "--color-by",
        choices=("macs", "params", "acts", "saved"),
        metavar="QUANTITY",
        help="color layers by macs, params, acts or saved instead of by output size "
        "(for saved with norms and activations)",
    )


def run(arguments: Namespace) -> int:
    from resspec.backends.draw import draw
    from resspec.backends.draw.picture import Picture

    path = _path(arguments)
    networks = _pictured(arguments)
    drawing = draw(
        networks, unfold=arguments.unfold, layers=arguments.layers, color_by=arguments.color_by
    )
    picture = Picture(drawing)
    if not arguments.diff:
        given.warn(
            (spec, one.facts.network) for spec, one in zip(arguments.specs, networks, strict=True)
        )
    if path is None:
        print(picture.svg, end="")
    else:
        picture.save(path)
        wrote([path])
    if arguments.diff and not any(one.signs for one in networks):
        print(
            "nothing is marked: the networks differ in names and initial values at most",
            file=sys.stderr,
        )
    return 0


def _path(arguments: Namespace) -> Path | None:
    """Return the file to write; None for stdout."""
    if arguments.out == "-":
        return None
    if arguments.out is None:
        names = [Path(spec.replace(":", "-")).stem for spec in arguments.specs]
        return Path("build", f"{'-'.join(dict.fromkeys(names))[:100]}.svg")
    if not arguments.out.endswith((".svg", ".png")):
        raise UsageError(f"{arguments.out} is not an .svg or .png file")
    return Path(arguments.out)


def _pictured(arguments: Namespace) -> list[Pictured]:
    from resspec.backends.draw import Pictured
    from resspec.backends.draw.picture import check_size
    from resspec.passes.quantities import Facts

    networks = _networks(arguments)
    found = [Facts(network) for network in networks]
    for facts in found:
        check_size(facts, unfold=arguments.unfold)
    names = [network.name for network in networks]
    titles: Sequence[str] = names if len(set(names)) == len(names) else arguments.specs
    signs = _signs(*networks) if arguments.diff else [None] * len(networks)
    return [Pictured(*each) for each in zip(found, titles, signs, strict=True)]


def _networks(arguments: Namespace) -> list[Network]:
    from resspec.compiler import load, load_revised

    if not arguments.diff:
        return [load(spec, **given.values(arguments)) for spec in arguments.specs]
    if len(arguments.specs) != 2:
        raise UsageError("--diff draws two networks: resspec draw --diff A B")
    values = given.values(arguments)
    return [load_revised(spec, **values).network for spec in arguments.specs]


def _signs(a: Network, b: Network) -> Sequence[Mapping[str, str] | None]:
    """Return the marks of a difference for each side."""
    from resspec.backends.diff.structure import structure
    from resspec.ir.fingerprint import Digests

    return structure(a, b, Digests()).marks
