"""A difference in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.backends.diff.values import DiffValues
from resspec.backends.diff.weights import Tensor, Weights


def verdict(diff: DiffValues) -> str:
    if diff.same:
        return "the same network: equal hashes"
    if diff.a.totals == diff.b.totals and all(pair.same for pair in diff.pairs):
        return "different networks with equal figures"
    return "different networks"


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
    for word, tensors in (
        ("reshaped", weights.reshaped),
        ("vanished", weights.vanished),
        ("appeared", weights.appeared),
    ):
        if tensors:
            listed = ", ".join(map(_named, tensors[:most])) + (", …" if len(tensors) > most else "")
            yield f"  {len(tensors):,} {word}: {listed}"


def _named(tensor: Tensor) -> str:
    if tensor.a is None or tensor.b is None:
        return tensor.name
    return f"{tensor.name} {shape(tensor.a)} → {shape(tensor.b)}"


def shape(dims: tuple[int, ...]) -> str:
    return "x".join(map(str, dims)) or "scalar"
