"""The clauses of a declared network, with those of the networks that are derived from it: its
sections in their order, its shortcut option, and the layers that replace others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from resspec.ir.formulas import FormulaValue
from resspec.lowering.stages import lists_in, stage_label
from resspec.passes.call_levels import UNKNOWN, CallLevel, DeclarationMismatch, NamesInScope
from resspec.syntax import ast

_ORDER = ("stem", "stage", "head")


class DeclaredSection(NamedTuple):
    """A stem, a stage or a head, and the names that its chain may use."""

    kind: str
    label: str
    chain: ast.Chain
    env: NamesInScope


class DeclaredClauses(NamedTuple):
    """The clauses of a network that its layers depend on."""

    level: CallLevel
    sections: list[DeclaredSection]
    option: FormulaValue
    replaced: dict[str, tuple[ast.LayerCall, NamesInScope]]


def clauses_of(scopes: Sequence[tuple[NamesInScope, Sequence[ast.Clause]]]) -> DeclaredClauses:
    """Return the clauses of a template and of the networks derived from it, the template first.

    Raises:
        DeclarationMismatch: A derived network replaces no section, or one of several.
    """
    template, _ = scopes[0]
    sections: list[DeclaredSection] = []
    option: FormulaValue = UNKNOWN
    replaced: dict[str, tuple[ast.LayerCall, NamesInScope]] = {}
    for env, clauses in scopes:
        for clause in clauses:
            match clause:
                case ast.Shortcut(option=ast.LayerCall() as call):
                    option = env.given(call)
                case ast.Replace(kind=kind, call=call):
                    replaced[kind.text] = (call, env)
                case _:
                    for section in _sections(clause, env):
                        _set(sections, section, is_derived=env is not template)
    sections.sort(key=lambda section: _ORDER.index(section.kind))
    return DeclaredClauses(template.level, sections, option, replaced)


def _sections(clause: ast.Clause, env: NamesInScope) -> Iterator[DeclaredSection]:
    match clause:
        case ast.ChainClause(kind=kind, chain=chain):
            yield DeclaredSection(kind, "", chain, env)
        case ast.Stage(label=label, chain=chain):
            yield DeclaredSection("stage", label.text, chain, env)
        case ast.Stages():
            yield from _each_stage(clause, env)


def _each_stage(stages: ast.Stages, env: NamesInScope) -> Iterator[DeclaredSection]:
    lists = lists_in(
        stages.chain, lambda name: env.known(name).value if env.is_constant(name.text) else None
    )
    length, _ = next(lists)
    for stage in range(length):
        label = stage_label(stages.label, stage).text
        yield DeclaredSection("stage", label, stages.chain, replace(env, stage=stage))


def _set(sections: list[DeclaredSection], new: DeclaredSection, *, is_derived: bool) -> None:
    """Add a section; one of a derived network takes the place of the template's."""
    places = [i for i, each in enumerate(sections) if each[:2] == new[:2]]
    if not is_derived or (new.kind != "stage" and not places):
        sections.append(new)
    elif len(places) == 1:
        sections[places[0]] = new
    else:
        raise DeclarationMismatch
