"""Networks as files, each written by torch, and what comes back of them."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.importing import onnx, pt2
from resspec.importing.files.network import FileNetwork
from resspec.importing.files.tensors import StoredTensor
from resspec.importing.nest import network


def randomized(module: nn.Module) -> nn.Module:
    """The module in evaluation, with random parameters and statistics under which nothing is zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.dtype.is_floating_point:
                continue
            drawn = torch.rand(tensor.shape, generator=generator)
            if tensor.dim() > 1:
                tensor.copy_((drawn - 0.5) * (6 / max(1, tensor[0].numel())) ** 0.5)
            else:
                tensor.copy_(drawn * 0.2 + (name.endswith(("weight", "var"))))
    return module.eval()


def export(module: nn.Module, x: Tensor, path: Path, kind: str) -> None:
    """Write a module in one of the ways that torch has."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            _export(module, x, path, kind)
        finally:
            logging.disable(logging.NOTSET)


def _export(module: nn.Module, x: Tensor, path: Path, kind: str) -> None:
    match kind:
        case "pt2":
            torch.export.save(torch.export.export(module, (x,)), path)
        case "core.pt2":
            torch.export.save(torch.export.export(module, (x,)).run_decompositions(), path)
        case "new.onnx":
            torch.onnx.export(module, (x,), path, dynamo=True, verbose=False)
        case "plain.onnx":
            torch.onnx.export(module, (x,), path, dynamo=True, optimize=False, verbose=False)
        case "old.onnx":
            torch.onnx.export(module, (x,), path, dynamo=False)
        case "old-open.onnx":
            axes = {"x": {0: "batch"}}
            torch.onnx.export(
                module, (x,), path, dynamo=False, input_names=["x"], dynamic_axes=axes
            )
        case "unfused.onnx":
            mode = torch.onnx.TrainingMode.PRESERVE
            torch.onnx.export(
                module, (x,), path, dynamo=False, training=mode, do_constant_folding=False
            )


def read(path: Path) -> FileNetwork:
    return onnx.read(path) if path.suffix == ".onnx" else pt2.read(path)


def tensor_of(stored: StoredTensor) -> Tensor:
    flat = torch.frombuffer(bytearray(stored.content()), dtype=getattr(torch, stored.dtype))
    return flat.as_strided(stored.dims, stored.strides, stored.offset)


def module_of(found: FileNetwork) -> nn.Module:
    """The imported network with the weights of its file."""
    module = build(network(found.graph)).eval()
    counters = {name for name in module.state_dict() if name.endswith("num_batches_tracked")}
    weights = {name: tensor_of(stored) for name, stored in found.tensors.items()}
    assert weights.keys() | counters == module.state_dict().keys()
    module.load_state_dict(weights, strict=False)
    return module


def distance(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max().detach() / wanted.abs().max().detach())
