"""Weights from a file, to start from or to test: safetensors, or a `.pth` of which nothing but tensors is read."""

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

MOST = 20  # tensors of each kind that are told


@dataclass(frozen=True, eq=False)
class LoadedWeights:
    """Tensors by their names.

    Attributes:
        path: The file that they come from.
        tensors: By the names that a module has them by.
        digest: SHA-256 of the file.
        new_head: Whether those of the last layer may be of another size, and then start at random.
        metadata: What the file says of itself; see metadata.py.
    """

    path: Path
    tensors: dict[str, Tensor]
    digest: str
    new_head: bool = False
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        return {"sha256": self.digest, "new_head": self.new_head}

    def into(self, module: nn.Module, *, may_be_new: bool = True) -> None:
        """`may_be_new`: whether whoever asks can have a new head. Raises UsageError, which tells what does not fit."""
        module.load_state_dict(self.fitting(module, may_be_new=may_be_new), strict=False)

    def fitting(self, module: nn.Module, *, may_be_new: bool = True) -> dict[str, Tensor]:
        """What a module takes of them. Raises as `into` does."""
        wanted, head = module.state_dict(), _head(module)
        mine = {
            name: self.tensors[name]
            for name in (*wanted, *sorted(self.tensors))
            if name in self.tensors
        }
        found = compared(_tensors(mine, module), _tensors(wanted, module))
        free = head if self.new_head else ()
        if wrong := [
            tensor for tensor in found.others if tensor.name not in free or tensor.b is None
        ]:
            told = weights_sentences(found, "the file", "the network", MOST)
            only_head = may_be_new and {tensor.name for tensor in wrong} <= head
            message = "\n".join([f"the weights of {self.path} do not fit this network", *told])
            raise UsageError(message, "E0610", "new head" if only_head else None)
        fitting = {
            name: tensor
            for name, tensor in mine.items()
            if name in wanted and tensor.shape == wanted[name].shape
        }
        for name, tensor in fitting.items():
            if tensor.is_floating_point() != wanted[name].is_floating_point():
                types = f"{_type(tensor)}, the network's is {_type(wanted[name])}"
                raise UsageError(
                    f"the weights of {self.path} do not fit this network: `{name}` is {types}",
                    "E0610",
                )
        converted = [
            (name, self._as(name, tensor, wanted[name].dtype)) for name, tensor in fitting.items()
        ]
        if bad := first_non_finite(converted):
            raise UsageError(
                f"the weights of {self.path} are not usable: `{bad}` has values that are not finite",
                "E0610",
            )
        return dict(converted)

    def _as(self, name: str, tensor: Tensor, wanted: torch.dtype) -> Tensor:
        """Return a tensor in another type. Raises UsageError where torch cannot convert it."""
        try:
            return tensor.to(wanted)
        except (RuntimeError, NotImplementedError, TypeError):
            told = f"`{name}` is {_type(tensor)}, which torch cannot convert to the network's {_name(wanted)}"
            raise UsageError(
                f"the weights of {self.path} do not fit this network: {told}", "E0610"
            ) from None


def read(path: Path, *, new_head: bool = False) -> LoadedWeights:
    """Return the weights in a file. Raises UsageError where it holds none."""
    found = file.read(path)
    return LoadedWeights(
        path, found.tensors, sha256(found.content).hexdigest(), new_head, found.metadata
    )


def _type(tensor: Tensor) -> str:
    return _name(tensor.dtype)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _head(module: nn.Module) -> set[str]:
    """Names of the tensors of the last layer that has any."""
    names = list(module.state_dict())
    return {name for name in names if name.rpartition(".")[0] == names[-1].rpartition(".")[0]}


def _tensors(tensors: Mapping[str, Tensor], module: nn.Module) -> Tensors:
    """As the diff takes them, without the counters of batch norm, which old files lack."""
    buffers = dict(module.named_buffers())
    return {
        name: (tuple(tensor.shape), 0 if name in buffers else tensor.numel())
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    }
