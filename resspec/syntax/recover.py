"""Recovery from syntax errors: the text without the broken statements, so the rest can be read."""

from __future__ import annotations

import re

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.errors import OPENINGS
from resspec.syntax.statements import Outline

# Where a statement ends is the very question.
_UNSURE = {"E0104", "E0105", "E0106", "E0109", "E0110", "E0113", "E0114"}
_OPENING = re.compile(r"\s*([A-Za-z0-9_]+)[ \t]*([A-Za-z_][A-Za-z0-9_]*)?")
Hole = tuple[int, int]


def without(text: str, error: Diagnostic, outline: Outline) -> tuple[str, Hole | None] | None:
    """Return a text of the same length, with an error fixed or its statement blanked out.

    Returns:
        The text, and the range that was blanked out; None where nothing more is certain.
    """
    if error.code in _UNSURE:
        return None
    fix, place = error.fix, error.labels[0].span
    may_join = error.code == "E0103" and place.text.isalnum()  # and so make another word
    if fix and not may_join and len(fix.text) == fix.span.end - fix.span.start:
        return text[: fix.span.start] + fix.text + text[fix.span.end :], None
    around = outline.around(place.start)
    if around is None or not text[around.start : around.end].strip():
        return None
    hole = (around.start, around.end)
    return blank(text, hole), hole


def blank(text: str, hole: Hole) -> str:
    """Return the text with blanks in place of a range; lines stay lines."""
    start, end = hole
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def with_holes(file: ast.SpecFile, source: Source, holes: list[Hole]) -> ast.SpecFile:
    """Return a file with its broken statements, as far as they can be read."""
    declarations = list(file.declarations)
    for start, end in holes:
        broken = _broken(Span(source, start, end))
        owners = [i for i, each in enumerate(declarations) if _holds(each.span, start)]
        match declarations[owners[0]] if owners else None:
            case ast.Block() | ast.NetworkDecl() | ast.Derived() as owner:
                owner.clauses.append(broken)
                owner.clauses.sort(key=lambda clause: clause.span.start)
            case ast.Option() as owner:
                declarations[owners[0]] = owner._replace(is_broken=True)
            case _ if broken.word == "use" and broken.name.text:
                declarations.append(ast.UseDecl(broken.name, False, broken.span))
            case _:
                declarations.append(broken)
    return file._replace(declarations=declarations)


def _holds(span: Span, at: int) -> bool:
    return span.start <= at < span.end


def _broken(span: Span) -> ast.Broken:
    found = _OPENING.match(span.text)
    word, name = found.groups(default="") if found else ("", "")
    end = span.start + (found.end() if found else 0)
    near = () if word in OPENINGS else alike(word, OPENINGS)
    place = Span(span.source, end - len(name), end)
    return ast.Broken(near[0] if near else word, ast.Identifier(name, place), span)
