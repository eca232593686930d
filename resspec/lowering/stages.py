"""`stages`: one stage for each entry of the lists in a clause."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from resspec.ir.shape import Name
from resspec.lowering import clause_errors
from resspec.lowering.evaluation import unequal
from resspec.lowering.frame import Frame
from resspec.lowering.values import Entries, Unknown, Value
from resspec.source import Span
from resspec.syntax import ast

NO_STAGE = sys.maxsize  # a stage for which no list has an entry
ListPlace = tuple[int, Span]  # how many entries a list has, and where it is


def each_stage(clause: ast.Stages, frame: Frame) -> Iterator[tuple[ast.Identifier, Frame]]:
    """Yield the label of each stage, and the names of its clause, which take the stage's entries.

    Where the number of stages is unknown there is one, in which no entry is known.
    """
    label, unknown = clause.label, list[Unknown]()

    def constant(name: ast.Identifier) -> Value | None:
        value = _constant(name, frame)
        unknown.extend([value] if isinstance(value, Unknown) else [])
        return value

    lists = list(lists_in(clause.chain, constant))
    mistake = unequal(lists) if lists else None
    if not lists and not unknown:
        mistake = clause_errors.no_list(label.span)
    if not label.text.endswith(".."):
        mistake = clause_errors.stages_without_number(label.span)
    if mistake:
        frame.report(mistake)
    if mistake or not lists:
        yield stage_label(label, 0), replace(frame, stage=NO_STAGE)
        return
    for stage in range(lists[0][0]):
        yield stage_label(label, stage), replace(frame, stage=stage)


def stage_label(label: ast.Identifier, stage: int) -> ast.Identifier:
    """Return the label of a stage: `layer2:` of `layer1..:`; without a number, a run goes on."""
    *path, last = label.text.removesuffix("..").split(".")
    first = Name.parse(last)
    if first.number is None:
        return label
    return label._replace(text=".".join([*path, f"{first.prefix}{first.number + stage}"]))


def lists_in(node: Any, constant: Callable[[ast.Identifier], object]) -> Iterator[ListPlace]:
    """Yield the length of each list in a part of the AST, and of what refers to one.

    Args:
        node: The part.
        constant: Returns the value of a name, None where it is no parameter or constant.
    """
    match node:
        case ast.ListExpr(entries=entries, span=span):
            yield len(entries), span
        case ast.Identifier(span=span):
            value = constant(node)
            if isinstance(value, Entries):
                yield len(value.values), span
        case ast.Keyword(value=value):
            yield from lists_in(value, constant)
        case ast.ChainStep(item=item):
            yield from lists_in(item, constant)
        case Span() | str():
            pass
        case tuple() | list():
            for part in node:
                yield from lists_in(part, constant)


def _constant(name: ast.Identifier, frame: Frame) -> Value | None:
    is_own = name.text in {*frame.names, *frame.lets, *frame.inherited}
    is_constant = is_own or frame.library.find(name.text, ast.Let)
    return frame.lookup(name) if is_constant else None
