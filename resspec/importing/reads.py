"""The values that each step reads, in the shortest form."""

from __future__ import annotations

from typing import NamedTuple

from resspec.importing.graph import INPUT, Graph

Inputs = tuple[int, ...]
Prefixes = dict[tuple[int, int], int]  # the number of a list, by that of its start and its last


class Reads(NamedTuple):
    """The inputs of all steps.

    Attributes:
        inputs: Of each step, in the graph's order; none of a step that no output needs, or that
            another one stands for.
        shortened: The concats whose first inputs are read as the result of an earlier concat.
        stands_for: The step whose value each step's value is: another one's for a merge of a
            single value, and for a concat of the same values.
    """

    inputs: list[Inputs]
    shortened: set[int]
    stands_for: list[int]


def reads(graph: Graph) -> Reads:
    """Return what each step of a graph reads.

    A layer of a DenseNet reads all that the layers before it made: where a concat begins with
    the inputs of an earlier one, it reads that one instead.
    """
    inputs: list[Inputs] = []
    shortened: set[int] = set()
    stands_for: list[int] = []
    prefixes: Prefixes = {}
    concats: dict[int, int] = {}  # by the number of their list of inputs
    needed = _needed(graph)
    for i, step in enumerate(graph.steps):
        own = tuple([INPUT if j == INPUT else stands_for[j] for j in step.inputs])
        value = i
        if i not in needed:
            own = ()
        elif isinstance(step.does, str) and len(own) == 1:
            value = own[0]
        elif step.does == "concat":
            length, known, number = _longest(own, prefixes, concats)
            if length == len(own):
                value = known
            else:
                concats[number] = i
                if length:
                    own = (known, *own[length:])
                    shortened.add(i)
        inputs.append(own if value == i else ())
        stands_for.append(value)
    return Reads(inputs, shortened, stands_for)


def _needed(graph: Graph) -> set[int]:
    """Return the steps that an output depends on."""
    needed: set[int] = set()
    waiting = [i for _, i in graph.outputs]
    while waiting:
        i = waiting.pop()
        if i != INPUT and i not in needed:
            needed.add(i)
            waiting += graph.steps[i].inputs
    return needed


def _longest(inputs: Inputs, prefixes: Prefixes, concats: dict[int, int]) -> tuple[int, int, int]:
    """Return how many of the first inputs are all those of an earlier concat, that concat, and the
    number of the list of all inputs.
    """
    length, known, number = 0, INPUT, 0
    for count, each in enumerate(inputs, 1):
        number = prefixes.setdefault((number, each), len(prefixes) + 1)
        if number in concats:
            length, known = count, concats[number]
    return length, known, number
