"""Chance as a function: numbers that look random and depend on nothing but what they are a function of.

SplitMix64 (Steele et al. 2014), on integers of Python and on tensors, with equal results.
"""

from __future__ import annotations

from torch import Tensor

_WORD = (1 << 64) - 1
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def key(*parts: int) -> int:
    """A signed number of 64 bits for a row of integers: of equal rows the same, of others an unrelated one."""
    state = 0
    for part in parts:
        state = _scrambled((state + part + _GOLDEN) & _WORD)
    return _signed(state)


def scramble(numbers: Tensor) -> Tensor:
    """Each int64 to another, unrelated one: no two to the same."""
    numbers = (numbers ^ _shifted(numbers, 30)) * _signed(_FIRST)
    numbers = (numbers ^ _shifted(numbers, 27)) * _signed(_SECOND)
    return numbers ^ _shifted(numbers, 31)


def _scrambled(number: int) -> int:
    number = (number ^ number >> 30) * _FIRST & _WORD
    number = (number ^ number >> 27) * _SECOND & _WORD
    return number ^ number >> 31


def _shifted(numbers: Tensor, bits: int) -> Tensor:
    """To the right, zeros coming in, as of unsigned numbers."""
    return (numbers >> bits) & ((1 << (64 - bits)) - 1)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
