"""Weights from a file, to start from or to test: safetensors, or a `.pth` of which nothing but tensors is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from resspec.backends.diff.sentences import weights_sentences
from resspec.backends.diff.weights import Tensors, compared
from resspec.diagnostics import UsageError
from resspec.train.guard import spoiled

MOST = 20  # tensors of each kind that are told
WRAPPERS = ("state_dict", "model", "module", "model_state_dict")  # under which others keep a module's tensors


@dataclass(frozen=True, eq=False)
class Given:
    """Tensors by their names; `new_head`: those of the last layer may be of another size, and then start at random."""

    path: Path
    tensors: dict[str, Tensor]
    digest: str
    new_head: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        return {"sha256": self.digest, "new_head": self.new_head}

    def into(self, module: nn.Module, *, may_be_new: bool = True) -> None:
        """`may_be_new`: whether whoever asks can have a new head. Raises UsageError, which tells what does not fit."""
        module.load_state_dict(self.fitting(module, may_be_new=may_be_new), strict=False)

    def fitting(self, module: nn.Module, *, may_be_new: bool = True) -> dict[str, Tensor]:
        """What a module takes of them. Raises as `into` does."""
        wanted, head = module.state_dict(), _head(module)
        mine = {name: self.tensors[name] for name in (*wanted, *sorted(self.tensors)) if name in self.tensors}
        found = compared(_tensors(mine, module), _tensors(wanted, module))
        free = head if self.new_head else ()
        if wrong := [tensor for tensor in found.others if tensor.name not in free or tensor.b is None]:
            told = weights_sentences(found, "the file", "the network", MOST)
            only_head = may_be_new and {tensor.name for tensor in wrong} <= head
            hint = ["with --new-head the last layer starts at random"] if only_head else []
            raise UsageError("\n".join([f"the weights of {self.path} do not fit this network", *told, *hint]), "E0610")
        fitting = {name: tensor for name, tensor in mine.items() if name in wanted and tensor.shape == wanted[name].shape}
        for name, tensor in fitting.items():
            if tensor.is_floating_point() != wanted[name].is_floating_point():
                types = f"{_type(tensor)}, the network's is {_type(wanted[name])}"
                raise UsageError(f"the weights of {self.path} do not fit this network: `{name}` is {types}", "E0610")
        if bad := spoiled((name, tensor.to(wanted[name].dtype)) for name, tensor in fitting.items()):
            raise UsageError(f"the weights of {self.path} are spoiled: `{bad}` is not finite throughout", "E0610")
        return fitting


def read(path: Path, *, new_head: bool = False) -> Given:
    """Raises UsageError."""
    try:
        content = path.read_bytes()
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            found: Any = load(content)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "E0611") from None
    except UnpicklingError:
        raise UsageError(f"{path} holds more than tensors; what is more is a program, and is not run", "E0611") from None
    except Exception as error:  # noqa: BLE001 (safetensors' and torch's readers raise what they like)
        why = next(iter(str(error).splitlines()), "it is empty, or cut short")
        raise UsageError(f"{path} holds no weights: {why}", "E0611") from None
    for name in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict) or not all(map(_is_named, found.items())) or not found:
        raise UsageError(f"{path} holds no weights: no table of tensors by name", "E0611")
    tensors = {_own(name): tensor for name, tensor in found.items()}
    return Given(path, tensors, sha256(content).hexdigest(), new_head)


def _is_named(pair: tuple[Any, Any]) -> bool:
    name, tensor = pair
    return isinstance(name, str) and isinstance(tensor, Tensor) and tensor.layout == torch.strided and not tensor.is_meta


def _own(name: str) -> str:
    """Without what torch.compile and a module of several devices put before it, in any order."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod").removeprefix("module.")


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _head(module: nn.Module) -> set[str]:
    """Names of the tensors of the last layer that has any."""
    names = list(module.state_dict())
    return {name for name in names if name.rpartition(".")[0] == names[-1].rpartition(".")[0]}


def _tensors(tensors: Mapping[str, Tensor], module: nn.Module) -> Tensors:
    """As the diff takes them, without the counters of batch norm, which old files lack."""
    buffers = dict(module.named_buffers())
    return {name: (tuple(tensor.shape), 0 if name in buffers else tensor.numel())
            for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
