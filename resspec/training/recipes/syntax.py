"""The diagnostics of a text that is not YAML."""

from __future__ import annotations

import re

import yaml

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.training import errors

# What PyYAML says, in part; what we say; what to do. The first one that occurs is told.
_PROBLEMS = (
    (
        "mapping values are not allowed",
        "this line has a second colon, or is indented further than the line above",
        "put a value with a colon in quotes, and indent the keys of one section by the same amount",
    ),
    (
        "sequence entries are not allowed",
        "a list cannot begin here",
        "write a list in brackets: `[30 epochs, 60 epochs]`",
    ),
    (
        "expected <block end>",
        "this line is indented differently from the lines above",
        "indent the keys of one section by the same amount",
    ),
    ("expected ',' or '}'", "a comma or `}` is missing here", "write `{name: sgd, lr: 0.1}`"),
    ("expected ',' or ']'", "a comma or `]` is missing here", "write `[30 epochs, 60 epochs]`"),
    ("did not find expected ',' or", "a comma or a closing bracket is missing here", None),
    ("could not find expected ':'", "a key needs a colon after it", "write `key: value`"),
    (
        "found unexpected end of stream",
        "a quote is opened here and never closed",
        "close it, or leave it out",
    ),
    (
        "found unknown escape character",
        "there is no such escape in double quotes",
        "use single quotes",
    ),
    ("expected escape sequence", "this escape is not complete", "use single quotes"),
    (
        "cannot start any token",
        "a value cannot begin with this character",
        "put the value in quotes",
    ),
    ("expected the node content", "a value is missing here", "write `key: value`"),
    (
        "expected alphabetic or numeric character",
        "an alias or an anchor needs a name, and recipes have neither",
        "put a value with `*` or `&` in quotes",
    ),
    ("found unexpected document separator", "a quote or bracket is still open here", "close it"),
    (
        "found unexpected document",
        "the recipe continues after its end, `---` or `...`",
        "leave that line out",
    ),
    (
        "expected '<document start>'",
        "the recipe continues after its end",
        "write all of it as keys with values",
    ),
)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TABLE = re.compile(r"\[{1,2}[A-Za-z0-9_. -]+\]{1,2}")  # of TOML or INI
_CODE = re.compile(r"(import|from|def|class|with|for|if|return|print)\b")


def not_yaml(source: Source, error: yaml.MarkedYAMLError | yaml.reader.ReaderError) -> Diagnostic:
    """Return the mistake that PyYAML stumbled over, at its place."""
    if isinstance(error, yaml.reader.ReaderError):
        span = Span(source, error.position, error.position + 1)
        message = f"the character U+{ord(span.text):04X} cannot be in a recipe"
        return errors.not_yaml(span, message, "remove it")
    marks = [mark for mark in (error.context_mark, error.problem_mark) if mark]
    lines = [source.place(min(mark.index, len(source.text)))[0] for mark in marks]
    if found := other_language(source, *lines):
        return found

    if (key := error.context_mark) and error.context == "while scanning a simple key":
        return errors.not_yaml(
            rest_of_line(source, key.index), "a key needs a colon after it", "write `key: value`"
        )
    mark = error.problem_mark or error.context_mark
    at = mark.index if mark else 0
    if "mapping values are not allowed" in str(error.problem) and (
        above := _without_colon(source, at)
    ):
        return errors.not_yaml(above, "a key needs a colon after it", "write `key: value`")
    span = Span(source, at, min(at + 1, len(source.text)))
    if span.text == "\t":
        return errors.not_yaml(span, "YAML does not allow tabs here", "indent with spaces")
    if "unexpected end of stream" in str(error.problem) and error.context_mark:
        span = Span(source, error.context_mark.index, error.context_mark.index + 1)
    for part, message, help in _PROBLEMS:
        if part in str(error.problem):
            return errors.not_yaml(span, message, help)
    return errors.not_yaml(span, f"this is not YAML: {error.problem}")


def other_language(source: Source, *lines: int) -> Diagnostic | None:
    """Return the mistake of a line, or the first line, of TOML, INI or a program; else None."""
    for number in (*lines, _first_line(source)):
        line = source.line(number).rstrip()
        words = line.lstrip()
        start = source.offset(number, 1)
        span = Span(source, start + len(line) - len(words), start + len(line))

        key, equals, value = (part.strip() for part in words.partition("="))
        if equals and value.strip(", ") and _KEY.fullmatch(key):
            help = f"write `{key}: {value.strip(', ')[:60]}`"
            return errors.not_yaml(span, "a recipe has `key: value`, with a colon", help)
        if _TABLE.fullmatch(words) and number == _first_line(source):
            help = f"write `{words.strip('[] ')}:`, and its keys indented below"
            return errors.not_yaml(span, "this looks like TOML or INI, but a recipe is YAML", help)
        if _CODE.match(words):
            return errors.not_yaml(
                span, "this looks like a program, but a recipe is YAML", "write `key: value`"
            )
    return None


def _without_colon(source: Source, at: int) -> Span | None:
    """Return the line above a place, of the same section, if it lacks a colon: `batch 256`."""
    number, _ = source.place(at)
    if number == 1:
        return None
    line, below = source.line(number - 1).rstrip(), source.line(number)
    words = line.lstrip()
    indent = len(line) - len(words)
    is_key = (
        words
        and ":" not in words
        and words[0].isalpha()
        and indent == len(below) - len(below.lstrip())
    )
    start = source.offset(number - 1, 1)
    return Span(source, start + indent, start + len(line)) if is_key else None


def _first_line(source: Source) -> int:
    """Return the number of the first line that holds more than blanks and a comment."""
    lines = source.text.split("\n")
    return next((i for i, line in enumerate(lines, 1) if line.split("#")[0].strip()), 1)


def rest_of_line(source: Source, start: int) -> Span:
    """Return the place from an offset to the end of its line."""
    line, _, _ = source.text[start:].partition("\n")
    return Span(source, start, start + len(line.rstrip()))
