"""What a recipe minimises, and how many it tells right."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from resspec.training.recipe import Recipe


def loss(scores: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    """The mean over images of scores (Bxclasses) for targets (B, or shares of each class Bxclasses). `bce`, Wightman et al.
    2021: each class a question of its own, the answers smoothed where the recipe says so, the mean also over classes. Of mixed
    images each class whose share is above `bce_threshold` is there wholly."""
    if recipe.loss == "cross-entropy":
        return cross_entropy(scores.float(), targets, label_smoothing=recipe.label_smoothing)
    classes = scores.shape[1]
    shares = one_hot(targets, classes).float() if targets.ndim == 1 else targets
    if recipe.bce_threshold is not None:
        shares = (shares > recipe.bce_threshold).float()
    return binary_cross_entropy_with_logits(
        scores.float(), shares * (1 - recipe.label_smoothing) + recipe.label_smoothing / classes
    )


def hits(scores: Tensor, targets: Tensor) -> Tensor:
    """How many are told right, on the device; of mixed images, as what they are most."""
    return (scores.argmax(1) == (targets if targets.ndim == 1 else targets.argmax(1))).sum()
