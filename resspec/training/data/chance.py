"""What chance decides about each image of a batch, as a function of the image's key and of what is decided.

Each decision has a name, so that one more or one less leaves all others as they were. All is computed on the CPU and in
float64: an image is shown the same way wherever it is shown.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from resspec.training.keys import Words, key, scrambled, words


def uniform(keys: Tensor, name: str, count: int = 1) -> Tensor:
    """Numbers in [0, 1), B x count, for keys (int64, B)."""
    bits = scrambled(scrambled(words(keys))[:, None] ^ _streams(name, count))
    return torch.from_numpy((bits >> np.uint64(11)) * 2.0**-53)


@lru_cache(256)
def _streams(name: str, count: int) -> Words:
    return np.array([key(crc32(name.encode()), i) for i in range(count)]).view(np.uint64)


def happens(keys: Tensor, name: str, probability: float) -> Tensor:
    """True with a probability (B)."""
    return uniform(keys, name)[:, 0] < probability


def choice(keys: Tensor, name: str, options: int | Tensor) -> Tensor:
    """An integer from 0 up to, not including, `options` (B); the options may differ from image to image."""
    return (uniform(keys, name)[:, 0] * options).long()


def normal(keys: Tensor, name: str, count: int = 1) -> Tensor:
    """Numbers of mean 0 and deviation 1, B x count (Box and Muller 1958)."""
    radius, angle = uniform(keys, name, 2 * count).split(count, 1)
    result: Tensor = (-2 * (1 - radius).log()).sqrt() * (2 * pi * angle).cos()
    return result


def beta(keys: Tensor, name: str, alpha: float) -> Tensor:
    """Of Beta(alpha, alpha), in [0, 1] (B): the share of one of two gammas of their sum."""
    one, other = (_log_gamma(keys, f"{name} {part}", alpha) for part in "ab")
    return (one - other).sigmoid()


def _log_gamma(keys: Tensor, name: str, alpha: float) -> Tensor:
    """The logarithm of Gamma(alpha), B (Marsaglia and Tsang 2000): the first good one of ten tries; 19 in 20 are good."""
    tries = 10
    d = alpha + 1 - 1 / 3
    x = normal(keys, f"{name} x", tries)
    v = (1 + x / (9 * d) ** 0.5) ** 3
    good = (v > 0) & (
        (1 - uniform(keys, f"{name} u", tries)).log()
        < x**2 / 2 + d - d * v + d * v.clamp_min(1e-9).log()
    )
    first = v.gather(1, good.int().argmax(1, keepdim=True))[:, 0]
    result: Tensor = (d * first).log() + (1 - uniform(keys, f"{name} boost")[:, 0]).log() / alpha
    return result
