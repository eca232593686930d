"""Equal elements in a row, drawn once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from resspec.backends.draw.elements import Box, BoxRow, Branch, Element, OutputMark, Repeated

E = TypeVar("E", bound=NamedTuple)


def folded(children: Iterable[Element]) -> list[Element]:
    """Return blocks in a row that look the same once, also those written out before a repeat."""
    runs: list[_Run] = []
    for child in children:
        run = _run(child)
        before = runs[-1:] if runs and runs[-1].looks == run.looks else runs[-len(run.looks) :]
        looks = tuple(chain.from_iterable(one.looks for one in before))
        if run.folds and looks == run.looks:
            first = before[0] if len(before) == 1 else _one_turn(before)
            if first:
                turns, bodies = first.turns + run.turns, [*first.bodies, *run.bodies]
                runs[-len(before) :] = [_Run(looks, turns, True, bodies)]
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
    if isinstance(element, Repeated):
        looks = tuple(map(look, element.body.children))
        return _Run(looks, element.turns, True, [element.body])
    body = BoxRow((element,), element.output)
    return _Run((look(element),), 1, not isinstance(element, Box | OutputMark), [body])


def _one_turn(runs: Sequence[_Run]) -> _Run | None:
    """Return elements as one turn of a repeat; None where one of them is repeated itself."""
    if any(run.turns > 1 for run in runs):
        return None
    steps = tuple(step for run in runs for step in run.bodies[0].children)
    return _Run((), 1, True, [BoxRow(steps, steps[-1].output)])


def look(element: Element) -> object:
    """Return the visible part of an element, equal for two that are drawn the same."""
    match element:
        case Box():
            return element.label, element.output.spatial, element.quiet, element.sign
        case OutputMark():
            return element
        case BoxRow(children=children):
            return tuple(map(look, children))
        case Repeated(turns=turns, body=body):
            return turns, look(body)
        case Branch(merge=merge, main=main, sides=sides, output=output, sign=sign):
            paths = tuple((look(side.body), side.changes) for side in sides)
            return merge, output.spatial, sign, look(main), paths


def _together(run: _Run) -> tuple[Element, ...]:
    body = _zipped(run.bodies)
    return body.children if run.turns == 1 else (Repeated(run.turns, body, run.bodies[-1].output),)


def _zipped(elements: Sequence[E]) -> E:
    """Return elements that look the same as one, which represents all of their layers."""
    first = elements[0]
    merged: dict[str, Any] = {}
    for name, values in zip(first._fields, zip(*elements, strict=True), strict=True):
        match name:
            case "names":
                merged[name] = tuple(chain.from_iterable(values))
            case "entries":
                merged[name] = tuple(dict.fromkeys(chain.from_iterable(values)))
            case "times":
                merged[name] = sum(values)
            case "children" | "sides":
                merged[name] = tuple(map(_zipped, zip(*values, strict=True)))
            case "body" | "main":
                merged[name] = _zipped(values)
    return first._replace(**merged)
