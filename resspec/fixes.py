"""Edits that diagnostics propose, made in a text."""

from __future__ import annotations

from collections.abc import Iterable

from resspec.diagnostics import Diagnostic, Fix


def fixed(name: str, text: str, diagnostics: Iterable[Diagnostic]) -> str:
    """Return the text of a source with the fixes made in it; of two that overlap, the first."""
    fixes = sorted(
        {d.fix for d in diagnostics if d.fix and d.fix.span.source.name == name}, key=_place
    )
    parts, end = [], 0
    for fix in fixes:
        if fix.span.start >= end:
            parts += [text[end : fix.span.start], fix.text]
            end = fix.span.end
    return "".join([*parts, text[end:]])


def _place(fix: Fix) -> tuple[int, int]:
    return fix.span.start, fix.span.end
