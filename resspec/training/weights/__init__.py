"""Weights from a file: safetensors, or a `.pth` file, of which only the tensors are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resspec.backends.diff.sentences import weights_sentences
from resspec.backends.diff.weights import Tensors, compared
from resspec.diagnostics import UsageError
from resspec.training.steps.guard import first_non_finite
from resspec.training.weights import file
from resspec.training.weights.adapt import adapted

MAX_NAMED = 20  # tensors of each kind


@dataclass(frozen=True, eq=False)
class LoadedWeights:
    """The weights in a file.

    Attributes:
        path: The file.
        tensors: The tensors by their names in a module.
        digest: SHA-256 of the file.
        metadata: The metadata of the file; see metadata.py.
    """

    path: Path
    tensors: dict[str, Tensor]
    digest: str
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """The weights as `run.json` records them."""
        return {"sha256": self.digest}

    def into(self, module: nn.Module, *, new_head: bool = False) -> tuple[str, ...]:
        """Load the weights into a module, and return sentences about what was adapted.

        Args:
            module: The module.
            new_head: Whether the last layer may have a different number of outputs, and then keeps
                its initial values.

        Raises:
            UsageError: They do not fit; the message lists the tensors.
        """
        fitting, sentences = self.fitting(module, new_head=new_head)
        module.load_state_dict(fitting, strict=False)
        return sentences

    def telling(self, tell: Callable[[str], None]) -> Callable[[nn.Module], None]:
        """Return a function that loads the weights into a module, and reports what was adapted."""

        def load(module: nn.Module) -> None:
            for sentence in self.into(module):
                tell(sentence)

        return load

    def fitting(
        self, module: nn.Module, *, new_head: bool = False
    ) -> tuple[dict[str, Tensor], tuple[str, ...]]:
        """Return the tensors that a module takes, in its types, and what was adapted.

        Raises UsageError as `into` does.
        """
        wanted = module.state_dict()
        found = adapted(self.tensors, module, new_head=new_head)
        tensors = {**self.tensors, **found.tensors}
        self._check_shapes(tensors, found.fresh, module)
        fitting: dict[str, Tensor] = {}
        for name, own in wanted.items():
            tensor = tensors.get(name)
            if tensor is not None and name not in found.fresh:
                fitting[name] = self._as(name, tensor, own.dtype)
        if bad := first_non_finite(fitting.items()):
            why = f"`{bad}` has values that are not finite"
            raise UsageError(f"the weights of {self.path} are not usable: {why}", "E0610")
        return fitting, found.sentences

    def _check_shapes(
        self, tensors: dict[str, Tensor], fresh: Collection[str], module: nn.Module
    ) -> None:
        wanted = module.state_dict()
        names = [name for name in wanted if name in tensors]
        names += sorted(tensors.keys() - wanted.keys())
        own = {name: tensors[name] for name in names}
        found = compared(_tensors(own, module), _tensors(wanted, module))
        if all(each.name in fresh and each.b is not None for each in found.others):
            return
        lines = weights_sentences(found, "the file", "the network", MAX_NAMED)
        message = "\n".join([f"the weights of {self.path} do not fit this network", *lines])
        raise UsageError(message, "E0610")

    def _as(self, name: str, tensor: Tensor, wanted: torch.dtype) -> Tensor:
        """Return a tensor in another type; raise a UsageError where that is not possible."""
        problem = f"the weights of {self.path} do not fit this network: `{name}` is {_type(tensor)}"
        own = str(wanted).removeprefix("torch.")
        if tensor.is_floating_point() != wanted.is_floating_point:
            raise UsageError(f"{problem}, the network's is {own}", "E0610")
        try:
            return tensor.to(wanted)
        except (RuntimeError, NotImplementedError, TypeError):
            why = f"which torch cannot convert to the network's {own}"
            raise UsageError(f"{problem}, {why}", "E0610") from None


def read(path: Path) -> LoadedWeights:
    """Return the weights in a file; raise a UsageError if it has none."""
    found = file.read(path)
    return LoadedWeights(path, found.tensors, sha256(found.content).hexdigest(), found.metadata)


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _tensors(tensors: Mapping[str, Tensor], module: nn.Module) -> Tensors:
    """Return the shapes for a diff, without the counters of batch norm, which old files lack."""
    buffers = dict(module.named_buffers())
    return {
        name: (tuple(tensor.shape), 0 if name in buffers else tensor.numel())
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    }
