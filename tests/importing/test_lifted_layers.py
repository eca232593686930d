"""The module of every layer, with random fields, is recorded and lifted to that layer again."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from resspec.backends.layers import ToLast
from resspec.importing.graph import ModulePath
from resspec.importing.lift.lift import lift
from resspec.importing.record.run import record
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.composite import Composite
from resspec.ir.ops.factors import LearnedOperand
from resspec.ir.ops.layer import ShapeError
from resspec.ir.ops.window import Pool
from resspec.ir.shape import Shape
from tests.importing.graphs import module_of_layer

IMAGE = Shape((12, 8, 10))
LAST = Shape((8, 10, 12), last=True)
FLAT = Shape((12,))
SHAPES = {
    "channel_conv": (Shape((12, 1, 1)),),
    "linear": (LAST,),
    "fc": (FLAT,),
    "bn": (IMAGE, FLAT),
    "ln": (LAST, FLAT),
    "softmax": (IMAGE, FLAT, LAST),
    "layer_scale": (IMAGE, LAST),
    "to_first": (LAST,),
    "chunk": (IMAGE, LAST, FLAT),
    "slice": (IMAGE, LAST, FLAT),
}
# Initial values, which no run shows, and whether torch writes over the input
UNSEEN = {"init_value", "init", "gain_init", "inplace"}
COUNTS = {
    "out_channels": (12, 24),
    "groups": (2, 3, 4),
    "num_groups": (1, 2, 3),
    "num_parameters": (1, 12),
    "chunks": (2, 3, 4),
    "part": (0, 1),
    "parts": (2, 3),
    "upscale_factor": (2,),
    "downscale_factor": (2,),
    "kernel_size": (3, 5),
    "start": (0, 2, 5),
    "stop": (6, 9),
}


def random_layer(op: type[Layer], random: Random) -> Layer:
    """Return a layer with random fields, not all of which any input fits."""
    given = {}
    for field in dataclasses.fields(op):
        is_given = field.default is dataclasses.MISSING or random.random() < 0.5
        if field.name not in UNSEEN and is_given:
            given[field.name] = random_value(op, field.name, str(field.type), random)
    op.complete(given)
    if issubclass(op, Pool):
        given = one_of_its_ways(given)
    return op(**given)


def one_of_its_ways(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a pool without those that change nothing."""
    if given.get("kernel_size") is None:
        return {"to": given["to"]} if given.get("to", (1, 1)) != (1, 1) else {}
    if given.get("padding", (0, 0)) in ((0, 0), "same"):
        given.pop("count_include_pad", None)
    return given | {"to": None}


def random_value(op: type[Layer], name: str, kind: str, random: Random) -> Any:
    match kind.partition(" | ")[0]:
        case "Size":
            return random.choice([(1, 1), (2, 2), (3, 3), (1, 3), (2, 1)])
        case "Extent":
            return random.choice([(0, 0), (1, 1), (0, 1)])
        case "Padding":
            return random.choice([(0, 0), (1, 1), (0, 1), "same"])
        case "Count" | "Index":
            return random.choice(COUNTS.get(name, (1, 2, 3)))
        case "Word":
            return random.choice(op.choices[name])
        case "Flag":
            return random.random() < 0.5
        case _:
            return Fraction(random.randrange(1, 20), 20 if "Prob" in kind else 100)


def random_pair(kind: str, random: Random) -> tuple[Layer, Shape]:
    while True:
        layer, shape = random_layer(OPS[kind], random), random.choice(SHAPES.get(kind, (IMAGE,)))
        try:
            if layer.infer(shape).elements < 1 << 16 and not does_nothing(layer, shape):
                return layer.completed(shape), shape
        except ShapeError:
            continue


def does_nothing(layer: Layer, shape: Shape) -> bool:
    match layer.kind:
        case "subsample":
            return layer.infer(shape) == shape
        case "avgpool" | "maxpool" | "pad_channels":
            return layer.infer(shape) == shape
        case "upsample" | "slice" | "pad":
            return layer.infer(shape) == shape
        case _:
            return False


class Around(nn.Module):
    """A module with a parameter of its own beside its input."""

    def __init__(self, layer: LearnedOperand, shape: Shape) -> None:
        super().__init__()
        self.operand = nn.Parameter(torch.zeros(layer.dims(shape)))
        self.is_viewed = layer.is_viewed(shape)
        self.operator = layer.operator

    def forward(self, x: Tensor) -> Tensor:
        operand = self.operand.view(-1, 1, 1) if self.is_viewed else self.operand
        return x * operand if self.operator == "*" else x + operand


class Holder(nn.Module):
    """A module with another one, that reads channels last if asked to."""

    def __init__(self, child: nn.Module, *, last: bool) -> None:
        super().__init__()
        self.child = child
        self.before = nn.Sequential(ToLast(), nn.Linear(12, 12)) if last else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.child(self.before(x))
        return result


# `identity` and `placeholder` call nothing, and what reads the parts of `chunk` reads slices
NOT_LIFTED = {"identity", "chunk", "placeholder"} | {
    kind for kind, op in OPS.items() if issubclass(op, Composite)
}  # of whose operations only some are layers


@pytest.mark.parametrize("kind", sorted(OPS.keys() - NOT_LIFTED))
def test_a_layers_module_is_lifted_to_it(kind: str) -> None:
    random = Random(kind)
    for _ in range(20):
        layer, shape = random_pair(kind, random)
        path: ModulePath = ("child",)
        if isinstance(layer, LearnedOperand):
            path = ("child", "operand")
            child: nn.Module = Around(layer, shape)
        else:
            child = module_of_layer(layer, shape)
        input = IMAGE if shape.last else shape
        graph = lift(record(Holder(child, last=shape.last), input), "net")
        step = graph.steps[-1]
        assert step.does is layer, (shape, step.does)
        assert (step.path, step.is_named, step.output) == (path, True, layer.infer(shape))
