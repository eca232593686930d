"""The blocks that a run computes again in its backward pass to stay within its recipe's memory."""

from __future__ import annotations

from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.passes.quantities import Facts
from resspec.passes.recomputation import (
    BudgetTooSmall,
    Recomputation,
    TrainingMemory,
    fits,
    recomputation,
)
from resspec.training.machine import conditions
from resspec.training.recipe import Recipe
from resspec.units import bytes_of

DTYPE_NAMES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
MEGABYTE = 10**6


def within_budget(
    network: Network, recipe: Recipe, images: int, precision: str
) -> Recomputation | None:
    """Return which blocks are computed again; None for a recipe without a budget.

    Args:
        network: The network.
        recipe: The recipe.
        images: The images that a process shows at a time.
        precision: The precision of the forward pass.

    Raises:
        UsageError: No choice of blocks stays within the budget.
    """
    if recipe.memory is None:
        return None
    try:
        memory = _memory(network, recipe, images, precision)
        return recomputation(network, bytes_of(recipe.memory), memory)
    except BudgetTooSmall as found:
        least = f"{-(-found.least // MEGABYTE)}MB"
        at_a_time = f"{images} image{'s' * (images > 1)} at a time"
        raise UsageError(
            f"`memory: {recipe.memory}` is too small: with {at_a_time}, training takes at least "
            f"{least}, whichever blocks are computed again; write `memory: {least}`, or use "
            "smaller images or batches",
            "E0609",
        ) from None


def largest_part(network: Network, recipe: Recipe, parts: list[int]) -> int:
    """Return the first of these numbers of images at a time that fits the budget in float32, or the
    last.
    """
    assert recipe.memory is not None
    budget = bytes_of(recipe.memory)
    for part in parts:
        if fits(network, budget, _memory(network, recipe, part, "fp32")):
            return part
    return parts[-1]


def _memory(network: Network, recipe: Recipe, images: int, precision: str) -> TrainingMemory:
    """Return the conditions of a step: what it keeps besides values are parameters, gradients, the
    optimizer's state, the moving average, and copies of the weights in half precision.
    """
    facts = Facts(network, conditions(recipe, 1))
    fixed = facts.total("training_bound_bytes") - facts.total("saved_bytes")
    if recipe.ema:
        fixed += 4 * (facts.total("params") + facts.total("buffers"))
    if precision != "fp32":
        fixed += 2 * facts.total("params")
    return TrainingMemory(images, DTYPE_NAMES[precision], fixed)
