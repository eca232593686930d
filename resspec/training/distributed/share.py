"""Shares of a batch over processes: even, and never cut through images that belong together."""

from __future__ import annotations

from math import lcm

from resspec.diagnostics import UsageError
from resspec.training.data.mix import group_size
from resspec.training.recipe import Recipe


def share(recipe: Recipe, world: int) -> int:
    """Return how many images of a batch each of `world` processes takes.

    Raises:
        UsageError: The batch cannot be divided so.
    """
    found, rest = divmod(recipe.batch_size, world)
    whole = {"which batch norm reads at a time": recipe.bn_batch_size or 1}
    if world > 1:
        whole["which are mixed with one another"] = group_size(recipe.data)
    unit = lcm(*whole.values())
    if rest or found % unit:
        parts = " and ".join(f"parts of {size}, {why}," for why, size in whole.items() if size > 1)
        into = f"into {parts} " if parts else ""
        batch = f"the batch of {recipe.batch_size}"
        problem = f"{batch} does not divide {into}over {world} processes"
        raise UsageError(f"{problem}; use a multiple of {unit * world}", "E0517")
    shown = found if recipe.micro_batch_size == "auto" else min(recipe.micro_batch_size, found)
    if found % shown:
        step = recipe.bn_batch_size or 1
        divisors = [size for size in range(2, shown) if not found % size and not size % step]
        better = max(divisors, default="auto")  # never 1: batch norm may have no statistics of it
        images = f"a process's {found} images of a batch"
        problem = f"{images} do not divide into micro-batches of {shown}"
        raise UsageError(f"{problem}; use `micro_batch_size: {better}`", "E0517")
    return found
