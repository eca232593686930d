"""Chance as a function: numbers that look random and depend on nothing but what they are a function of.

SplitMix64 (Steele et al. 2014), on integers of Python and on tensors, with equal results. Of a few numbers NumPy makes others
several times as fast as torch does.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]

_WORD = (1 << 64) - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def key(*parts: int) -> int:
    """A signed number of 64 bits for a row of integers: of equal rows the same, of others an unrelated one."""
    state = 0
    for part in parts:
        state = _scrambled((state + part + _GOLDEN) & _WORD)
    return state - (1 << 64) if state >> 63 else state


def scramble(numbers: Tensor) -> Tensor:
    """Each int64, on the CPU, to another, unrelated one: no two to the same."""
    return torch.from_numpy(scrambled(words(numbers)).view(np.int64))


def words(numbers: Tensor) -> Words:
    """The bits of int64 on the CPU, in the same memory."""
    bits: Words = numbers.numpy().view(np.uint64)
    return bits


def scrambled(bits: Words) -> Words:
    """As `scramble` does."""
    bits = (bits ^ bits >> np.uint64(30)) * np.uint64(_FIRST)
    bits = (bits ^ bits >> np.uint64(27)) * np.uint64(_SECOND)
    return bits ^ bits >> np.uint64(31)


def _scrambled(number: int) -> int:
    number = (number ^ number >> 30) * _FIRST & _WORD
    number = (number ^ number >> 27) * _SECOND & _WORD
    return number ^ number >> 31
