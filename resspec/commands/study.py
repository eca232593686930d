"""`resspec study`: the paper's experiments, on any networks, recipe and data."""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from resspec.commands import numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import color, complain, note, say, width, wrote
from resspec.diagnostics import UsageError
from resspec.training.names import FASHION_MNIST

if TYPE_CHECKING:
    from resspec.ir.network import Network
    from resspec.study.results import StudyResult
    from resspec.training.data import Dataset
    from resspec.training.distributed.processes import Processes
    from resspec.training.recipe import Recipe

SUMMARY = "the paper's experiments: degradation, or the shortcut options"
EXAMPLES = """\
  resspec study degradation            plain and residual networks of 20 to 56
                                       layers on Fashion-MNIST at 14x14 pixels,
                                       in about 20 minutes on two cores
  resspec study degradation --seeds 3
  resspec study degradation --plain plain20 plain32 plain44 plain56 \\
      --residual resnet20 resnet32 resnet44 resnet56 \\
      --data cifar-10 --recipe cifar-he2015 --device cuda
                                       the paper's own, its figures drawn in
  resspec study shortcuts              options A, B, C and none at 20 layers
  resspec study shortcuts --set n=9    at 56 layers
  resspec study degradation --set "iterations=200"

Each leaves a folder (studies/NAME) with README.md, pictures and CSV files;
run the same command again to resume an unfinished one.

Exit codes: 0 done, 1 diagnostics, 2 error, 3 a value that is not finite,
130, 143, 129 or 141 stopped as in `resspec train`: run it again to resume.
"""
TEMPLATE, SMALL = (
    "lib/he2015:cifar",
    {"channels": 1, "image_size": 14, "width": 8},
)  # what Fashion-MNIST at 14 pixels wants


def arguments(parser: ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", metavar="STUDY", required=True)
    degradation = kinds.add_parser(
        "degradation",
        help="plain and residual networks of several depths",
        formatter_class=RawDescriptionHelpFormatter,
    )
    degradation.add_argument(
        "--plain", nargs="+", default=[], metavar="SPEC", help="networks without shortcuts"
    )
    degradation.add_argument(
        "--residual", nargs="+", default=[], metavar="SPEC", help="networks with them"
    )
    shortcuts = kinds.add_parser(
        "shortcuts",
        help="shortcut options of one network",
        formatter_class=RawDescriptionHelpFormatter,
    )
    shortcuts.add_argument(
        "spec",
        nargs="?",
        metavar="SPEC",
        help="a template that takes option=… (one of 20 layers, for Fashion-MNIST)",
    )
    shortcuts.add_argument(
        "--options",
        nargs="+",
        default=["A", "B", "C", "none"],
        metavar="OPTION",
        help="(A B C none)",
    )
    for study in (degradation, shortcuts):
        _takes_training(study)


def _takes_training(parser: ArgumentParser) -> None:
    from resspec.commands import given

    given.takes_values(parser)
    given.takes_data(parser, FASHION_MNIST, FASHION_MNIST)
    parser.add_argument(
        "--recipe",
        default="degradation",
        metavar="NAME",
        help="a recipe, or a YAML file (degradation)",
    )
    parser.add_argument(
        "--seeds",
        type=numbers.seeds,
        default=1,
        metavar="N",
        help="runs of each network, with seeds 0 to N - 1 (1)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder of the study (studies/NAME)"
    )
    given.takes_full_check(parser)
    given.takes_download(parser)
    given.takes_device(parser)


def run(arguments: Namespace) -> int:
    gc.enable()
    for option in ("plain", "residual", "options"):
        names = getattr(arguments, option, [])
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise UsageError(f"--{option} names `{twice}` more than once")
    with torch_installed("study"):
        from resspec.study.bar import Whole
        from resspec.study.parts import carry_out, parts, planned
        from resspec.training import data, preflight, recipe_file, stop
        from resspec.training.distributed import processes
        from resspec.training.output.progress import counting
        from resspec.training.steps.loop import NotFinite

        code = 0
        with processes.joined(arguments.device) as together:
            families, of_recipe = _families(arguments)
            wanted = parts(families, arguments.seeds)
            written = recipe_file.read(arguments.recipe, of_recipe)
            recipe = written.recipe
            shown = recipe.data
            images = data.load(
                arguments.data,
                normalize=shown.normalize,
                exif=shown.exif,
                channels=families[0][1].input.channels,
                download=arguments.download,
            )
            out = arguments.out or Path("studies", arguments.kind)
            if any(path.exists() and not path.is_dir() for path in (out, *out.parents)):
                raise UsageError(f"{out} cannot be a folder: a file is in the way")
            try:
                bar = counting if together.is_main else preflight.silent
                plans = planned(
                    wanted,
                    written,
                    images,
                    out,
                    together,
                    tell=note,
                    bar=bar,
                    full_check=arguments.full_check,
                )
                if together.is_main:
                    say(f"{len(wanted)} run{'s' * (len(wanted) > 1)} in {out}")
                carry_out(wanted, plans, out, together, Whole(visible=together.is_main), note)
            except stop.Stopped as stopped:
                if together.is_main:
                    say(str(stopped))
                code = stopped.exit_code
            except NotFinite as error:
                if together.is_main:
                    complain(str(error), error.code)
                code = 3
            if together.is_main:
                _tell(arguments, wanted, recipe, images, out, together)
    return code


def _families(arguments: Namespace) -> tuple[list[tuple[str, Network]], list[tuple[str, str]]]:
    """Return the networks by family, and the recipe's settings. Raises SpecError, UsageError."""
    if arguments.kind == "shortcuts":
        spec, fixed = arguments.spec or TEMPLATE, {} if arguments.spec else {**SMALL, "n": 3}
        wanted = [(option, spec, {**fixed, "option": option}) for option in arguments.options]
    elif arguments.plain or arguments.residual:
        wanted = [
            (family, spec, {})
            for family in ("plain", "residual")
            for spec in getattr(arguments, family)
        ]
    else:
        wanted = [
            (family, TEMPLATE, {**SMALL, "n": n, "option": option})
            for n in (3, 5, 7, 9)
            for family, option in (("plain", "none"), ("residual", "A"))
        ]
    return _loaded(wanted, arguments.set, arguments.input)


def _loaded(
    wanted: Sequence[tuple[str, str, dict[str, object]]],
    settings: list[tuple[str, str]],
    size: str | None,
) -> tuple[list[tuple[str, Network]], list[tuple[str, str]]]:
    from resspec import compiler, opening
    from resspec.commands.jobs import split

    found, of_recipe = [], list[tuple[str, str]]()
    for family, spec, fixed in wanted:
        of_network, of_recipe = split(settings, opening.parameters(spec))
        values = {"input": size, **fixed, **dict(of_network)}
        network = compiler.load(spec, **values)  # type: ignore[arg-type]
        found.append(
            (family, replace(network, name=f"{family}{network.name}") if fixed else network)
        )
    return found, of_recipe


def _tell(
    arguments: Namespace,
    wanted: Sequence[object],
    recipe: Recipe,
    data: Dataset,
    out: Path,
    together: Processes,
) -> None:
    """CSV, pictures and the page, of as much as is done; a table on the terminal."""
    from resspec.study import page, pictures
    from resspec.study.results import results, write_csv

    found = results(out, wanted)  # type: ignore[arg-type]
    if missing := len(wanted) - len(found):
        say(f"{len(found)} of {len(wanted)} runs are done; run the same command again to resume")
    if not found:
        return
    write_csv(found, out)
    setting = list(
        page.setting(recipe, data, arguments.recipe, found, missing, together.device.type)
    )
    if arguments.kind == "degradation":
        known = _published(found, data.name, arguments.recipe)
        pictures.over_iterations(found, out, panels=True)
        pictures.over_depth(found, known, out)
        text = page.degradation(found, known, setting)
    else:
        pictures.over_iterations(found, out, panels=False)
        pictures.options(found, out)
        text = page.shortcuts(found, setting)
    print(_table(page.HEADINGS, page.cells(found)), end="")
    for line in page.gap_lines(found):
        print(line.removeprefix("- "))
    wrote([page.write_page(text, out)], ", with pictures and CSV files")


def _published(
    found: Sequence[StudyResult], data: str, recipe: str
) -> dict[tuple[str, int], float]:
    from resspec.training.published import published

    known = {}
    for result in found:
        for figure in published(result.part.network, "1-crop", data, recipe):
            known[result.part.family, result.part.depth] = figure.top1
    return known


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from resspec.backends.table import Column, longest, shown, table, text

    columns = [
        Column(heading, longest(heading, *(row[i] for row in rows)), figures=i > 0)
        for i, heading in enumerate(headings)
    ]
    made = table(columns)
    for row in rows:
        made.add_row(*map(text, row))
    wide = sum(column.width for column in columns) + 2 * len(columns)
    return shown([made], max(width(), wide), color(sys.stdout))
