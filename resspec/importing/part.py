"""A part of a graph as a graph of its own."""

from __future__ import annotations

from dataclasses import replace

from resspec.importing import errors
from resspec.importing.graph import INPUT, Graph, ModulePath, Step
from resspec.importing.names import block
from resspec.suggest import did_you_mean


def part(graph: Graph, path: ModulePath) -> Graph:
    """Return the part of a graph that one of its modules computes.

    Args:
        graph: The graph.
        path: The module.

    Returns:
        A graph of the module's steps, from the value that enters it to those that leave it, with
        paths that begin in it.

    Raises:
        UsageError: No such module runs, or it reads several values.
    """
    depth = len(path)
    inside = [i for i, step in enumerate(graph.steps) if step.path[:depth] == path]
    if not inside:
        known = {".".join(step.path[:i]) for step in graph.steps for i in range(len(step.path) + 1)}
        raise errors.no_part(graph, path, did_you_mean(".".join(path), known))
    numbers = {i: number for number, i in enumerate(inside)}
    read = dict.fromkeys(j for i in inside for j in graph.steps[i].inputs if j not in numbers)
    if len(read) > 1:
        raise errors.several_inputs(graph, path, [*read])
    (entry,) = read
    steps = [_step(graph.steps[i], depth, numbers) for i in inside]
    leaving = [numbers[i] for i in _leaving(graph, inside, numbers)]
    outputs = tuple((str(n) if len(leaving) > 1 else "", i) for n, i in enumerate(leaving))
    classes = {p[depth:]: name for p, name in graph.classes.items() if p[:depth] == path}
    return Graph(
        block(classes.get(())) or path[-1],
        graph.input if entry == INPUT else graph.steps[entry].output,
        tuple(steps),
        outputs,
        classes,
    )


def _step(step: Step, depth: int, numbers: dict[int, int]) -> Step:
    inputs = tuple(numbers.get(i, INPUT) for i in step.inputs)
    is_named = step.is_named and len(step.path) > depth
    return replace(step, inputs=inputs, path=step.path[depth:], is_named=is_named)


def _leaving(graph: Graph, inside: list[int], numbers: dict[int, int]) -> list[int]:
    """Return the steps of a part that are read outside of it, or are outputs of the graph."""
    read = {j for i, step in enumerate(graph.steps) if i not in numbers for j in step.inputs}
    read |= {i for _, i in graph.outputs}
    return [i for i in inside if i in read]
