"""Counter-based random numbers: pure functions of their arguments.

SplitMix64 (Steele et al. 2014) on Python integers and on tensors, with equal results. For a few
numbers NumPy is several times as fast as torch.
"""

from __future__ import annotations

from enum import IntEnum, unique

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]

_WORD = (1 << 64) - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


@unique
class Stream(IntEnum):
    """The streams of random numbers that a run draws from its seed, each with its own number.

    A new stream takes the next number: the others must stay as they are.
    """

    ORDER = 0  # of the images in an epoch
    AUGMENTATION = 1  # of each image that is shown
    DROPOUT = 2  # and all else that layers draw, of each micro-batch


def stream_key(seed: int, stream: Stream, *parts: int) -> int:
    """Return the key of a part of a stream, unrelated to those of other streams."""
    return key(seed, stream, *parts)


def key(*parts: int) -> int:
    """Return a signed 64-bit number for a row of integers, unrelated to those of other rows."""
    state = 0
    for part in parts:
        state = _scrambled((state + part + _GOLDEN) & _WORD)
    return state - (1 << 64) if state >> 63 else state


def scramble(numbers: Tensor) -> Tensor:
    """Map each int64, on the CPU, to an unrelated one; different numbers stay different."""
    return torch.from_numpy(scrambled(words(numbers)).view(np.int64))


def words(numbers: Tensor) -> Words:
    """Return the bits of int64 numbers on the CPU, in the same memory."""
    bits: Words = numbers.numpy().view(np.uint64)
    return bits


def scrambled(bits: Words) -> Words:
    """Do the same as `scramble` for NumPy arrays."""
    bits = (bits ^ bits >> np.uint64(30)) * np.uint64(_FIRST)
    bits = (bits ^ bits >> np.uint64(27)) * np.uint64(_SECOND)
    return bits ^ bits >> np.uint64(31)


def _scrambled(number: int) -> int:
    number = (number ^ number >> 30) * _FIRST & _WORD
    number = (number ^ number >> 27) * _SECOND & _WORD
    return number ^ number >> 31
