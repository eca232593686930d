"""A network's ONNX file beside its module, as users run both."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import onnx
import torch
from onnxruntime import InferenceSession
from torch import nn

from resspec.backends.module import build
from resspec.backends.onnx import exactly_off, to_onnx
from resspec.ir.nodes import Network


class Off(NamedTuple):
    """How far onnxruntime is from torch, torch in float32 from torch in float64, and the graph in float64 from that; of the
    largest logit."""

    error: float
    rounding: float
    exact: float | None


def off(network: Network, batches: tuple[int, ...] = (1, 5), *, exactly: bool = False) -> Off:
    """After batch norms have seen data; the worst of some batches."""
    module = settled(network)
    content = to_onnx(network, lambda started: _copy(module, started)).content
    onnx.checker.check_model(content, full_check=True)
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["images"]
    worst, own = 0.0, 0.0
    for count in batches:
        images = torch.randn(count, *network.input.dims)
        (found,) = session.run(["logits"], {"images": images.numpy()})
        with torch.no_grad():
            wanted, exact = module(images), deepcopy(module).double()(images.double())
        assert wanted.isfinite().all() and wanted.abs().max() > 0 and found.shape == wanted.shape
        worst = max(worst, float((torch.from_numpy(found) - wanted).abs().max() / wanted.abs().max()))
        own = max(own, float((wanted - exact).abs().max() / exact.abs().max()))
    exact = exactly_off(content, module, torch.randn(2, *network.input.dims)) if exactly else None
    return Off(worst, own, exact)


def settled(network: Network) -> nn.Module:
    """A module whose running statistics are those of one batch."""
    torch.manual_seed(0)
    module = build(network)
    norms = [child for child in module.modules() if isinstance(child, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean of all batches seen
    with torch.no_grad():
        module.train()(torch.randn(8, *network.input.dims))
    return module.eval()


def _copy(trained: nn.Module, started: nn.Module) -> None:
    started.load_state_dict(trained.state_dict(), strict=True)
