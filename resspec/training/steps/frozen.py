"""Sections of the network that are not trained, or with a learning rate of their own."""

from __future__ import annotations

from fractions import Fraction

from torch import nn

from resspec.ir.network import Network
from resspec.passes.section_layers import Owners
from resspec.training.recipe import Recipe
from resspec.training.steps import batch_norm


class Frozen:
    """The frozen parts of a module, in each step.

    Attributes:
        until: The step from which on everything is trained; None if there is none.
    """

    def __init__(
        self, module: nn.Module, network: Network, recipe: Recipe, epoch: Fraction
    ) -> None:
        config, owners = recipe.freeze, Owners(network)
        sections = config.sections if config else ()
        self.until = config.until.steps(epoch) if config and config.until else None
        self._parameters = [
            parameter
            for name, parameter in module.named_parameters()
            if owners.of(name).section in sections
        ]
        has_norms = config is not None and config.batch_norm == "eval"
        self._norms = [
            norm
            for name, norm in batch_norm.norms(module)
            if has_norms and owners.of(name).section in sections
        ]

    def is_over(self, step: int) -> bool:
        """Return whether everything is trained in a step."""
        return self.until is not None and step >= self.until

    def norms(self, step: int) -> list[nn.Module]:
        """Return the batch norms that use their running statistics in a step."""
        return [] if self.is_over(step) else self._norms

    def set(self, step: int) -> None:
        """Let exactly the parameters require a gradient that are trained in a step."""
        for parameter in self._parameters:
            parameter.requires_grad_(self.is_over(step))
            parameter.grad = None

    def train(self, module: nn.Module, step: int) -> None:
        """Set the module to training mode, except for the norms that are frozen in a step."""
        module.train()
        for norm in self.norms(step):
            norm.eval()


def lr_scales(module: nn.Module, network: Network, recipe: Recipe) -> dict[str, float]:
    """Return the factor of the learning rate of each parameter that is ever trained."""
    owners = Owners(network)
    found = {}
    for name, _ in module.named_parameters():
        section, layer = owners.of(name)
        above = owners.layers - 1 - layer
        if section not in recipe.never_trained:
            found[name] = (recipe.lr_scale or {}).get(section, 1.0) * recipe.layer_decay**above
    return found
