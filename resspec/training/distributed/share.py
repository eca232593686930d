"""How a batch is cut over processes: evenly, and never through images that belong together."""

from __future__ import annotations

from math import lcm

from resspec.diagnostics import UsageError
from resspec.training.data.mix import group_size
from resspec.training.recipe import Recipe


def share(recipe: Recipe, world: int) -> int:
    """Images of a step that each of `world` processes shows. Raises UsageError where the batch cannot be cut so."""
    found, rest = divmod(recipe.batch_size, world)
    whole = {"which batch norm reads at a time": recipe.bn_batch_size or 1}
    if world > 1:
        whole["which are mixed with one another"] = group_size(recipe.data)
    unit = lcm(*whole.values())
    if rest or found % unit:
        parts = " and ".join(f"parts of {size}, {why}," for why, size in whole.items() if size > 1)
        told = f"the batch of {recipe.batch_size} does not divide {f'into {parts} ' if parts else ''}over {world} processes"
        raise UsageError(f"{told}; use a multiple of {unit * world}", "E0517")
    shown = found if recipe.micro_batch_size == "auto" else min(recipe.micro_batch_size, found)
    if found % shown:
        divisors = [
            count
            for count in range(2, shown)
            if not found % count and not count % (recipe.bn_batch_size or 1)
        ]
        better = max(
            divisors, default="auto"
        )  # never 1, of which batch norm may have no statistics
        told = f"a process's {found} images of a batch do not divide into micro-batches of {shown}; use `micro_batch_size: {better}`"
        raise UsageError(told, "E0517")
    return found
