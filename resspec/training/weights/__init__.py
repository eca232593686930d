"""Weights from a file: safetensors, or a `.pth` file, of which only the tensors are read."""

from __future__ import annotations

from collections.abc import Mapping
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

MAX_NAMED = 20  # tensors of each kind


@dataclass(frozen=True, eq=False)
class LoadedWeights:
    """The weights in a file.

    Attributes:
        path: The file.
        tensors: The tensors by their names in a module.
        digest: SHA-256 of the file.
        new_head: Whether the last layer may have another size, and is then initialized at random.
        metadata: The metadata of the file; see metadata.py.
    """

    path: Path
    tensors: dict[str, Tensor]
    digest: str
    new_head: bool = False
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """The weights as `run.json` records them."""
        return {"sha256": self.digest, "new_head": self.new_head}

    def into(self, module: nn.Module, *, may_be_new: bool = True) -> None:
        """Load the weights into a module.

        Args:
            module: The module.
            may_be_new: Whether the user may choose a new head, which an error then suggests.

        Raises:
            UsageError: They do not fit; the message lists the tensors.
        """
        module.load_state_dict(self.fitting(module, may_be_new=may_be_new), strict=False)

    def fitting(self, module: nn.Module, *, may_be_new: bool = True) -> dict[str, Tensor]:
        """Return the tensors that a module takes, in its types; raise as `into` does."""
        wanted = module.state_dict()
        self._check_shapes(module, may_be_new)
        fitting: dict[str, Tensor] = {}
        for name, own in wanted.items():
            tensor = self.tensors.get(name)
            if tensor is not None and tensor.shape == own.shape:
                fitting[name] = self._as(name, tensor, own.dtype)
        if bad := first_non_finite(fitting.items()):
            why = f"`{bad}` has values that are not finite"
            raise UsageError(f"the weights of {self.path} are not usable: {why}", "E0610")
        return fitting

    def _check_shapes(self, module: nn.Module, may_be_new: bool) -> None:
        wanted, head = module.state_dict(), _head(module)
        names = [name for name in wanted if name in self.tensors]
        names += sorted(self.tensors.keys() - wanted.keys())
        own = {name: self.tensors[name] for name in names}
        found = compared(_tensors(own, module), _tensors(wanted, module))
        free = head if self.new_head else ()
        wrong = [each for each in found.others if each.name not in free or each.b is None]
        if not wrong:
            return
        lines = weights_sentences(found, "the file", "the network", MAX_NAMED)
        only_head = may_be_new and {each.name for each in wrong} <= head
        message = "\n".join([f"the weights of {self.path} do not fit this network", *lines])
        raise UsageError(message, "E0610", "new head" if only_head else None)

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


def read(path: Path, *, new_head: bool = False) -> LoadedWeights:
    """Return the weights in a file; raise a UsageError if it has none."""
    found = file.read(path)
    return LoadedWeights(
        path, found.tensors, sha256(found.content).hexdigest(), new_head, found.metadata
    )


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _head(module: nn.Module) -> set[str]:
    """Return the names of the tensors of the last layer that has any."""
    names = list(module.state_dict())
    last = names[-1].rpartition(".")[0]
    return {name for name in names if name.rpartition(".")[0] == last}


def _tensors(tensors: Mapping[str, Tensor], module: nn.Module) -> Tensors:
    """Return the shapes for a diff, without the counters of batch norm, which old files lack."""
    buffers = dict(module.named_buffers())
    return {
        name: (tuple(tensor.shape), 0 if name in buffers else tensor.numel())
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    }
