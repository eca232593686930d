"""The loss of a recipe, and the number of correct predictions."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from resspec.training.recipe import Recipe


def loss(scores: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    """Return the mean loss over images.

    With `loss: bce` (Wightman et al. 2021) each class is a question of its own, and the mean is
    also taken over classes. With `bce_threshold`, each class of a mixed image with a larger share
    has the target 1.

    Args:
        scores: Scores, batch x classes.
        targets: Class indices, or shares of each class, batch x classes.
        recipe: The recipe.
    """
    if recipe.loss == "cross-entropy":
        return cross_entropy(scores.float(), targets, label_smoothing=recipe.label_smoothing)
    classes = scores.shape[1]
    shares = one_hot(targets, classes).float() if targets.ndim == 1 else targets
    if recipe.bce_threshold is not None:
        shares = (shares > recipe.bce_threshold).float()
    smoothing = recipe.label_smoothing
    smooth = shares * (1 - smoothing) + smoothing / classes
    return binary_cross_entropy_with_logits(scores.float(), smooth)


def hits(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the number of correct top-1 predictions, on the device.

    A mixed target counts as its largest class.
    """
    classes = targets if targets.ndim == 1 else targets.argmax(1)
    return (scores.argmax(1) == classes).sum()
