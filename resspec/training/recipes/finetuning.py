"""The keys of a recipe that treat sections of the network differently."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from resspec.training.recipes.kinds import Lasting, NotNegative, RecipeSection

Sections = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="a list of sections of the network, such as `[stem, layer1]`",
    ),
]
Scales = Annotated[
    dict[str, NotNegative],
    Field(description="a factor for each section, such as `{stem: 0.1, layer1: 0.1}`"),
]


class FreezeConfig(RecipeSection):
    """Sections of the network that are not trained until `until`, or never.

    With `batch_norm: eval` their batch norms use their running statistics and leave them as they
    are; with `train` they normalize by the batch, and the statistics follow.
    """

    sections: Sections
    until: Lasting | None = None
    batch_norm: Literal["eval", "train"] = "eval"
