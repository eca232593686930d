"""After mistakes of syntax: the text without the statements that they stand in, so that the rest can be read."""

from __future__ import annotations

import re

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.errors import OPENINGS
from resspec.syntax.statements import Outline

_UNSURE = {
    "E0104",
    "E0105",
    "E0106",
    "E0109",
    "E0110",
    "E0113",
    "E0114",
}  # where a statement ends is the very question
_OPENING = re.compile(r"\s*([A-Za-z0-9_]+)[ \t]*([A-Za-z_][A-Za-z0-9_]*)?")
Hole = tuple[int, int]


def without(text: str, mistake: Diagnostic, outline: Outline) -> tuple[str, Hole | None] | None:
    """A text of the same length: with the fix of the mistake, or with a hole in place of its clause or declaration. None
    where nothing more could be told for certain."""
    if mistake.code in _UNSURE:
        return None
    fix, at = mistake.fix, mistake.labels[0].span.start
    joins = (
        mistake.code == "E0103" and mistake.labels[0].span.text.isalnum()
    )  # which may make another word
    if fix and not joins and len(fix.text) == fix.span.end - fix.span.start:
        return text[: fix.span.start] + fix.text + text[fix.span.end :], None
    around = outline.around(at)
    if around is None or not text[around.start : around.end].strip():
        return None
    hole = (around.start, around.end)
    return blank(text, hole), hole


def blank(text: str, hole: Hole) -> str:
    """With blanks in place of a range; lines stay lines."""
    return text[: hole[0]] + re.sub(r"[^\n]", " ", text[hole[0] : hole[1]]) + text[hole[1] :]


def with_holes(file: ast.File, source: Source, holes: list[Hole]) -> ast.File:
    """What was read of a text, and what is known of the statements that were left out."""
    declarations = list(file.declarations)
    for start, end in holes:
        broken = _broken(Span(source, start, end))
        inside = next(
            (i for i, each in enumerate(declarations) if each.span.start <= start < each.span.end),
            -1,
        )
        match declarations[inside] if inside >= 0 else None:
            case ast.Block() | ast.Network() | ast.Derived() as owner:
                owner.clauses.append(broken)
                owner.clauses.sort(key=lambda clause: clause.span.start)
            case ast.Option() as owner:
                declarations[inside] = owner._replace(is_broken=True)
            case _ if broken.word == "use" and broken.name.text:
                declarations.append(ast.Use(broken.name, False, broken.span))
            case _:
                declarations.append(broken)
    return file._replace(declarations=declarations)


def _broken(span: Span) -> ast.Broken:
    found = _OPENING.match(span.text)
    word, name = (found[1], found[2] or "") if found else ("", "")
    at = span.start + (found.end() if found else 0)
    meant = word if word in OPENINGS else next(iter(alike(word, OPENINGS)), word)
    return ast.Broken(meant, ast.Name(name, Span(span.source, at - len(name), at)), span)
