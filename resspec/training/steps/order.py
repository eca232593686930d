"""Which images a step sees, and the key of each image's augmentation: pure functions of (seed, epoch, sample).

The training images are one endless stream of epochs, each in an order of its own, and a step is the next `batch` of it:
batches are always full, every image is shown once an epoch, and a run resumes from one integer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from resspec.training.data.batch import IndexBatch
from resspec.training.keys import key, scramble

AHEAD = 16  # steps that are drawn at once


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

    @cached_property
    def epoch(self) -> Fraction:
        """Steps in an epoch, rarely a whole number."""
        return Fraction(len(self.images), self.batch)

    def draws(self, start: int, stop: int) -> Iterator[IndexBatch]:
        """Those of the steps `start` up to, not including, `stop`."""
        share = self.batch // self.world
        for first in range(start, stop, AHEAD):
            last = min(first + AHEAD, stop)
            indices, keys = self._between(first * self.batch, last * self.batch)
            for at in range(self.rank * share, (last - first) * self.batch, self.batch):
                yield IndexBatch(indices[at : at + share], keys[at : at + share])

    def draw(self, step: int) -> IndexBatch:
        (one,) = self.draws(step, step + 1)
        return one

    def _between(self, at: int, stop: int) -> tuple[Tensor, Tensor]:
        """Indices and keys of these places of the stream."""
        parts = []
        while at < stop:
            epoch, first = divmod(at, len(self.images))
            last = min(first + stop - at, len(self.images))
            parts.append(self._part(epoch, first, last))
            at += last - first
        indices, keys = map(torch.cat, zip(*parts, strict=True))
        return indices, keys

    def _part(self, epoch: int, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Indices and keys of these places of one epoch."""
        places = torch.arange(first, last)
        which, repeat = places // self.repeats, places % self.repeats
        indices = self.images[permutation(self.seed, epoch, len(self.images))[which]]
        return indices, scramble(
            key(self.seed, epoch, 1) ^ scramble(indices * self.repeats + repeat)
        )


@lru_cache(2)
def permutation(seed: int, epoch: int, count: int) -> Tensor:
    """Of 0 .. count - 1, by the order of scrambled numbers, of which no two are equal."""
    return scramble(torch.arange(count) + key(seed, epoch, 0)).argsort()
