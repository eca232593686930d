"""Equal elements in a row, drawn once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from resspec.backends.draw.elements import Box, BoxRow, Branch, Element, Repeated


def folded(children: Iterable[Element]) -> list[Element]:
    """Return blocks in a row that look the same once, also those written out before a repeat."""
    runs: list[_Run] = []
    for child in children:
        run = _run(child)
        length = len(run.looks)
        before = runs[-1:] if runs and runs[-1].looks == run.looks else runs[-length:]
        if run.folds and tuple(seen for one in before for seen in one.looks) == run.looks:
            if len(before) == 1:
                runs[-1] = _Run(
                    run.looks, before[0].turns + run.turns, True, [*before[0].bodies, *run.bodies]
                )
                continue
            if all(one.turns == 1 for one in before):
                steps = tuple(step for one in before for step in one.bodies[0].children)
                runs[-length:] = [
                    _Run(
                        run.looks,
                        1 + run.turns,
                        True,
                        [BoxRow(steps, steps[-1].output), *run.bodies],
                    )
                ]
                continue
        runs.append(run)
    return [element for run in runs for element in _together(run)]


class _Run(NamedTuple):
    """An element that occurs `turns` times in a row. A layer alone never `folds`."""

    looks: tuple[object, ...]
    turns: int
    folds: bool
    bodies: list[BoxRow]


def _run(element: Element) -> _Run:
    match element:
        case Repeated(turns=turns, body=body):
            return _Run(tuple(map(look, body.children)), turns, True, [body])
        case _:
            return _Run(
                (look(element),),
                1,
                not isinstance(element, Box),
                [BoxRow((element,), element.output)],
            )


def look(element: Element) -> object:
    """Return the visible part of an element, equal for two that are drawn the same."""
    match element:
        case Box():
            return element.label, element.output.spatial, element.quiet, element.sign
        case BoxRow(children=children):
            return tuple(map(look, children))
        case Repeated(turns=turns, body=body):
            return turns, look(body)
        case Branch(merge=merge, main=main, sides=sides, output=output, sign=sign):
            return (
                merge,
                output.spatial,
                sign,
                look(main),
                tuple((look(side.body), side.changes) for side in sides),
            )


def _together(run: _Run) -> tuple[Element, ...]:
    body = _row(run.bodies)
    return body.children if run.turns == 1 else (Repeated(run.turns, body, run.bodies[-1].output),)


def _zipped(alike: Sequence[Element]) -> Element:
    """Return elements that look the same as one, which represents all of their layers."""
    match alike[0]:
        case Box() as box:
            same = [one for one in alike if isinstance(one, Box)]
            names = tuple(name for one in same for name in one.names)
            return box._replace(
                names=names, entries=_entries(same), times=sum(one.times for one in same)
            )
        case BoxRow() as row:
            children = zip(*(one.children for one in alike if isinstance(one, BoxRow)), strict=True)
            return row._replace(children=tuple(map(_zipped, children)))
        case Repeated() as times:
            return times._replace(
                body=_row([one.body for one in alike if isinstance(one, Repeated)])
            )
        case Branch() as branch:
            branches = [one for one in alike if isinstance(one, Branch)]
            bodies = zip(*([side.body for side in one.sides] for one in branches), strict=True)
            sides = tuple(
                side._replace(body=_row(body))
                for side, body in zip(branch.sides, bodies, strict=True)
            )
            return branch._replace(
                main=_row([one.main for one in branches]),
                sides=sides,
                entries=_entries(branches),
                times=sum(one.times for one in branches),
            )


def _row(rows: Sequence[BoxRow]) -> BoxRow:
    row = _zipped(rows)
    assert isinstance(row, BoxRow)
    return row


def _entries(alike: Sequence[Box | Branch]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(entry for one in alike for entry in one.entries))
