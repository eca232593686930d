"""The order of the images, and the key of each image's augmentation, by seed, epoch and sample.

The training images are one endless stream of epochs, each in its own order, and each step takes the
next batch of it: batches are always full, every image is shown once an epoch, and a run resumes
from one integer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import torch
from torch import Tensor

from resspec.training.data.batch import IndexBatch
from resspec.training.keys import Stream, scramble, stream_key

AHEAD = 16  # steps that are drawn at once


@dataclass(frozen=True)
class Order:
    """The stream of training images, as one of several processes sees it.

    Attributes:
        images: The indices of the images in the split.
        batch: Images per step, of all processes.
        seed: The seed of the run.
        repeats: Times that an image appears in a row; an epoch keeps its length.
        rank: The number of the process, whose part of each batch is the `rank`-th.
        world: The number of processes.
    """

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
        """Yield the batches of the steps from `start` up to, not including, `stop`."""
        share = self.batch // self.world
        for first in range(start, stop, AHEAD):
            last = min(first + AHEAD, stop)
            indices, keys = self._between(first * self.batch, last * self.batch)
            for at in range(self.rank * share, (last - first) * self.batch, self.batch):
                yield IndexBatch(indices[at : at + share], keys[at : at + share])

    def draw(self, step: int) -> IndexBatch:
        """Return the batch of one step."""
        (one,) = self.draws(step, step + 1)
        return one

    def _between(self, at: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the indices and keys of positions in the stream."""
        parts = []
        while at < stop:
            epoch, first = divmod(at, len(self.images))
            last = min(first + stop - at, len(self.images))
            parts.append(self._part(epoch, first, last))
            at += last - first
        indices, keys = map(torch.cat, zip(*parts, strict=True))
        return indices, keys

    def _part(self, epoch: int, first: int, last: int) -> tuple[Tensor, Tensor]:
        """Return the indices and keys of positions in one epoch."""
        places = torch.arange(first, last)
        which, repeat = places // self.repeats, places % self.repeats
        indices = self.images[permutation(self.seed, epoch, len(self.images))[which]]
        return indices, scramble(
            stream_key(self.seed, Stream.AUGMENTATION, epoch)
            ^ scramble(indices * self.repeats + repeat)
        )


@lru_cache(2)
def permutation(seed: int, epoch: int, count: int) -> Tensor:
    """Return a permutation of 0 to count - 1: the order of scrambled numbers, all different."""
    return scramble(torch.arange(count) + stream_key(seed, Stream.ORDER, epoch)).argsort()
