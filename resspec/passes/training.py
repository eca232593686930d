"""The memory that a training step takes, bounded, and the largest batch that fits: a line through
two numbers.
"""

from __future__ import annotations

from typing import NamedTuple

from resspec.ir.quantities import DTYPES, OPTIMIZERS
from resspec.passes.autograd import Backward


class TrainingBound(NamedTuple):
    """Bytes: parameters, gradients and the optimizer's state, and what autograd keeps. A bound:
    neither buffers nor what an operation needs while it runs.
    """

    fixed: int
    sample: int

    def bytes(self, batch: int = 1) -> int:
        return self.fixed + batch * self.sample

    def max_batch(self, memory: int) -> int | None:
        """Return the largest batch whose bound fits so many bytes; 0 where not even one sample
        does, None where any does.
        """
        if not self.sample:
            return None if self.fixed <= memory else 0
        return max(0, (memory - self.fixed) // self.sample)


def training_bound(
    params: int, trainable: int, cost: Backward, dtype: str = "float32", optimizer: str = "momentum"
) -> TrainingBound:
    """`cost`: that of the whole network's backward pass; only `trainable` parameters take gradients
    and state. Raises KeyError for a type that is none of DTYPES, or an optimizer that is none of
    OPTIMIZERS.
    """
    fixed, sample = cost.affine(dtype)
    weights = params + (1 + OPTIMIZERS[optimizer]) * trainable
    return TrainingBound(weights * DTYPES[dtype] + fixed, sample)
