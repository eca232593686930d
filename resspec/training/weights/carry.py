"""The weights of one network for another: layers by name, or renamed one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from resspec.backends.diff.sentences import weights_sentences
from resspec.backends.diff.steps import DiffStep, steps
from resspec.backends.diff.weights import Tensors, compared
from resspec.backends.module import build
from resspec.diagnostics import UsageError
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Op
from resspec.ir.ops.layer import tensor_name
from resspec.training.weights import MAX_NAMED, LoadedWeights

MOST_NAMED = 3  # layers that a sentence names


class Carried(NamedTuple):
    """Weights for another network.

    Attributes:
        tensors: All tensors of that network by name.
        sentences: What was renamed, left out, or adapted.
    """

    tensors: dict[str, Tensor]
    sentences: tuple[str, ...]


class _Layer(NamedTuple):
    """A layer that has tensors, and their full names by those in the layer."""

    name: str
    op: Op
    tensors: dict[str, str]


def carried(weights: LoadedWeights, a: Network, b: Network, *, seed: int = 0) -> Carried:
    """Return the weights of one network for another.

    Layers with the same name keep their tensors. If `b` has layers with new names, the remaining
    layers of `a` must match them one to one, in order, and are renamed; if not, layers that `b`
    lacks are left out. The channels of the first convolution, and the outputs of the last layer,
    are adapted as by `LoadedWeights.into`.

    Args:
        weights: The weights of `a`.
        a: The network that the weights are of.
        b: The other network.
        seed: The seed of the initial values of a new last layer.

    Raises:
        UsageError: The weights are not of `a`; or they cannot be carried without guessing.
    """
    before, after = list(_layers(a)), list(_layers(b))
    _check(weights, before, a)
    known = {layer.name for layer in before} & {layer.name for layer in after}
    gone = [layer for layer in before if layer.name not in known]
    new = [layer for layer in after if layer.name not in known]
    sentences = list[str]()
    tensors = {
        name: weights.tensors[name]
        for layer in before
        if layer.name in known
        for name in layer.tensors.values()
        if name in weights.tensors
    }
    if new:
        _check_renamed(gone, new, after[-1], weights, b)
        tensors |= _renamed(gone, new, weights.tensors)
        sentences.append(f"{_count(new)} renamed: {_pairs(gone, new)}")
    elif gone:
        names = ", ".join(layer.name for layer in gone[:MOST_NAMED])
        more = ", …" if len(gone) > MOST_NAMED else ""
        sentences.append(f"{_count(gone)} left out, which {b.name} lacks: {names}{more}")

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build(b)
    sentences += replace(weights, tensors=tensors).into(module, new_head=True)
    return Carried(dict(module.state_dict()), tuple(sentences))


def _layers(network: Network) -> Iterator[_Layer]:
    """Yield the layers of a network that have tensors, repeats written out."""
    for step in _named(steps(walk.whole(network))):
        op = step.node
        assert isinstance(op, Op)
        layer, full = op.layer, step.full_name
        names = {each: tensor_name(full, each) for each in layer.parameters(op.input)}
        names |= {each: f"{full}.{each}" for each in layer.buffers(op.input)}
        if names:
            yield _Layer(full, op, names)


def _named(row: Iterable[DiffStep]) -> Iterator[DiffStep]:
    for step in row:
        if not isinstance(step.node, Op):
            yield from _named(step.inside)
        elif step.name:
            yield step


def _check(weights: LoadedWeights, layers: Sequence[_Layer], network: Network) -> None:
    """Check that weights are those of a network."""
    own = {name: (tuple(tensor.shape), tensor.numel()) for name, tensor in weights.tensors.items()}
    found = compared(_counted(own), _counted(_shapes(layers)))
    if found.others:
        lines = weights_sentences(found, "the file", network.name, MAX_NAMED)
        first = f"the weights of {weights.path} are not those of {network.name}"
        raise UsageError("\n".join([first, *lines]), "E0610")


def _counted(tensors: Tensors) -> Tensors:
    """Return shapes without the counters of batch norm, which old files lack."""
    return {
        name: known for name, known in tensors.items() if not name.endswith("num_batches_tracked")
    }


def _shapes(layers: Iterable[_Layer]) -> Tensors:
    found: dict[str, tuple[tuple[int, ...], int]] = {}
    for _, op, names in layers:
        shapes = op.layer.parameters(op.input) | op.layer.buffers(op.input)
        found |= {names[name]: (shape, 0) for name, shape in shapes.items()}
    return found


def _check_renamed(
    gone: Sequence[_Layer],
    new: Sequence[_Layer],
    head: _Layer,
    weights: LoadedWeights,
    network: Network,
) -> None:
    """Check that layers with different names match one to one; the head may differ in outputs."""
    problem = f"the weights of {weights.path} cannot be carried to {network.name} without guessing"
    if not gone:
        names = ", ".join(layer.name for layer in new[:MOST_NAMED])
        are = "is" if len(new) == 1 else "are"
        pronoun = "it" if len(new) == 1 else "them"
        why = f"{names} {are} new, and no layer of the other network can become {pronoun}"
        raise UsageError(f"{problem}: {why}", "E0622")
    if len(gone) != len(new):
        layers = "1 layer" if len(gone) == 1 else f"{len(gone):,} layers"
        why = f"{layers} would have to be renamed to {len(new):,}; the numbers must be equal"
        raise UsageError(f"{problem}: {why}", "E0622")
    for old, other in zip(gone, new, strict=True):
        is_same = old.op.layer == other.op.layer
        if not is_same and not (other is head and old.op.kind == other.op.kind):
            raise UsageError(
                f"{problem}: {_described(old)} does not match {_described(other)}", "E0622"
            )


def _renamed(
    gone: Sequence[_Layer], new: Sequence[_Layer], tensors: dict[str, Tensor]
) -> dict[str, Tensor]:
    return {
        other.tensors[each]: tensors[name]
        for old, other in zip(gone, new, strict=True)
        for each, name in old.tensors.items()
        if name in tensors
    }


def _described(layer: _Layer) -> str:
    return f"`{layer.name}` ({layer.op.kind}, {layer.op.input} → {layer.op.output})"


def _count(layers: Sequence[_Layer]) -> str:
    return "1 layer is" if len(layers) == 1 else f"{len(layers):,} layers are"


def _pairs(gone: Sequence[_Layer], new: Sequence[_Layer]) -> str:
    pairs = [f"{old.name} → {other.name}" for old, other in zip(gone, new, strict=True)]
    return ", ".join(pairs[:MOST_NAMED]) + (", …" if len(pairs) > MOST_NAMED else "")
