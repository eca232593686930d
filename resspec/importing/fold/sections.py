"""The sections of a network: stem, stages and head."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from resspec.importing.fold.blocks import Blocks
from resspec.importing.fold.collect import within
from resspec.importing.fold.family import Family
from resspec.importing.fold.fill import Filler
from resspec.importing.fold.labels import label_scope
from resspec.importing.fold.lists import stages
from resspec.importing.fold.repeats import compressed
from resspec.importing.fold.slots import Slot, pattern
from resspec.importing.fold.solver import Solver
from resspec.importing.fold.terms import Body, Call, Inline, Row, Step, Times, walk
from resspec.importing.fold.write import EMPTY, chain, steps

_MOST_OF_ALL = 0.6  # of the layers: a container that has so many is opened


def sections(blocks: Blocks, root: Body) -> Iterator[str]:
    """Yield the clauses of the sections of a network."""
    row = _opened(blocks.resolved(root.row))
    row = compressed(row, by_position=False)
    found = [i for i, each in enumerate(row) if _is_stage(each)]
    slots = pattern([row], named=True)
    Filler(Solver([root], is_block=False)).fill(slots)
    label_scope(slots, 1, by_position=False)
    is_divided = found and all(slot.label for slot in slots[found[0] : found[-1]])
    first, last = (found[0], found[-1] + 1) if is_divided else (_head(row), _head(row))
    if first:
        yield f"stem {_rows(slots[:first]) or EMPTY}"
    yield from stages(slots[first:last])
    if last < len(slots):
        yield f"head {_rows(slots[last:])}"


def _head(row: Row) -> int:
    """Return where the head of a network without stages begins: at its last global pool."""
    pools = [i for i, each in enumerate(row) if _is_global_pool(each)]
    return pools[-1] if pools and pools[-1] else len(row)


def _is_global_pool(each: Step) -> bool:
    match each:
        case Call(kind="avgpool" | "maxpool", fields=fields):
            return dict(fields)["kernel_size"] is None
        case _:
            return False


def _rows(slots: Sequence[Slot]) -> str:
    """Return steps in a row; layers of an opened container as a run."""
    texts: list[str] = []
    i = 0
    while i < len(slots):
        n = _run(slots[i:])
        if n > 1:
            inside = chain([replace(slot, label=None) for slot in slots[i : i + n]])
            texts.append(f"{slots[i].label}..: {{ {inside} }}")
        else:
            texts += steps(slots[i : i + 1])
        i += n
    return " -> ".join(texts)


def _run(slots: Sequence[Slot]) -> int:
    """Return how many layers from the first on have names that count up, those without a name
    between them counted.
    """
    first = re.fullmatch(r"(.*\.)(\d+)", slots[0].label or "")
    end = 1
    if first is None or not _is_layer(slots[0]):
        return end
    for n, slot in enumerate(slots):
        if not _is_layer(slot):
            break
        if slot.label == f"{first[1]}{int(first[2]) + n}":
            end = n + 1
        elif slot.label is not None:
            break
    return end


def _is_layer(slot: Slot) -> bool:
    return isinstance(slot.example, Call) and slot.example.block is None


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
    """Return the approximate number of layers."""
    return sum(_weight(each) for each in row)


def _weight(each: Step) -> int:
    match each:
        case Call(block=block):
            return getattr(block, "size", 1)
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
            return isinstance(block, Family) and block.holds_blocks
        case Times(row=row):
            return any(map(_is_stage, row)) or all(map(_is_module, row))
        case Inline(row=row):
            return any(isinstance(inner, Call) and inner.block for inner in walk(row))
        case _:
            return False
