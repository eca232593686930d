"""`resspec explain`: the page of a diagnostic's code, or the index of all codes."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from textwrap import wrap

from resspec import shipped
from resspec.diagnostics import UsageError
from resspec.suggest import did_you_mean

SUMMARY = "explain a diagnostic, with an example"
EXAMPLES = """\
  resspec explain                      all codes, with their titles
  resspec explain E0301
  resspec explain e0107                a wrong example, and a right one
"""
GROUPS = {
    "E01": "The text of a spec",
    "E02": "Names, arguments and values",
    "E03": "Shapes, sizes and expectations",
    "E04": "Other formats",
    "E05": "Recipes and data",
    "E06": "Runs",
    "E07": "Imported networks",
    "W02": "Warnings: unused names",
    "W03": "Warnings: valid, but rarely meant",
}
WIDTH = 80


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "code", nargs="?", metavar="CODE", help="a code from a message, such as E0301 (all codes)"
    )


def run(arguments: Namespace) -> int:
    if arguments.code:
        print(page(arguments.code), end="")
    else:
        print("\n".join(index()))
    return 0


def page(code: str) -> str:
    """Return the page of a code for a terminal, with indented examples. Raises UsageError."""
    pages = _pages()
    if code.upper() not in pages:
        near = did_you_mean(code.upper(), pages)
        raise UsageError(f"there is no diagnostic {code!r}{near}")
    return re.sub(
        r"^```.*\n((?s:.*?))^```\n",
        lambda found: re.sub("(?m)^(?=.)", "    ", found[1]),
        pages[code.upper()].removeprefix("# "),
        flags=re.MULTILINE,
    )


def index() -> Iterator[str]:
    """Yield the lines of the index: every code and its title, by group."""
    for group, titles in groups().items():
        yield group
        for code, title in titles.items():
            yield from wrap(
                f"{code}  {title}", WIDTH - 2, initial_indent="  ", subsequent_indent=" " * 9
            )
        yield ""
    yield "`resspec explain CODE` prints the page of one."


def groups() -> dict[str, dict[str, str]]:
    """Return the title of every code, by group."""
    titles = {code: text.splitlines()[0].partition(": ")[2] for code, text in _pages().items()}
    return {
        group: {code: title for code, title in titles.items() if code.startswith(prefix)}
        for prefix, group in GROUPS.items()
    }


def _pages() -> dict[str, str]:
    paths = sorted(shipped.path("grammar", "diagnostics").glob("*.md"))
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}
