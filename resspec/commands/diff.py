"""`resspec diff`: two networks, their structure, cost and weights."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resspec.commands import given, remedies, revised
from resspec.commands.terminal import color, show, width
from resspec.diagnostics import SpecError, UsageError

if TYPE_CHECKING:
    from resspec.backends.diff import Diff, DiffSide
    from resspec.compiler import Shared
    from resspec.passes.quantities import Known

MOST_BYTES = 1 << 28  # of a saved report or IR
SUMMARY = "compare two networks: structure, cost, weights"
EXAMPLES = """\
  resspec diff resnet50 torchvision/resnet50
  resspec diff HEAD~1:specs/net.res specs/net.res   a spec and what it uses as
                                       git has them; the path is from its top
  resspec diff main:net.py:Net net.py:Net --allow-code   Python code, each
                                       revision in its own process
  resspec diff build/old.report.json specs/new.res  a report: figures only
  resspec diff resnet50 mine.json      an IR that compile --emit ir-json printed
  resspec diff resnet50 torchvision/resnet50 --set classes=10  of both networks
  resspec diff resnet18 resnet34 --format markdown  for a pull request
  resspec diff resnet18 resnet34 --format html > diff.html
  resspec diff --since main            every network that changed since a branch
                                       left main, by its spec or by a library

Exit codes: 0 same network, 1 different networks (0 with --exit-zero), 2 error.
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "sides",
        nargs="*",
        metavar="A B",
        help="a spec, REV:PATH or REV:net.py:Net in git, or a saved report or IR (.json)",
    )
    parser.add_argument(
        "--since",
        metavar="REV",
        help="compare all specs of this git repository with those of a revision",
    )
    parser.add_argument(
        "--allow-code",
        action="store_true",
        help="run Python code of a revision: of REV:net.py:Net, or with --since of resspec.toml",
    )
    parser.add_argument(
        "--format",
        choices=("table", "markdown", "json", "html"),
        default="table",
        help="markdown is for a pull request, json has everything, html draws both networks",
    )
    parser.add_argument(
        "--ignore", choices=("init",), help="compare networks without their initial values"
    )
    parser.add_argument(
        "--exit-zero", action="store_true", help="exit with 0 for different networks too"
    )
    given.takes_values(parser)
    given.takes_output(parser)


def run(arguments: Namespace) -> int:
    if arguments.since:
        if arguments.sides or arguments.format in ("json", "html"):
            help = "leave out A, B and other formats"
            raise UsageError(f"--since compares all specs, as a table or markdown: {help}")
        if arguments.set or arguments.input:
            help = "leave out --set and --input"
            raise UsageError(f"--since compares specs as they are: {help}")
        from resspec.commands.since import since

        return since(arguments, lambda found: _text(found, arguments.format))
    if len(arguments.sides) != 2:
        raise UsageError(
            f"a diff compares two networks, not {len(arguments.sides)}: resspec diff A B"
        )
    a, b = arguments.sides
    for word in arguments.sides:
        revised.need_permission(word, allowed=arguments.allow_code)
    try:
        found, text = _made(a, b, arguments)
    except SpecError as error:
        show(remedies.of_diagnostics(error.diagnostics, arguments))
        return 2
    print(text, end="")
    return 0 if found.same or arguments.exit_zero else 1


def _compared(a: str, b: str, arguments: Namespace) -> Diff:
    from resspec.backends.diff import diff
    from resspec.compiler import Shared
    from resspec.passes.quantities import Known

    known, shared = Known(), Shared()
    x, y = (_given_side(each, known, shared, arguments) for each in (a, b))
    return diff(x, y, known.digests)


def _made(a: str, b: str, arguments: Namespace) -> tuple[Diff, str]:
    if arguments.format == "html":
        return _page(a, b, arguments)
    found = _compared(a, b, arguments)
    return found, _text(found, arguments.format)


def _page(a: str, b: str, arguments: Namespace) -> tuple[Diff, str]:
    from resspec.backends.diff import diff
    from resspec.backends.html.diff import Drawn, to_html
    from resspec.compiler import Shared
    from resspec.passes.quantities import Facts, Known

    known = Known()
    # each with the places of its own text
    x, y = (_given_side(each, known, Shared(), arguments) for each in (a, b))
    found = diff(x, y, known.digests)
    names = found.a.network, found.b.network
    titles = names if names[0] != names[1] else (a, b)
    if x.network is None or y.network is None or found.structure is None:
        return found, to_html(found, titles, None)
    facts = Facts(x.network), Facts(y.network)
    values = given.values(arguments)
    drawn = Drawn(facts, found.structure.marks, (_texts(a, values), _texts(b, values)))
    return found, to_html(found, titles, drawn)


def _texts(spec: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of a spec by name; an IR has none."""
    from resspec.opening import sources

    if spec.endswith(".json"):
        return {}
    text = revised.text_of(spec, values)
    return sources(spec, values) if text is None else {spec: text}


def _text(found: Diff, form: str) -> str:
    match form:
        case "json":
            from resspec.backends.diff.json import to_json

            return to_json(found)
        case "markdown":
            from resspec.backends.diff.markdown import to_markdown

            return to_markdown(found)
        case _:
            from resspec.backends.diff.table import to_table

            return to_table(found, width=width(), color=color(sys.stdout))


def _given_side(spec: str, known: Known, shared: Shared, arguments: Namespace) -> DiffSide:
    """Return a side of a diff with values from the command line, without what `--ignore` names."""
    found = _side(spec, known, shared, given.values(arguments))
    if not arguments.ignore:
        return found
    if found.network is None:
        raise UsageError(f"--ignore compares networks, but {spec} is a report")
    from resspec.backends.report import report
    from resspec.ir.uninitialized import without_init

    network = without_init(found.network)
    return found._replace(report=report(network, known=known), network=network)


def _side(
    given: str, known: Known, shared: Shared, values: Mapping[str, Any] | None = None
) -> DiffSide:
    """Return a side of a diff: a saved report or IR, or a spec."""
    from resspec.backends.diff import DiffSide

    if not given.endswith(".json"):
        from resspec.backends.report import report
        from resspec.compiler import load_revised, load_text

        text = revised.text_of(given, values or {})
        if text is None:
            network, place = load_revised(given, shared, **(values or {}))
        else:
            network, place = load_text(given, text, shared)
        return DiffSide(report(network, known=known), network, place)
    if any((values or {}).values()):
        raise UsageError(f"--set and --input apply to specs; the network in {given} is fixed")

    from resspec import files
    from resspec.backends.diff.saved import from_json
    from resspec.backends.errors import damaged_document
    from resspec.ir.document import DocumentError, find
    from resspec.source import Source, Span

    content = files.read(Path(given), MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UsageError(f"cannot read {given}: it has more than {MOST_BYTES:,} bytes")
    text = content.decode(errors="replace")
    try:
        return from_json(text, known)
    except DocumentError as error:
        start, end = find(text, error)
        where = Span(Source(given, text), start, end)
        raise SpecError([damaged_document(where, error)]) from None
