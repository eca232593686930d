"""An imported network as data: layers in the order in which they run, and the modules that hold
them. Every front end makes one; no later step knows where the network came from.

    module ──record──▶ calls ──lift──▶ Graph ──decompose, nest──▶ Network ──fold──▶ .res text
                 .onnx, .pt2 ──lift──▶
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from resspec.ir.nodes import Merge
from resspec.ir.ops import Layer
from resspec.ir.shape import Shape

INPUT = -1  # stands for the network's input among the inputs of a step

ModulePath = tuple[str, ...]  # the names from the root, as in `layer1.0.conv1`; the root is empty


@dataclass(frozen=True, slots=True)
class Step:
    """A layer, or a merge of several values.

    Attributes:
        does: The layer, or the word of a merge.
        inputs: The steps whose values it reads, by their index; `INPUT` for the network's input.
            A layer reads one.
        output: The shape of its value, without the batch axis.
        path: The module that holds it; where the layer is itself a module or a parameter, its own
            name is the last part.
        is_named: Whether the last part of `path` is its own name: False for merges, and for layers
            that the network computes by a function.
        place: The source line that called it, `net.py:90`, where it is known.
    """

    does: Layer | Merge
    inputs: tuple[int, ...]
    output: Shape
    path: ModulePath
    is_named: bool
    place: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A network as a graph of steps.

    Attributes:
        name: The network's name in the language.
        input: The shape of one sample.
        steps: The steps, each after its inputs.
        outputs: The steps whose values it returns, by the name of each; one without name where it
            returns a single value.
        classes: The name of each module's class, `Bottleneck`, by its path.
    """

    name: str
    input: Shape
    steps: tuple[Step, ...]
    outputs: tuple[tuple[str, int], ...]
    classes: Mapping[ModulePath, str] = field(default_factory=dict)


def entering(graph: Graph, step: int) -> Shape:
    """Return the shape of the first input of a step."""
    (first, *_) = graph.steps[step].inputs
    return graph.input if first == INPUT else graph.steps[first].output


def has_tensors(graph: Graph, step: int) -> bool:
    """Return whether a step has parameters or buffers."""
    does = graph.steps[step].does
    return isinstance(does, Layer) and _holds(does, entering(graph, step))


@lru_cache(1 << 12)
def _holds(layer: Layer, x: Shape) -> bool:
    return layer.weighted or bool(layer.parameters(x) or layer.buffers(x))


def tidy(graph: Graph) -> Graph:
    """Return the graph with steps in modules only: what a layer's module computes beside the layer,
    such as a flattening or an activation, is beside it.
    """
    layers = {step.path for i, step in enumerate(graph.steps) if has_tensors(graph, i)}
    return replace(
        graph,
        steps=tuple(
            replace(step, is_named=True)
            if step.path in layers and has_tensors(graph, i)
            else _beside(step, layers)
            for i, step in enumerate(graph.steps)
        ),
    )


def _beside(step: Step, layers: Collection[ModulePath]) -> Step:
    """Return a step, moved out of the layer that holds it, if one does."""
    for end in range(1, len(step.path) + 1):
        if step.path[:end] in layers:
            return replace(step, path=step.path[: end - 1], is_named=False)
    return step


def around(graph: Graph, step: int) -> ModulePath:
    """Return the module that a step is in."""
    if step == INPUT:
        return ()
    found = graph.steps[step]
    return found.path[:-1] if found.is_named else found.path
