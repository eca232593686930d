"""Weights from a file, to start from or to test: safetensors, or a `.pth` of which nothing but tensors is read."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from resspec.diagnostics import UsageError

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

    def into(self, module: nn.Module) -> None:
        """Raises UsageError, which tells all that does not fit."""
        wanted = module.state_dict()
        shared = {name: tensor for name, tensor in self.tensors.items() if name in wanted}
        reshaped = [name for name in shared if shared[name].shape != wanted[name].shape]
        missing = [name for name in wanted if name not in shared and not name.endswith("num_batches_tracked")]
        strange = [name for name in self.tensors if name not in wanted]
        head = {name for name in wanted if name.rpartition(".")[0] == list(wanted)[-1].rpartition(".")[0]}
        if self.new_head:
            reshaped, missing = [name for name in reshaped if name not in head], [m for m in missing if m not in head]
            shared = {name: tensor for name, tensor in shared.items() if tensor.shape == wanted[name].shape}
        if reshaped or missing or strange:
            raise UsageError(self._misfit(wanted, reshaped, missing, strange, head), "E0610")
        module.load_state_dict(shared, strict=False)

    def _misfit(
        self, wanted: dict[str, Tensor], reshaped: list[str], missing: list[str], strange: list[str], head: set[str]
    ) -> str:
        lines = [f"the weights of {self.path} do not fit this network"]
        lines += [f"  {name:<40} {_shape(self.tensors[name]):>16}  the network has {_shape(wanted[name])}" for name in reshaped]
        lines += [f"  {name:<40} {_shape(wanted[name]):>16}  only the network has it" for name in missing]
        lines += [f"  {name:<40} {_shape(self.tensors[name]):>16}  only the file has it" for name in strange]
        if not missing and not strange and set(reshaped) <= head:
            lines.append("with --new-head the last layer starts at random")
        return "\n".join(lines)


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
        raise UsageError(f"{path} holds no weights: {str(error).splitlines()[0]}", "E0611") from None
    for name in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    if not isinstance(found, dict) or not all(isinstance(tensor, Tensor) for tensor in found.values()) or not found:
        raise UsageError(f"{path} holds no weights: no table of tensors by name", "E0611")
    tensors = {name.removeprefix("module."): tensor for name, tensor in found.items()}
    return Given(path, tensors, sha256(content).hexdigest(), new_head)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "1"
