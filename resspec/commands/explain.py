"""`resspec explain`: the page of a diagnostic's code."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace

from resspec import shipped
from resspec.diagnostics import UsageError

SUMMARY = "explain a diagnostic, with an example"
EXAMPLES = """\
  resspec explain E0301
  resspec explain e0107                a wrong example, and a right one
"""


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "code", metavar="CODE", help="the code in brackets before a message, such as E0301"
    )


def run(arguments: Namespace) -> int:
    print(page(arguments.code), end="")
    return 0


def page(code: str) -> str:
    """The page of a code for a terminal: examples indented instead of fenced. Raises UsageError."""
    pages = {path.stem: path for path in shipped.path("grammar", "diagnostics").glob("*.md")}
    if code.upper() not in pages:
        from resspec.suggest import nearest

        near = nearest(code.upper(), pages)
        raise UsageError(
            f"there is no diagnostic {code!r}" + (f"; did you mean {near}?" if near else "")
        )
    text = pages[code.upper()].read_text(encoding="utf-8").removeprefix("# ")
    return re.sub(
        r"^```.*\n((?s:.*?))^```\n",
        lambda found: re.sub("(?m)^(?=.)", "    ", found[1]),
        text,
        flags=re.MULTILINE,
    )
