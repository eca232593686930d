"""`resspec list`: the names that can be written in a command or a spec, and what each takes."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from resspec.commands.terminal import width

if TYPE_CHECKING:
    from resspec.commands.inventory import Entry

SUMMARY = "list what comes with resspec: networks, layers, recipes"
EXAMPLES = """\
  resspec list
  resspec list networks templates
  resspec list layers                  with their arguments
  resspec list --format json
"""
KINDS = ("networks", "templates", "libraries", "recipes", "data", "layers")
SCHEMA = "resspec.list/1"
_WIDEST = 32  # columns of names


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (all of them)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: Namespace) -> int:
    from resspec.commands.inventory import all_of

    kinds = [_kind(word) for word in arguments.kinds] or list(KINDS)
    found = all_of(dict.fromkeys(kinds))
    if arguments.format == "json":
        print(to_json(found), end="")
    else:
        print("\n".join(to_lines(found, width() if sys.stdout.isatty() else None)))
    return 0


def _kind(word: str) -> str:
    from resspec.diagnostics import UsageError
    from resspec.suggest import did_you_mean

    if word not in KINDS:
        near = did_you_mean(word, KINDS) or f"; there are {', '.join(KINDS)}"
        raise UsageError(f"{word!r} cannot be listed{near}")
    return word


def to_lines(found: dict[str, list[Entry]], width: int | None = None) -> Iterator[str]:
    """Yield a line for each entry below the heading of its kind, wrapped to a terminal's width."""
    for i, (kind, entries) in enumerate(found.items()):
        if len(found) > 1:
            yield from ["", kind] if i else [kind]
        column = min(_WIDEST, max(len(each.name) for each in entries))
        for entry in entries:
            yield from _wrapped(f"  {entry.name:<{column}}  {_words(entry)}", column + 4, width)
            for each in entry.declares:
                yield f"{' ' * (column + 4)}{each.about} {each.call}"


def _words(entry: Entry) -> str:
    listed = ", ".join(map(str, entry.parameters))
    return f"{entry.about} ({listed})" if listed else entry.about


def _wrapped(line: str, indent: int, width: int | None) -> list[str]:
    if width is None:
        return [line.rstrip()]
    return wrap(line, max(width, 60), subsequent_indent=" " * indent)


def to_json(found: dict[str, list[Entry]]) -> str:
    """Return entries as JSON, as `schemas/list.schema.json` describes them."""
    document = {"schema": SCHEMA}
    lists = {kind: [_entry(each) for each in entries] for kind, entries in found.items()}
    return json.dumps({**document, **lists}, indent=2) + "\n"


def _entry(entry: Entry) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": entry.name,
        "about": entry.about,
        "parameters": [each._asdict() for each in entry.parameters],
    }
    if entry.declares:
        made["declares"] = [_entry(each) for each in entry.declares]
    return made
