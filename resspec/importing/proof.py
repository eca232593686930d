"""The agreement of an imported network with its module, as data and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import NamedTuple

from resspec.ir.shape import Shape
from resspec.suggest import joined
from resspec.units import size_of

Dims = Mapping[str, tuple[int, ...]]  # of tensors, by their names

CLOSE = 1e-4  # of the largest value: a different order of the same sums may cost that much


class Agreement(NamedTuple):
    """The largest difference of two computations, relative to the largest value; 0 is bitwise."""

    off: float

    @property
    def is_close(self) -> bool:
        return self.off <= CLOSE  # never of nan


class Proof(NamedTuple):
    """The agreement of an imported network with its module.

    Attributes:
        tensors: The number of parameters and buffers that a state dict of the module has.
        loaded: Those that the network has too, with the same name and shape.
        unused: Tensors that the module does not use in eval mode.
        missing: Tensors of the network that the module lacks.
        reshaped: Tensors whose shape is different in the network.
        outputs: The agreement of outputs in eval mode; None if they were not compared.
        gradients: The agreement of gradients of a training step; None if they were not compared.
        input: The shape at which these were compared.
        first: The module where the outputs differ first.
        failure: The error of the module that prevented a comparison.
        too_large: The bytes that a training step of both takes, if these are too many.
        without_dropout: Whether dropout was turned off for the gradients.
        hidden: The tensors of the module that placeholders stand for.
        changes: Whether the module returns something else when it is called again.
    """

    tensors: int
    loaded: int
    unused: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    outputs: Agreement | None = None
    gradients: Agreement | None = None
    input: Shape | None = None
    first: str = ""
    failure: str = ""
    too_large: int = 0
    without_dropout: bool = False
    hidden: int = 0
    changes: bool = False

    @classmethod
    def of_shapes(cls, theirs: Dims, ours: Dims, hidden: tuple[str, ...] = ()) -> Proof:
        """Return a proof that compares tensors by their names and sizes.

        Args:
            theirs: The tensors of the module.
            ours: Those of the network.
            hidden: What the names begin with of tensors that placeholders stand for.
        """
        common = ours.keys() & theirs
        behind = {name for name in theirs.keys() - common if name.startswith(hidden)}
        return cls(
            tensors=len(theirs),
            loaded=sum(ours[name] == theirs[name] for name in common),
            unused=tuple(name for name in theirs if name not in common | behind),
            missing=tuple(name for name in ours if name not in common),
            reshaped=tuple(each for each in ours if each in common and ours[each] != theirs[each]),
            hidden=len(behind),
        )

    @property
    def has_same_names(self) -> bool:
        """True if every tensor of the network is one of the module."""
        return not self.missing and not self.reshaped

    @property
    def is_sound(self) -> bool:
        """True if no comparison that was made found a difference."""
        compared = [each for each in (self.outputs, self.gradients) if each]
        close = all(each.is_close for each in compared)
        return self.has_same_names and close and not self.changes

    @property
    def differs_in_training(self) -> bool:
        """True if the outputs in eval mode agree, but not what a training step leaves."""
        agree = self.has_same_names and self.outputs is not None and self.outputs.is_close
        return agree and self.gradients is not None and not self.gradients.is_close

    @property
    def is_bitwise(self) -> bool:
        """True if outputs and gradients were compared, and are equal bit for bit."""
        return self.has_same_names and self.outputs == self.gradients == Agreement(0)

    def __str__(self) -> str:
        return "; ".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        yield f"{self.loaded} of {self.tensors} tensors load strictly"
        if self.hidden:
            stand = "stands" if self.hidden == 1 else "stand"
            yield f"placeholders {stand} for {self.hidden}"
        if self.unused:
            yield f"the module does not use {_some(self.unused)} in eval mode"
        if self.missing:
            yield f"the module lacks {_some(self.missing)}"
        if self.reshaped:
            yield f"{_some(self.reshaped)} {_has(self.reshaped)} a different shape"
        yield from self._agreements()
        if self.changes:
            yield "the module returns a different result when called again with the same input"
        if self.first:
            yield f"the first difference is in {self.first}"
        if self.failure:
            yield self.failure
        if self.too_large:
            yield f"a training step of both takes {size_of(self.too_large)}"
        if self.without_dropout and self.gradients:
            yield "dropout was turned off for the gradients"

    def _agreements(self) -> Iterator[str]:
        match self.outputs, self.gradients:
            case None, None:
                yield "outputs and gradients were not compared"
            case Agreement(0), Agreement(0):
                yield "outputs and gradients bitwise equal"
            case outputs, gradients:
                yield _said("outputs", outputs)
                yield _said("gradients", gradients)


def _said(what: str, found: Agreement | None) -> str:
    match found:
        case None:
            return f"{what} were not compared"
        case Agreement(0):
            return f"{what} bitwise equal"
        case Agreement(off) if off == inf:
            return f"{what} differ in shape, or are not finite"
        case Agreement(off):
            return f"{what} differ by {off:.0e} of the largest value"


def _some(names: tuple[str, ...]) -> str:
    shown = [f"`{name}`" for name in names[:3]]
    others = len(names) - len(shown)
    return joined([*shown, f"{others} more"] if others else shown)


def _has(names: tuple[str, ...]) -> str:
    return "has" if len(names) == 1 else "have"
