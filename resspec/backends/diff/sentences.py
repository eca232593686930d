"""A difference in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.backends.diff.values import DiffValues
from resspec.backends.diff.weights import Tensor, Weights


def verdict(diff: DiffValues) -> str:
    """Return whether two networks are the same."""
    if diff.same:
        return "the same network: equal hashes"
    if diff.structure and diff.structure.only_order:
        return "the same network up to the order of operands"
    if diff.a.totals == diff.b.totals and all(pair.same for pair in diff.pairs):
        return "different networks with equal figures"
    return "different networks"


def outputs_change(diff: DiffValues) -> str:
    """Return both lists of outputs where two saved reports have different ones, or nothing."""
    a, b = (", ".join(output.name for output in side.outputs) for side in (diff.a, diff.b))
    return f"outputs {a or 'none'} → {b or 'none'}" if diff.structure is None and a != b else ""


def change(a: int, b: int) -> tuple[str, str, str, str]:
    """Return both exact values, b - a, and the same in percent of a."""
    return f"{a:,}", f"{b:,}", f"{b - a:+,}", f"{(b - a) / a:+.2%}" if a else ""


def weights_sentences(
    weights: Weights, a: str = "a checkpoint of a", b: str = "b", most: int = 3
) -> Iterator[str]:
    """Yield whether a checkpoint of one network loads into the other, and which tensors do not."""
    kept, whole = weights.kept, weights.b
    amount = f"{kept.tensors:,} of {whole.tensors:,} tensors"
    share = f"{amount}, {kept.params:,} of {whole.params:,} parameters"
    match weights.loads:
        case "strictly":
            everything = f"all {whole.tensors:,} tensors, {whole.params:,} parameters"
            yield f"{a} loads into {b} strictly: {everything}"
        case _ if not kept.tensors:
            yield f"nothing in {a} fits {b}: no tensor has the same name and shape"
            return
        case "in part":
            yield f"{a} loads into {b} in part (strict=False): {share}"
        case _:
            yield f"{a} loads into {b} only without its reshaped tensors: {share}"
    for word in ("reshaped", "vanished", "appeared"):
        tensors = getattr(weights, word)
        if tensors:
            listed = ", ".join(map(_named, tensors[:most]))
            more = ", …" if len(tensors) > most else ""
            yield f"  {len(tensors):,} {word}: {listed}{more}"


def _named(tensor: Tensor) -> str:
    if tensor.a is None or tensor.b is None:
        return tensor.name
    return f"{tensor.name} {shape(tensor.a)} → {shape(tensor.b)}"


def shape(dims: tuple[int, ...]) -> str:
    return "x".join(map(str, dims)) or "scalar"
