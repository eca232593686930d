"""`resspec report`: what a network costs, or several side by side."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from resspec.commands import given, numbers, remedies
from resspec.commands.subjects import complete, subjects
from resspec.commands.sweep import Settings, combinations, takes_sweep
from resspec.commands.terminal import color, complain, show, width
from resspec.diagnostics import Collected, SpecError, UsageError
from resspec.ir.quantities import DTYPES, OPTIMIZERS, Conditions
from resspec.ir.tools import ALL, TOOLS, tools_of
from resspec.suggest import did_you_mean

if TYPE_CHECKING:
    from resspec.backends.report import Report
    from resspec.ir.network import Network
    from resspec.passes.quantities import Known

SUMMARY = "print what a network and each part of it cost"
EXAMPLES = """\
  resspec report resnet152
  resspec report lib/he2015:cifar --set n=9   a template with its parameter
  resspec report resnet152 --format json | jq .totals.macs
  resspec report resnet50 --by op --input 3x288x288
  resspec report resnet50 --batch-size 256 --dtype bfloat16 --optimizer adamw
  resspec report resnet50 --memory 24GB   the largest batch for training in it
  resspec report resnet50 --like fvcore       and why its total differs
  resspec report resnet50 --like all          the totals of all tools
  resspec report resnet50 --freeze stem --freeze layer1
  resspec report resnet18 resnet34 resnet50   one column per network
  resspec report specs/ --format csv          a folder, one line per network
  resspec report torchvision/                 a folder that comes with resspec
  resspec report lib/he2015:cifar --sweep n=3,5,7 --sweep width=16,32
  resspec report resnet50 --format html > resnet50.html
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="one or several, or a folder of specs"
    )
    given.takes_values(parser)
    given.takes_output(parser)
    takes_sweep(parser)
    parser.add_argument(
        "--format",
        choices=("table", "json", "markdown", "csv", "html"),
        default="table",
        help="json and csv have exact figures; html is a page with a drawing and the spec",
    )
    parser.add_argument(
        "--by", choices=("stage", "block", "op"), default="stage", help="what each row is (stage)"
    )
    parser.add_argument(
        "--batch-size",
        type=numbers.batch,
        default=1,
        metavar="N",
        help="the number of samples for figures in bytes (1)",
    )
    parser.add_argument(
        "--dtype", choices=DTYPES, default="float32", help="the type of all values (float32)"
    )
    parser.add_argument(
        "--optimizer",
        choices=OPTIMIZERS,
        default="momentum",
        metavar="NAME",
        help=f"for the memory of training: {', '.join(OPTIMIZERS)} (momentum)",
    )
    parser.add_argument(
        "--freeze",
        action="append",
        default=[],
        metavar="STAGE",
        help="a section whose parameters are frozen; may be given several times",
    )
    parser.add_argument(
        "--like",
        type=_tools,
        metavar="TOOL",
        help=f"the total for one sample as other tools count it, separated by commas, or all: "
        f"{', '.join(TOOLS)}",
    )
    parser.add_argument(
        "--hash-without",
        choices=("init",),
        help="print a hash that does not depend on initial values",
    )
    parser.add_argument(
        "--memory",
        type=numbers.size,
        metavar="SIZE",
        help="find the largest batch that fits, as in 24GB or 80GiB",
    )


def _tools(names: str) -> str:
    """Return names of tools, for argparse. Raises ArgumentTypeError where there is no such tool."""
    try:
        tools_of(names)
    except KeyError as error:
        (name,) = error.args
        near = did_you_mean(name, (*TOOLS, ALL)) or f"; there are {', '.join(TOOLS)} and {ALL}"
        raise ArgumentTypeError(f"no tool is called {name!r}{near}") from None
    return names


def run(arguments: Namespace) -> int:
    has_values = bool(arguments.set or arguments.sweep)
    specs = [spec for each in arguments.specs for spec in subjects(each, has_values)]
    is_one = len(specs) == 1 and not given.is_folder(arguments.specs[0])
    if is_one and not arguments.sweep:
        _print_one(specs[0], arguments)
        return 0
    return _print_several(specs, arguments)


def _print_one(spec: str, arguments: Namespace) -> None:
    if arguments.format == "csv" and (arguments.like or arguments.memory is not None):
        option = "--like" if arguments.like else "--memory"
        raise UsageError(f"CSV output of one network cannot show {option}; use another format")
    from resspec.passes.quantities import Known

    known = Known()
    if arguments.format == "html":
        network, text = _page(spec, arguments, known)
    else:
        network, made = _report(spec, arguments, known)
        text = _one(made, arguments.format)
    print(text, end="")
    given.warn([(spec, network)], known)


def _print_several(specs: list[str], arguments: Namespace) -> int:
    from resspec.passes.quantities import Known

    if arguments.format == "html":
        other = "`resspec draw` shows several, and `resspec diff --format html` two"
        raise UsageError(f"a page shows one network{_name_one(specs)}; {other}")
    if arguments.by != "stage":
        raise UsageError(f"--by is for the report of one network{_name_one(specs)}")
    sweep = combinations(arguments.sweep, dict(arguments.set))
    in_folders = _in_folders(arguments)
    known = Known()
    loaded: list[tuple[str, Network]] = []
    reports: list[Report] = []
    swept: list[Settings] = []
    wrong = Collected()
    code = 0
    for spec, settings in _followed(list(product(specs, sweep))):
        try:
            for each in complete(spec) if spec in in_folders else [spec]:
                network, made = _report(each, arguments, known, settings)
                loaded.append((each, network))
                reports.append(made)
                swept.append(settings)
        except SpecError as error:
            wrong.add(*error.diagnostics)
            code = max(code, 1)
        except UsageError as error:
            complain(str(error), error.code)
            code = 2
    show(remedies.of_diagnostics(list(wrong), arguments))
    if reports:
        titles = [spec for spec, _ in loaded]
        print(_several(reports, titles, swept if arguments.sweep else [], arguments.format), end="")
        given.warn(loaded, known)
    elif not code:
        places = ", ".join(arguments.specs)
        raise UsageError(f"no file in {places} has a network; --set gives a template its values")
    return code


def _in_folders(arguments: Namespace) -> set[str]:
    """Return the specs in folders, each of which stands for all its networks.

    Values of parameters are for one network of each.
    """
    if arguments.set or arguments.sweep:
        return set()
    folders = filter(given.is_folder, arguments.specs)
    return {spec for folder in folders for spec in given.specs(folder)}


def _name_one(specs: list[str]) -> str:
    """Return how to ask for one of these networks."""
    return f": name one, such as {specs[0]}" if ":" in specs[0] else ""


def _report(
    spec: str, arguments: Namespace, known: Known, swept: Settings | None = None
) -> tuple[Network, Report]:
    from resspec.backends.report import report
    from resspec.compiler import load

    network = load(spec, **given.values(arguments), **(swept or {}))
    made = report(
        network,
        at=_conditions(arguments),
        by=arguments.by,
        memory=arguments.memory,
        like=arguments.like,
        known=known,
    )
    if arguments.hash_without:
        from resspec.ir.fingerprint import fingerprint
        from resspec.ir.uninitialized import without_init

        made = made._replace(hash=fingerprint(without_init(network)))
    return network, made


def _page(spec: str, arguments: Namespace, known: Known) -> tuple[Network, str]:
    from resspec.backends.html.report import to_html
    from resspec.backends.report import report
    from resspec.compiler import load
    from resspec.opening import sources
    from resspec.passes.quantities import Facts

    if arguments.by != "stage" or arguments.like or arguments.hash_without:
        given_up = "leave out --by, --like and --hash-without"
        raise UsageError(f"a page shows stages, blocks and layers: {given_up}")
    at = _conditions(arguments)
    network = load(spec, **given.values(arguments))
    made = report(network, at=at, memory=arguments.memory, known=known)
    texts = sources(spec, given.values(arguments))
    return network, to_html(made, Facts(network, at, known), texts)


def _conditions(arguments: Namespace) -> Conditions:
    return Conditions(
        arguments.batch_size, arguments.dtype, arguments.optimizer, frozenset(arguments.freeze)
    )


def _one(report: Report, form: str) -> str:
    match form:
        case "json":
            from resspec.backends.report.json import to_json

            return to_json(report)
        case "markdown":
            from resspec.backends.report.markdown import to_markdown

            return to_markdown(report)
        case "csv":
            from resspec.backends.report.sheet import to_csv

            return to_csv(report)
        case _:
            from resspec.backends.report.table import to_table

            return to_table(report, width=width(), color=color(sys.stdout))


def _several(reports: list[Report], titles: list[str], swept: list[Settings], form: str) -> str:
    from resspec.backends.report import several

    match form:
        case "json":
            return several.to_json(reports, titles, swept)
        case "markdown":
            return several.to_markdown(reports, titles, swept)
        case "csv":
            from resspec.backends.report.sheet import totals_to_csv

            return totals_to_csv(reports, titles, swept)
        case _:
            return several.to_table(reports, titles, swept, width=width(), color=color(sys.stdout))


def _followed(rows: list[tuple[str, Settings]]) -> Iterator[tuple[str, Settings]]:
    """Yield the specs and their settings, with a progress bar where a person looks."""
    if not color(sys.stderr) or len(rows) < 8:
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(rows, description="reporting", console=Console(stderr=True), transient=True)
