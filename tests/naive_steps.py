"""A naive second implementation of the language on torch; nothing here comes from resspec."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

Trace = list[tuple[int, ...]]


class Refused(Exception):
    """What torch would do, and the language says it must not."""


REFUSALS = (Refused, RuntimeError, ValueError, IndexError)


class Value(NamedTuple):
    """`last`: its channels are the last axis. The first is the batch."""

    tensor: Tensor
    last: bool = False

    @property
    def channels(self) -> int:
        return self.tensor.shape[-1 if self.last else 1]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape[1:])


class Step(NamedTuple):
    """`later`: what the repetitions after the first are, which have no stride."""

    text: str
    run: Callable[[Value, Trace], Value]
    later: Callable[[Value, Trace], Value] | None = None


def built(
    module: Callable[[Value], nn.Module | Callable[[Tensor], Tensor]],
    *,
    reads_last: bool = False,
    reads_any: bool = False,
    gives_last: bool | None = None,
) -> Callable[[Value, Trace], Value]:
    """Return the layer's module for this input; images are channels first, as in torch."""

    def run(x: Value, trace: Trace) -> Value:
        if not reads_any and x.last != reads_last and x.tensor.dim() > 2:
            raise Refused("channels come first" if x.last else "channels come last")
        y = Value(module(x)(x.tensor), x.last if gives_last is None else gives_last)
        if not y.tensor.numel():
            raise Refused("nothing is left")
        trace.append(y.shape)
        return y

    return run


def joined(steps: Sequence[Step]) -> Step:
    def run(x: Value, trace: Trace) -> Value:
        for step in steps:
            x = step.run(x, trace)
        return x

    return Step(" -> ".join(step.text for step in steps), run)


def row(steps: Sequence[Step]) -> Step:
    step = joined(steps)
    return step._replace(text=f"{{ {step.text} }}")


def runs(step: Step, x: Value) -> bool:
    try:
        step.run(x, [])
    except REFUSALS:
        return False
    return True


def traced(x: Value, trace: Trace) -> Value:
    trace.append(x.shape)
    return x


def merged(kind: str, values: Sequence[Value], trace: Trace) -> Value:
    """Torch would broadcast more than the language does."""
    if len({(value.last, value.tensor.dim()) for value in values}) > 1:
        raise Refused("other layouts")
    first, last = values[0].tensor, values[0].last
    if kind == "concat":
        return traced(
            Value(torch.cat([value.tensor for value in values], -1 if last else 1), last), trace
        )
    for value in values[1:]:
        areas = [
            1 if t.dim() == 2 else t.flatten(1).shape[1] // values[0].channels
            for t in (first, value.tensor)
        ]
        if values[0].channels != value.channels or (
            first.shape != value.tensor.shape and (kind == "add" or 1 not in areas)
        ):
            raise Refused("other shapes")
        first = first + value.tensor if kind == "add" else first * value.tensor
    return traced(Value(first, last), trace)


def picture(t: Tensor) -> Tensor:
    if t.dim() != 4:
        raise Refused("no picture")
    return t


def widened(t: Tensor, out: int) -> Tensor:
    if out < picture(t).shape[1]:
        raise Refused("fewer channels")
    return nn.functional.pad(t, (0, 0, 0, 0, 0, out - t.shape[1]))


def part(t: Tensor, parts: int, which: int, axis: int) -> Tensor:
    if t.shape[axis] % parts:
        raise Refused("parts that are not equal")
    return torch.chunk(t, parts, axis)[which]
