"""The sections of a network: stem, stages and head."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.importing.fold.blocks import Blocks
from resspec.importing.fold.collect import within
from resspec.importing.fold.fill import Filler
from resspec.importing.fold.labels import label_scope
from resspec.importing.fold.repeats import compressed
from resspec.importing.fold.slots import Slot, pattern
from resspec.importing.fold.solver import Solver
from resspec.importing.fold.terms import Body, Call, Inline, Row, Step, Times, walk
from resspec.importing.fold.write import EMPTY, chain, step

_MOST_OF_ALL = 0.6  # of the layers: a container that has so many is opened


def sections(blocks: Blocks, root: Body) -> Iterator[str]:
    """Yield the clauses of the sections of a network."""
    row = _opened(blocks.resolved(root.row))
    row = compressed(row, by_position=False)
    stages = [i for i, each in enumerate(row) if _is_stage(each)]
    slots = pattern([row], named=True)
    Filler(Solver([root], is_block=False)).fill(slots)
    label_scope(slots, 1, by_position=False)
    if not stages or any(slot.label is None for slot in slots[stages[0] : stages[-1]]):
        yield f"stem {chain(slots) or EMPTY}"
        return
    first, last = stages[0], stages[-1] + 1
    if first:
        yield f"stem {chain(slots[:first])}"
    for slot in slots[first:last]:
        yield _stage(slot)
    if last < len(slots):
        yield f"head {chain(slots[last:])}"


def _stage(slot: Slot) -> str:
    if isinstance(slot.example, Inline) and not slot.runs:
        (row,) = slot.rows
        text = chain(row)
        is_call = len(row) == 1 and isinstance(row[0].example, Call | Inline) and not row[0].label
        return f"stage {slot.label}: {'1 x ' if is_call else ''}{text}"
    return f"stage {step(slot)}"


def _opened(row: Row) -> Row:
    """Return a row with the container opened that holds most of the network."""
    whole = _layers(row)
    for i, each in enumerate(row):
        if isinstance(each, Inline) and _layers(each.row) > _MOST_OF_ALL * whole:
            few = len(compressed(each.row, by_position=True)) < 3
            modules = sum(map(_is_module, each.row))
            if not few and (modules >= 3 or 2 * modules >= len(each.row)):
                inside = tuple(within(each.name, inner) for inner in each.row)
                return _opened((*row[:i], *inside, *row[i + 1 :]))
    return row


def _layers(row: Row) -> int:
    """Return about how many layers there are."""
    return sum(_weight(each) for each in row)


def _weight(each: Step) -> int:
    match each:
        case Call(block=None):
            return 1
        case Call():
            return 4
        case Times(count=count, row=row):
            return count * _layers(row)
        case Inline(row=row):
            return _layers(row)
        case _:
            return sum(_weight(inner) for inner in walk((each,)) if inner is not each)


def _is_module(each: Step) -> bool:
    match each:
        case Call(block=block):
            return block is not None
        case Times(row=row):
            return all(map(_is_module, row))
        case _:
            return isinstance(each, Inline)


def _is_stage(each: Step) -> bool:
    """Return whether a step is a stage: blocks, or a container of them."""
    match each:
        case Call(block=block):
            return getattr(block, "option", None) is not None
        case Times(row=row):
            return any(map(_is_stage, row)) or all(map(_is_module, row))
        case Inline(row=row):
            return any(isinstance(inner, Call) and inner.block for inner in walk(row))
        case _:
            return False
