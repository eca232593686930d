"""The memory that a training step takes, bounded, and the largest batch that fits: a line through two numbers."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

from resspec.ir.nodes import Network
from resspec.ir.quantities import DTYPES, OPTIMIZERS
from resspec.passes.autograd import Backward
from resspec.passes.measure import measure


class TrainingBound(NamedTuple):
    """Bytes: parameters, gradients and the optimizer's state, and what autograd keeps. A bound: neither buffers nor what
    an operation needs while it runs."""

    fixed: int
    sample: int

    def bytes(self, batch: int = 1) -> int:
        return self.fixed + batch * self.sample

    def max_batch(self, memory: int) -> int | None:
        """The largest batch whose bound fits so many bytes; 0 where not even one sample does, None where any does."""
        if not self.sample:
            return None if self.fixed <= memory else 0
        return max(0, (memory - self.fixed) // self.sample)


def training_bound(
    network: Network, cost: Backward, dtype: str = "float32", optimizer: str = "momentum", frozen: Container[str] = ()
) -> TrainingBound:
    """`cost`: that of the whole network's backward pass, with the same sections frozen; their parameters take neither
    gradients nor state. Raises KeyError for a type that is none of DTYPES, or an optimizer that is none of OPTIMIZERS."""
    fixed, sample = cost.affine(dtype)
    learning = sum(measure(section.body).params for section in network.sections if section.label not in frozen)
    weights = measure(network).params + (1 + OPTIMIZERS[optimizer]) * learning
    return TrainingBound(weights * DTYPES[dtype] + fixed, sample)
