"""Parts of a trace that cannot be imported, replaced by a call of `placeholder` each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from resspec.importing.errors import Obstacle, Unimportable, no_gap
from resspec.importing.graph import Graph, ModulePath
from resspec.importing.lift.lift import lift
from resspec.importing.nest import network
from resspec.importing.trace import BATCH, Called, Trace, Value

PLACEHOLDER = "placeholder"


class Gap(NamedTuple):
    """Neighboring calls with one input and one result.

    Attributes:
        start: The first of them.
        stop: The call after the last of them.
        input: The value that enters them.
        result: The value that leaves them.
    """

    start: int
    stop: int
    input: Value
    result: Value


class Partial(NamedTuple):
    """A graph with placeholders.

    Attributes:
        graph: The graph.
        gaps: What each placeholder stands for, with the path of its module.
    """

    graph: Graph
    gaps: tuple[Obstacle, ...]


def partial(trace: Trace, name: str, *, carries: bool = False) -> Partial:
    """Return the graph of a trace that may have placeholders.

    Args:
        trace: The trace.
        name: The network's name in the language.
        carries: Whether values on branches that cross may be carried in one.

    Raises:
        UsageError: No part of the network around an obstacle has one input and one result.
    """
    gaps: list[Obstacle] = []
    while True:
        try:
            graph = lift(trace, name)
            network(graph, carries=carries)
        except Unimportable as error:
            obstacle = error.obstacles[0]
            found = with_gap(trace, obstacle)
            if found is None:
                raise no_gap(name, obstacle) from error
            trace, path = found
            gaps.append(replace(obstacle, path=path, module=trace.classes.get(path, "")))
        else:
            return Partial(graph, tuple(gaps))


def with_gap(trace: Trace, obstacle: Obstacle) -> tuple[Trace, ModulePath] | None:
    """Return a trace in which the smallest part around an obstacle is a placeholder, with its path.

    Args:
        trace: The trace.
        obstacle: The obstacle.

    Returns:
        None where no part of the network around it has one input and one result.
    """
    uses = _Uses(trace)
    if obstacle.call is not None and (gap := uses.gap(obstacle.call, obstacle.call + 1)):
        return _filled(trace, [gap], obstacle.path, hides=False), obstacle.path
    for depth in range(len(obstacle.path), 0, -1):
        path = obstacle.path[:depth]
        found = [uses.gap(start, stop) for start, stop in _visits(trace.calls, path)]
        gaps = [gap for gap in found if gap]
        if gaps and len(gaps) == len(found):
            return _filled(trace, gaps, path, hides=True), path
    return None


def _visits(calls: Sequence[Called], path: ModulePath) -> Iterator[tuple[int, int]]:
    """Yield the start and stop of each run of calls inside a module."""
    start = None
    for number, call in enumerate([*calls, None]):
        is_inside = call is not None and call.path[: len(path)] == path
        if is_inside and start is None:
            start = number
        elif not is_inside and start is not None:
            yield start, number
            start = None


class _Uses:
    """The values of a trace, and the calls that make and read them."""

    def __init__(self, trace: Trace) -> None:
        self.calls = trace.calls
        self.depends = {trace.input.index}  # on the network's input
        self.made: dict[int, int] = {}
        self.read: dict[int, int] = {}  # the last call that reads each
        for number, call in enumerate(trace.calls):
            read = {value.index for value in _values((call.args, call.kwargs))}
            self.read |= dict.fromkeys(read, number)
            made = {value.index for value in _values(call.result)}
            self.made |= dict.fromkeys(made, number)
            if read & self.depends:
                self.depends |= made
        outputs = {value.index for value in _values(trace.output)}
        self.read |= dict.fromkeys(outputs, len(trace.calls))

    def gap(self, start: int, stop: int) -> Gap | None:
        """Return calls as a gap, None where several values enter or leave them."""
        inside = self.calls[start:stop]
        if [call.name for call in inside] == [PLACEHOLDER]:
            return None  # which is what could not be imported
        entering = {
            value.index: value
            for call in inside
            for value in _values((call.args, call.kwargs))
            if value.index in self.depends and self.made.get(value.index, -1) < start
        }
        leaving = {
            value.index: value
            for call in inside
            for value in _values(call.result)
            if self.read.get(value.index, -1) >= stop
        }
        if len(entering) != 1 or len(leaving) != 1:
            return None
        (input,), (result,) = entering.values(), leaving.values()
        return Gap(start, stop, input, result) if _is_sample(result) else None


def _is_sample(value: Value) -> bool:
    """Return whether a value has a shape of the language: channels, and height and width or not."""
    batch, *sizes = value.dims or (0,)
    return batch == BATCH and len(sizes) in (1, 3)


def _filled(trace: Trace, gaps: list[Gap], path: ModulePath, *, hides: bool) -> Trace:
    calls = list(trace.calls)
    for gap in reversed(gaps):
        first = calls[gap.start]
        call = Called(PLACEHOLDER, (gap.input,), {}, gap.result, path, first.visit, first.place)
        calls[gap.start : gap.stop] = [call]
    classes = trace.classes
    if hides:  # its modules are no part of the network
        depth = len(path)
        classes = {p: name for p, name in classes.items() if p[:depth] != path or len(p) == depth}
    return replace(trace, calls=tuple(calls), classes=classes)


def _values(given: Any) -> Iterator[Value]:
    match given:
        case Value():
            yield given
        case list() | tuple():
            for each in given:
                yield from _values(each)
        case dict():
            yield from _values(list(given.values()))
