"""Mistakes in a file's declarations whatever their parameters and input are: libraries and
templates are checked, too.
"""

from __future__ import annotations

from collections.abc import Set

from resspec.diagnostics import Diagnostic
from resspec.lowering.block import is_only, lower_body
from resspec.lowering.chain import Lowerer
from resspec.lowering.context import Exhausted
from resspec.lowering.parts import OpenBlock
from resspec.lowering.scope import Library
from resspec.lowering.values import UNKNOWN, Value
from resspec.source import Span
from resspec.syntax import ast


def lower_alone(library: Library, reached: Set[Span]) -> list[Diagnostic]:
    """Each shortcut option by itself, and each constant and block that no network reached, with
    nothing known of what it is called with.
    """
    lowerer = Lowerer(library)
    lowerer.numbering.is_known = False
    lowerer.numbering.inside = 1  # a residual block may call what is looked at
    try:
        for declared in library.own.values():
            match declared:
                case ast.Let() | ast.Block() if declared.name.span in reached:
                    pass
                case ast.Let(value=value):
                    lowerer.frame(library, {}).value(value)
                case ast.Block():
                    _block(lowerer, declared, library)
                case ast.Option():
                    _option(lowerer, declared, library)
    except Exhausted:
        pass
    return list(lowerer.diagnostics)


def _block(lowerer: Lowerer, block: ast.Block, library: Library) -> None:
    names: dict[str, Value] = {parameter.name.text: UNKNOWN for parameter in block.parameters}
    frame = lowerer.frame(library, names, stride=UNKNOWN, inside=True)
    for parameter in block.parameters:
        if parameter.default is not None:
            frame.value(parameter.default)
    lowerer.open.append(OpenBlock(block, None, block.name.span, 0))
    lower_body(lowerer, block, frame)
    lowerer.open.pop()


def _option(lowerer: Lowerer, option: ast.Option, library: Library) -> None:
    names: dict[str, Value] = {parameter.name.text: UNKNOWN for parameter in option.parameters}
    frame = lowerer.frame(library, names, stride=UNKNOWN, inside=True)
    frame.out = UNKNOWN
    for parameter in option.parameters:
        if parameter.default is not None:
            frame.value(parameter.default)
    for arm in option.arms:
        if not is_only(arm.chain, "none"):
            lowerer.chain(arm.chain, None, frame)
