"""Initializers: the functions of torch.nn.init, and their arguments with defaults."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from resspec.ir.shape import exact

Argument = str | Fraction

_FAN: dict[str, Argument] = {"mode": "fan_in", "nonlinearity": "relu"}
LAWS: dict[str, dict[str, Argument]] = {
    "kaiming_normal": _FAN,
    "kaiming_uniform": _FAN,
    "xavier_normal": {"gain": Fraction(1)},
    "xavier_uniform": {"gain": Fraction(1)},
    "normal": {"mean": Fraction(0), "std": Fraction(1)},
    "trunc_normal": {"mean": Fraction(0), "std": Fraction(1)},
    "uniform": {"a": Fraction(0), "b": Fraction(1)},
    "constant": {"value": Fraction(0)},
    "zeros": {},
    "ones": {},
    "default": {},  # what torch's constructor does
}
CONSTANTS = {"zeros": Fraction(0), "ones": Fraction(1)}  # laws that are another name of `constant`
CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("fan_in", "fan_out"),
    "nonlinearity": ("relu", "linear", "sigmoid", "tanh", "selu"),
}


class _InitParts(NamedTuple):
    law: str
    arguments: tuple[tuple[str, Argument], ...] = ()
    bias: Fraction | None = Fraction(0)


class Init(_InitParts):
    """The initializer of a layer's weight, with every argument filled in; its bias starts as a
    constant, or as torch does where `bias` is None.
    """

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """The hash, found once: those of fractions are slow."""
        return tuple.__hash__(self)

    def __str__(self) -> str:
        given = [*self.arguments, *([("bias", self.bias)] if self.bias is not None else [])]
        return " ".join([self.law, *(f"{name}={value}" for name, value in given)])

    @classmethod
    def parse(cls, text: str) -> Init:
        """Raises ValueError for a text that is not an initialization."""
        law, *pairs = text.split(" ")
        given = dict(pair.split("=") for pair in pairs if pair.count("=") == 1)
        bias = given.pop("bias", None)
        known = LAWS.get(law)
        if (
            known is None
            or law in CONSTANTS
            or given.keys() != known.keys()
            or len(given) + (bias is not None) < len(pairs)
        ):
            raise ValueError(f"{text!r:.80} is not an initialization")
        arguments = tuple(
            (name, _argument(name, value, known[name])) for name, value in given.items()
        )
        return cls(law, arguments, None if bias is None else exact(bias))


def _argument(name: str, text: str, like: Argument) -> Argument:
    """Raises ValueError."""
    if isinstance(like, Fraction):
        return exact(text)
    if text not in CHOICES[name]:
        raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}, not {text!r:.40}")
    return text


AS_TORCH = Init("default", (), None)
STARTS_AS_ONE = Init("constant", (("value", Fraction(1)),))  # what torch's norms do anyway
