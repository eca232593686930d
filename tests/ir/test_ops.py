"""What every layer says of itself, against torch: randomly drawn fields and inputs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from fractions import Fraction
from inspect import signature
from math import ceil, floor
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from resspec.backends import layers
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.activation import Activation
from resspec.ir.ops.factors import LearnedOperand
from resspec.ir.ops.layer import ShapeError, plain
from resspec.ir.ops.window import adaptive_reads
from resspec.ir.shape import Shape

# Layers that have a module; a placeholder has none
RUN = [kind for kind in OPS if kind != "placeholder"]

DRAWS = 40  # of each layer
BATCH = 2

DRAWN: dict[str, Callable[[random.Random], Any]] = {
    "Count": lambda rng: rng.choice([1, 1, 2, 2, 3, 4, 6, 8, 12]),
    "Index": lambda rng: rng.randrange(6),
    "Flag": lambda rng: rng.random() < 0.5,
    "Size": lambda rng: (rng.randint(1, 4), rng.randint(1, 4)),
    "Extent": lambda rng: (rng.randint(0, 2), rng.randint(0, 2)),
    "Padding": lambda rng: rng.choice(["same", (rng.randint(0, 2), rng.randint(0, 2))]),
    "Real": lambda rng: Fraction(rng.randint(1, 10), 10),
    "Positive": lambda rng: Fraction(rng.randint(1, 10), 10),
    "Probability": lambda rng: Fraction(rng.randint(0, 10), 10),
}

# Refusals of the language alone: torch cannot see layouts (E0302), and has no layer that takes both
# a window and a target
# (E0305), or that only widens or cuts evenly.
OWN_RULES = {
    ("E0304", "chunk"),
    ("E0306", "pad_channels"),
    ("E0303", "channel_conv"),
    ("E0303", "simple_norm"),
} | {(code, kind) for code in ("E0302", "E0305") for kind in OPS}


def test_windows_of_a_pool_that_adapts() -> None:
    """As torch's documentation has them, one by one."""
    for size in range(1, 25):
        for target in range(1, 25):
            held = [ceil((i + 1) * size / target) - floor(i * size / target) for i in range(target)]
            assert sum(held) == adaptive_reads(size, target)
            assert max(held) == ceil(adaptive_reads(size, target) / target)


class Draw(NamedTuple):
    layer: Layer
    x: Shape


def draws(kind: str) -> Iterator[Draw]:
    rng = random.Random(kind)
    for _ in range(DRAWS):
        x = draw_shape(rng)
        if kind == "channel_conv" and rng.random() < 0.7:
            x = Shape((x.channels, 1, 1))
        yield Draw(draw_layer(OPS[kind], rng), x)


def draw_layer(op: type[Layer], rng: random.Random) -> Layer:
    """Fields of their annotated types; those with a default stay at it half of the time."""
    given = {
        field.name: rng.choice(op.choices[field.name])
        if field.name in op.choices
        else DRAWN[str(field.type).split()[0]](rng)
        for field in fields(op)
        if field.default is MISSING or rng.random() < 0.5
    }
    op.complete(given)
    return op(**given)


def draw_shape(rng: random.Random) -> Shape:
    channels, height, width = (
        rng.choice([1, 2, 4, 6, 8, 12]),
        rng.randint(1, 12),
        rng.randint(1, 12),
    )
    layout = rng.random()
    if layout < 0.1:
        return Shape((channels,))
    return (
        Shape((height, width, channels), last=True)
        if layout < 0.3
        else Shape((channels, height, width))
    )


def accepted(kind: str) -> list[Draw]:
    return [draw for draw in draws(kind) if not refused(draw)]


def refused(draw: Draw) -> ShapeError | None:
    try:
        draw.layer.infer(draw.x)
    except ShapeError as error:
        return error
    return None


def module(draw: Draw) -> nn.Module:
    if isinstance(draw.layer, LearnedOperand):
        return Operand(draw.layer, draw.x)
    call = draw.layer.call(draw.x)
    made: nn.Module = getattr(nn if hasattr(nn, call.module) else layers, call.module)(
        *call.args.values(), **call.kwargs
    )
    return made


class Operand(nn.Module):
    """A layer that is only a parameter, as a module of its own."""

    def __init__(self, layer: LearnedOperand, x: Shape) -> None:
        super().__init__()
        dims = {"one": (1,), "scalar": (), "C": (x.channels,), "Cx1x1": (x.channels, 1, 1)}
        self.operand = nn.Parameter(torch.full(dims[layer.shape], float(layer.init_value)))  # type: ignore[arg-type]
        self.axes = (1, -1, 1, 1) if layer.shape == "C" and x.is_image else ()
        self.is_factor = layer.kind == "gain"

    def forward(self, x: Tensor) -> Tensor:
        operand = self.operand.reshape(self.axes) if self.axes else self.operand
        return x * operand if self.is_factor else x + operand


@pytest.mark.parametrize("kind", [kind for kind in RUN if not OPS[kind].is_parameter])
def test_positional_arguments_have_the_names_of_torch(kind: str) -> None:
    for draw in accepted(kind):
        call = draw.layer.call(draw.x)
        own = getattr(nn if hasattr(nn, call.module) else layers, call.module)
        taken = [*signature(own).parameters][: len(call.args)]
        assert [*call.args] == taken, draw


def sizes(tensors: Mapping[str, Tensor]) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, tuple(tensor.shape)) for name, tensor in tensors.items()]


@pytest.mark.parametrize("kind", RUN)
def test_agrees_with_torch_on_meta(kind: str) -> None:
    """Output shape, state, multiply-accumulates; at least an eighth of the draws must be possible
    at all.
    """
    found = accepted(kind)
    assert len(found) >= DRAWS // 8
    for draw in found:
        layer, x = draw
        y = layer.infer(x)
        with torch.device("meta"), FlopCounterMode(display=False) as counter:
            made = module(draw)
            output = made(torch.empty(BATCH, *x.dims))
        assert tuple(output.shape) == (BATCH, *y.dims), draw
        parameters = {name.removeprefix("operand"): t for name, t in made.named_parameters()}
        assert sizes(parameters) == list(layer.parameters(x).items()), draw
        stored = {name: t for name, t in made.state_dict().items() if name not in parameters}
        if not layer.is_parameter:
            assert sizes(stored) == list(layer.buffers(x).items()), draw
        assert counter.get_total_flops() == 2 * BATCH * layer.macs(x, y), draw


@pytest.mark.parametrize("kind", RUN)
def test_torch_refuses_what_is_refused(kind: str) -> None:
    """On the CPU, since on meta torch lets some of them pass; what leaves nothing counts as
    refused.
    """
    for draw in draws(kind):
        error = refused(draw)
        if error is not None and (error.code, kind) not in OWN_RULES:
            assert not leaves_something(draw), draw


def leaves_something(draw: Draw) -> bool:
    try:
        return bool(module(draw)(torch.rand(BATCH, *draw.x.dims)).numel())
    except (RuntimeError, ValueError, IndexError):
        return False


def test_every_kind_of_refusal_is_drawn() -> None:
    codes = Counter(
        (error.code, kind) for kind in OPS for draw in draws(kind) if (error := refused(draw))
    )
    assert {code for code, _ in codes} == {"E0302", "E0303", "E0304", "E0305", "E0306"}
    assert {
        (code, kind) for code, kind in OWN_RULES if code not in ("E0302", "E0305")
    } <= codes.keys()
    for expected in (
        ("E0303", "conv"),
        ("E0303", "upconv"),
        ("E0303", "maxpool"),
        ("E0304", "conv"),
        ("E0306", "slice"),
    ):
        assert codes[expected] > 1, expected


class Saved:
    """The storages that autograd keeps for the backward pass."""

    def __init__(self) -> None:
        self.storages: set[int] = set()
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self._keep, lambda tensor: tensor)

    def _keep(self, tensor: Tensor) -> Tensor:
        self.storages.add(storage(tensor))
        return tensor


def storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


@pytest.mark.parametrize("kind", RUN)
def test_memory_is_as_stated(kind: str) -> None:
    """Whether the output may lie in the input's memory, in training or in evaluation, and whether
    the backward pass reads it: what decides which steps may write over their input.
    """
    shares, saves = set(), set()
    for draw in accepted(kind):
        for training in (True, False):
            made = module(draw).train(training)
            x = (
                torch.rand(BATCH, *draw.x.dims, requires_grad=True) * 1
            )  # no leaf, so that it can be written over
            saved = Saved()
            with saved.hooks:
                y = made(x)
            over = isinstance(draw.layer, Activation) and bool(draw.layer.inplace)
            shares.add(storage(x) == storage(y) and not over)
            saves.add(storage(y) in saved.storages and (over or storage(x) != storage(y)))
    assert not any(shares) or OPS[kind].output != "new"
    assert any(saves) == any(draw.layer.saves_output for draw in accepted(kind))


@pytest.mark.parametrize("kind", RUN)
def test_fields_reach_torch(kind: str) -> None:
    """A field that torch's module has as an attribute has its drawn value there."""
    for draw in accepted(kind):
        made = vars(module(draw))
        for name, drawn in vars(draw.layer.completed(draw.x)).items():
            if name in made and drawn != "same":  # which a class of its own does
                assert as_pair(made[name]) == as_pair(plain(drawn)), (name, draw)


def as_pair(value: Any) -> Any:
    """Torch keeps a square size as one number or as two, and an `inplace` of its own as False."""
    if isinstance(value, bool) or value is None:
        return bool(value)
    if value and isinstance(value, tuple) and len(value) == 1:  # of a convolution along one axis
        return (*value, *value)
    return (value, value) if isinstance(value, int | float) else value
