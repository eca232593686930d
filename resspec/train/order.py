"""Which images a step sees, and the key of each image's augmentation: pure functions of (seed, epoch, sample).

The training images are one endless stream of epochs, each in an order of its own, and a step is the next `batch` of it:
batches are always full, every image is shown once an epoch, and a run resumes from one integer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from resspec.train.data.draw import Draw
from resspec.train.keys import key, scramble


@dataclass(frozen=True)
class Order:
    """The stream of `images` (their indices in the split) as the process `rank` of `world` sees it: of each global batch the
    `rank`-th part. Each image stands `repeats` times in a row; an epoch keeps its length."""

    images: Tensor
    batch: int
    seed: int
    repeats: int = 1
    rank: int = 0
    world: int = 1

    @property
    def epoch(self) -> Fraction:
        """Steps in an epoch, rarely a whole number."""
        return Fraction(len(self.images), self.batch)

    def draws(self, start: int, stop: int) -> Iterator[Draw]:
        """Those of the steps `start` up to, not including, `stop`."""
        return map(self.draw, range(start, stop))

    def draw(self, step: int) -> Draw:
        share = self.batch // self.world
        first = step * self.batch + self.rank * share
        at = torch.arange(first, first + share)
        epochs, places = at // len(self.images), at % len(self.images)
        indices, keys = torch.empty_like(at), torch.empty_like(at)
        for epoch in epochs.unique().tolist():
            here = epochs == epoch
            which, repeat = places[here] // self.repeats, places[here] % self.repeats
            indices[here] = self.images[permutation(self.seed, epoch, len(self.images))[which]]
            keys[here] = scramble(key(self.seed, epoch, 1) ^ scramble(indices[here] * self.repeats + repeat))
        return Draw(indices, keys)


@lru_cache(2)
def permutation(seed: int, epoch: int, count: int) -> Tensor:
    """Of 0 .. count - 1, by the order of scrambled numbers, of which no two are equal."""
    return scramble(torch.arange(count) + key(seed, epoch, 0)).argsort()
