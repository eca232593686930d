"""The proof that an imported network computes the same as its module.

Both get the same random parameters, since fresh ones hide a residual path behind a zero, and the
same random numbers wherever they draw some.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.diagnostics import SpecError
from resspec.importing.proof import Agreement, Proof
from resspec.importing.reading import network as network_of
from resspec.importing.verify.sides import (
    built,
    first_difference,
    generator,
    outputs_of,
    randomized,
    training_step,
)
from resspec.ir.network import Network
from resspec.ir.quantities import Conditions
from resspec.ir.shape import Shape
from resspec.passes.quantities import Facts

BATCH = 2
MOST_BYTES = 8 * 2**30  # of weights and gradients of both sides, and of what one of them saves
SIDES = (64, 96, 128, 160, 192, 224, 256, 288, 320, 384, 448)  # smaller ones hide wrong padding

Make = Callable[[], nn.Module]
Pair = tuple[Tensor, Tensor]

_NOT_FINITE = "the outputs of the module are not finite with random parameters"
_DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
_FAILURES = (RuntimeError, ValueError, TypeError, AssertionError, IndexError, AttributeError)


def names(network: Network, module: nn.Module) -> Proof:
    """Return how many tensors of a module load into the network. Nothing is computed."""
    with torch.device("meta"):
        ours = _shapes(build(network))
    return Proof.of_shapes(_shapes(module), ours)


def verify(text: str, make: Make, proof: Proof) -> Proof:
    """Return a proof of how far the network of a text agrees with a module.

    Args:
        text: The spec that was imported.
        make: A function that returns the module, on the CPU, each time it is called.
        proof: What the names and shapes of its tensors showed.

    Raises:
        SpecError: The text is not a spec.
    """
    if not proof.has_same_names:
        return proof
    network = network_of(text)
    small = _small(text, network)
    found = _compared(small, make, proof)
    if small is network or (found.is_sound and not found.failure):
        return found
    return _compared(network, make, proof)


def _small(text: str, network: Network) -> Network:
    """Return the network at the smallest square input at which it has the same parameters."""
    input = network.input
    if not input.is_image or len(set(input.spatial)) > 1:
        return network
    params = Facts(network).total("params")
    for side in SIDES:
        if side >= input.spatial[0]:
            break
        with suppress(SpecError):
            small = network_of(text, Shape((input.channels, side, side)))
            if Facts(small).total("params") == params:
                return small
    return network


def _compared(network: Network, make: Make, proof: Proof) -> Proof:
    """Return the proof with what a forward pass and a training step showed."""
    proof = proof._replace(input=network.input)
    needed = _bytes_of_a_step(network)
    x = torch.randn(BATCH, *network.input.dims, generator=generator("input"))
    theirs = randomized(make())
    try:
        expected = outputs_of(theirs, x)
        again = outputs_of(theirs, x)
    except _FAILURES as error:
        reason = f"the module cannot be run on {network.input}: {_first_line(error)}"
        return proof._replace(failure=reason)

    if not all(map(torch.equal, expected, again)):
        is_number = not any(output.isnan().any() for output in expected)
        return proof._replace(changes=is_number, failure="" if is_number else _NOT_FINITE)
    if not all(output.isfinite().all() for output in expected):
        return proof._replace(failure=_NOT_FINITE)

    if needed > MOST_BYTES:
        del theirs
        pairs = _paired(expected, outputs_of(randomized(built(network)), x))
        return proof._replace(outputs=_agreement(pairs.values()), too_large=needed)

    ours = randomized(built(network))
    pairs = _paired(expected, outputs_of(ours, x))
    outputs = _agreement(pairs.values())
    if outputs.off:
        return proof._replace(outputs=outputs, first=first_difference(theirs, ours, x))
    return _trained(theirs, ours, x, list(pairs), proof._replace(outputs=outputs))


def _trained(
    theirs: nn.Module, ours: nn.Module, x: Tensor, chosen: Sequence[int], proof: Proof
) -> Proof:
    """Return the proof with what a training step showed; `chosen`: the module's outputs in eval.

    What a module computes in train mode alone draws random numbers as well, and dropout then
    differs: where there is such a part, dropout is turned off.
    """
    if proof.unused:
        proof = proof._replace(without_dropout=True)
        for module in (*theirs.modules(), *ours.modules()):
            if isinstance(module, _DROPOUT):
                module.p = 0.0
    if still := [name for name, module in theirs.train().named_modules() if not module.training]:
        reason = f"`{still[0]}` stays in eval mode during training, where that of a spec does not"
        return proof._replace(failure=reason)
    try:
        expected = training_step(theirs, x, chosen)
    except _FAILURES as error:
        reason = f"the module cannot be trained: {_first_line(error)}"
        return proof._replace(failure=reason)
    found = training_step(ours, x, range(len(chosen)))
    if without := [name for name in found if name not in expected]:
        reason = f"`{without[0]}` gets a gradient in the spec, but none in the module"
        return proof._replace(failure=reason)
    compared = [(expected[name], tensor) for name, tensor in found.items()]
    return proof._replace(gradients=_agreement(compared))


# --- how far two sides agree ---


def _paired(theirs: Sequence[Tensor], ours: Sequence[Tensor]) -> dict[int, Pair]:
    """Return each output of the network behind the nearest of the module, by the index of that.

    Nothing is returned where one has a shape that none of the module has.
    """
    pairs = dict[int, Pair]()
    for output in ours:
        fitting = [
            i for i, each in enumerate(theirs) if i not in pairs and each.shape == output.shape
        ]
        if not fitting:
            return {}
        best = min(fitting, key=lambda i: _off(theirs[i], output))
        pairs[best] = theirs[best], output
    return pairs


def _agreement(pairs: Collection[Pair]) -> Agreement:
    """Return the largest difference of all pairs; infinity if there are none."""
    largest = max((float(a.abs().max()) for a, _ in pairs if a.numel()), default=0.0)
    return Agreement(max((_off(a, b, largest) for a, b in pairs), default=math.inf))


def _off(a: Tensor, b: Tensor, largest: float = 1.0) -> float:
    """Return the largest difference as a part of a value; infinity where there is no number."""
    if a.shape != b.shape:
        return math.inf
    if torch.equal(a, b):
        return 0.0
    off = float((a.double() - b.double()).abs().max()) / (largest or 1.0)
    return off if math.isfinite(off) else math.inf


def _bytes_of_a_step(network: Network) -> int:
    facts = Facts(network, Conditions(batch=BATCH))
    weights = 4 * (facts.total("params") + facts.total("buffers"))
    return 2 * 2 * weights + facts.total("saved_bytes")


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
