"""Random numbers for each image of a batch, as functions of the image's key and of a name.

Each decision has a name, so that adding or removing one leaves all others unchanged. Everything is
computed on the CPU in float64, so that an image is augmented the same way on every device.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from resspec.training.keys import Words, key, scrambled, words

TRIES = 10  # of the rejection sampler for gammas; 19 in 20 tries are accepted


def uniform(keys: Tensor, name: str, count: int = 1) -> Tensor:
    """Return uniform numbers in [0, 1).

    Args:
        keys: The keys of the images (int64, B).
        name: The name of the decision.
        count: How many numbers for each image.

    Returns:
        float64, B x count.
    """
    seeds = scrambled(words(keys))[:, None]
    bits = scrambled(seeds ^ _streams(name, count))
    return torch.from_numpy((bits >> np.uint64(11)) * 2.0**-53)


@lru_cache(256)
def _streams(name: str, count: int) -> Words:
    number = crc32(name.encode())
    return np.array([key(number, i) for i in range(count)]).view(np.uint64)


def happens(keys: Tensor, name: str, probability: float) -> Tensor:
    """Return True with a probability (bool, B)."""
    return uniform(keys, name)[:, 0] < probability


def choice(keys: Tensor, name: str, options: int | Tensor) -> Tensor:
    """Return uniform integers from 0 to `options` - 1 (int64, B); `options` may differ by image."""
    return (uniform(keys, name)[:, 0] * options).long()


def normal(keys: Tensor, name: str, count: int = 1) -> Tensor:
    """Return standard normal numbers (B x count), by Box and Muller (1958)."""
    radius, angle = uniform(keys, name, 2 * count).split(count, 1)
    length = (-2 * (1 - radius).log()).sqrt()
    result: Tensor = length * (2 * pi * angle).cos()
    return result


def beta(keys: Tensor, name: str, alpha: float) -> Tensor:
    """Return numbers from Beta(alpha, alpha) (B): the share of one of two gammas in their sum."""
    first = _log_gamma(keys, f"{name} a", alpha)
    second = _log_gamma(keys, f"{name} b", alpha)
    return (first - second).sigmoid()


def _log_gamma(keys: Tensor, name: str, alpha: float) -> Tensor:
    """Return logarithms of numbers from Gamma(alpha) (B), by Marsaglia and Tsang (2000)."""
    d = alpha + 1 - 1 / 3
    x = normal(keys, f"{name} x", TRIES)
    v = (1 + x / (9 * d) ** 0.5) ** 3
    bound = x**2 / 2 + d - d * v + d * v.clamp_min(1e-9).log()
    accepted = (v > 0) & ((1 - uniform(keys, f"{name} u", TRIES)).log() < bound)
    first = v.gather(1, accepted.int().argmax(1, keepdim=True))[:, 0]
    boost = (1 - uniform(keys, f"{name} boost")[:, 0]).log() / alpha
    result: Tensor = (d * first).log() + boost
    return result
