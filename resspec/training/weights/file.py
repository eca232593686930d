"""Tensors by name from a file of any origin: safetensors, or the tensors of a torch.save file.

Any other content is described in one sentence.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from torch import Tensor

from resspec import files
from resspec.diagnostics import UsageError
from resspec.training.weights.header import metadata_of
from resspec.units import size_of

# Keys under which other trainers keep the tensors of a module.
WRAPPERS = ("state_dict", "model", "module", "model_state_dict")
BOMB = 20  # torch does not compress: no checkpoint unpacks to so many times its size


class Found(NamedTuple):
    """The content of a file: its tensors, its metadata, and its bytes."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    content: bytes


class _Unfit(Exception):
    """A file that does not contain tensors by name; the text says why."""


def read(path: Path) -> Found:
    """Return the tensors in a file by their names in a module.

    Raises:
        UsageError: There is no such file, or it contains something else.
    """
    content = _content(path)
    try:
        if _is_safetensors(content):
            found, told = _of_safetensors(content), metadata_of(content)
        else:
            found, told = _of_torch(content), {}
        return Found(_named(_unwrapped(found)), told, content)
    except _Unfit as why:
        raise UsageError(f"cannot read weights from {path}: {why}", "E0611") from None


def _content(path: Path) -> bytes:
    try:
        return files.whole(path)
    except UsageError as error:
        raise UsageError(str(error), "E0611") from None


def _is_safetensors(content: bytes) -> bool:
    """Return whether a file begins with the length of a header, and its opening brace."""
    length = int.from_bytes(content[:8], "little")
    return content[8:9] == b"{" and length < 1 << 40


def _of_safetensors(content: bytes) -> Any:
    from safetensors.torch import load

    length = int.from_bytes(content[:8], "little")
    if 8 + length > len(content):
        raise _Unfit(f"its header of {length:,} bytes is longer than the file")
    try:
        return load(content)
    except Exception as error:  # noqa: BLE001 (the reader raises anything)
        raise _Unfit(_first_line(error)) from None


def _of_torch(content: bytes) -> Any:
    if not content:
        raise _Unfit("it is empty")
    if content.startswith(b"PK"):
        _check_archive(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if more := re.search(
            r"Unsupported (?:global|class|operand)[^\n]*?([A-Za-z_][\w]*(?:\.\w+)+)", str(error)
        ):
            told = f"it contains {more[1]} besides tensors, and loading that could run code"
            raise _Unfit(f"{told}; save `module.state_dict()` alone") from None
        raise _Unfit("it is neither a safetensors file nor one written by torch.save") from None
    except Exception as error:  # noqa: BLE001 (the reader raises what it likes)
        raise _Unfit(_first_line(error)) from None


def _check_archive(content: bytes) -> None:
    """Check that a ZIP archive is one that torch.save wrote, before all of it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise _Unfit("it is a damaged or incomplete ZIP archive") from None
    if any(entry.filename.endswith("/constants.pkl") for entry in entries):
        raise _Unfit("it is a TorchScript archive; save the module's `state_dict()` instead")
    if not any(entry.filename.endswith("data.pkl") for entry in entries):
        raise _Unfit("it is a ZIP archive, but torch.save did not write it")
    size = sum(entry.file_size for entry in entries)
    if size > BOMB * len(content):
        packed = size_of(len(content))
        why = f"it would unpack to {size_of(size)}, far more than a checkpoint of {packed} can hold"
        raise _Unfit(why)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or "it is damaged or incomplete"


def _unwrapped(found: Any) -> Any:
    """Return the tensors of a module from a checkpoint of another trainer."""
    for name in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    return found


def _named(found: Any) -> dict[str, Tensor]:
    """Return tensors by their own names; raise _Unfit if there is anything else."""
    if not isinstance(found, Mapping):
        raise _Unfit(f"it contains {_kind(found)} instead of a dict of tensors")
    if not found:
        raise _Unfit("it contains no tensors")
    tensors: dict[str, Tensor] = {}
    for name, tensor in found.items():
        if not isinstance(name, str):
            raise _Unfit(f"the name {name!r} of a tensor is not a string"[:200])
        if not isinstance(tensor, Tensor):
            raise _Unfit(f"`{name}` in it is {_kind(tensor)}, not a tensor")
        if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
            raise _Unfit(f"`{name}` in it is {_form(tensor)}, not a dense tensor of numbers")
        own = _own(name)
        if own in tensors:
            raise _Unfit(
                f"two tensors in it are called `{own}` once prefixes such as `module.` are removed"
            )
        tensors[own] = tensor
    return tensors


def _kind(value: Any) -> str:
    word = type(value).__name__
    return f"an {word}" if word[0] in "aeiouAEIOU" else f"a {word}"


def _form(tensor: Tensor) -> str:
    if tensor.is_quantized:
        return "quantized"
    if tensor.is_meta:
        return "without values (meta)"
    return f"of the layout {str(tensor.layout).removeprefix('torch.')}"


def _own(name: str) -> str:
    """Return a name without the prefixes of torch.compile and of DataParallel, in any order."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod").removeprefix("module.")
