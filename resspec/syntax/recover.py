"""After a mistake of syntax: the text without the statement that it stands in, so that the next mistake can be found."""

from __future__ import annotations

import re

from resspec.diagnostics import Diagnostic

_UNSURE = {"E0104", "E0105", "E0106", "E0109", "E0110", "E0113", "E0114"}  # where a statement ends is the very question
_SIGNS = re.compile(r'"[^"\n]*"|#[^\n]*|([{}()]|[\n;](?:[ \t\n;]|#[^\n]*)*)')
_CONTINUES = re.compile(r"->|\||\}|\Z")
_OPENS_CLAUSES = re.compile(r"(?:\s|#[^\n]*|;)*(?:block|network)\b")


def without(text: str, mistake: Diagnostic) -> str | None:
    """A text of the same length: with the fix of the mistake, or with blanks in place of its clause or declaration. None
    where nothing more could be told for certain."""
    if mistake.code in _UNSURE:
        return None
    fix, at = mistake.fix, mistake.labels[0].span.start
    joins = mistake.code == "E0103" and mistake.labels[0].span.text.isalnum()  # which may make another word
    if fix and not joins and len(fix.text) == fix.span.end - fix.span.start:
        return text[: fix.span.start] + fix.text + text[fix.span.end :]
    bounds = _statement(text, at)
    if bounds is None or not text[bounds[0] : bounds[1]].strip():
        return None
    return text[: bounds[0]] + re.sub(r"[^\n]", " ", text[bounds[0] : bounds[1]]) + text[bounds[1] :]


def _statement(text: str, at: int) -> tuple[int, int] | None:
    """The clause around a place, or the declaration where the place is in none. None where braces do not match."""
    starts, depth = [0], [0]  # of the statement in each body, and how many brackets are open in it
    for found in _SIGNS.finditer(text):
        match found[1] and found[1][0]:
            case "{" if depth[-1] == 0 and len(starts) == 1 and _OPENS_CLAUSES.match(text, starts[-1]):
                starts.append(found.end())
                depth.append(0)
            case "{" | "(":
                depth[-1] += 1
            case ")" | "}" if depth[-1]:
                depth[-1] -= 1
            case "}" if len(starts) > 1:
                if starts[-1] <= at <= found.start():
                    return starts[-1], found.start()
                starts.pop()
                depth.pop()
            case ")" | "}":
                return None
            case ";" | "\n" if depth[-1] == 0 and not _CONTINUES.match(text, found.end()):
                if starts[-1] <= at < found.end():
                    return starts[-1], found.start() + (found[1][0] == ";")
                starts[-1] = found.end()
    return (starts[-1], len(text)) if len(starts) == 1 and depth[-1] == 0 and at >= starts[-1] else None
