"""A network's ONNX file beside its module, as users run both."""

from __future__ import annotations

from typing import NamedTuple

import onnx
import torch
from onnxruntime import InferenceSession
from torch import nn

from resspec.backends.module import build
from resspec.backends.onnx import pieces_off, to_onnx
from resspec.ir.network import Network


class Off(NamedTuple):
    """The error of onnxruntime relative to the largest logit of torch.

    If it is above the `wanted` bound, `pieces` is the same for the parts from ReLU to ReLU.
    """

    error: float
    pieces: float | None = None


def off(network: Network, batches: tuple[int, ...] = (1, 3), wanted: float = 1e-4) -> Off:
    """After batch norms have seen data; the worst of some batches."""
    module = settled(network)
    content = to_onnx(network, lambda started: copy(module, started)).content
    onnx.checker.check_model(content, full_check=True)
    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["images"]
    worst, images = 0.0, torch.empty(0)
    for count in batches:
        images = torch.randn(count, *network.input.dims)
        (found,) = session.run(["logits"], {"images": images.numpy()})
        with torch.no_grad():
            logits = module(images)
        assert logits.isfinite().all() and logits.abs().max() > 0 and found.shape == logits.shape
        worst = max(
            worst, float((torch.from_numpy(found) - logits).abs().max() / logits.abs().max())
        )
    return Off(worst, None if worst < wanted else pieces_off(content, module, images))


def settled(network: Network) -> nn.Module:
    """A module whose running statistics are those of one batch."""
    torch.manual_seed(0)
    module = build(network)
    norms = [child for child in module.modules() if isinstance(child, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean of all batches seen
    with torch.no_grad():
        module.train()(torch.randn(4, *network.input.dims))
    return module.eval()


def copy(trained: nn.Module, started: nn.Module) -> None:
    started.load_state_dict(trained.state_dict(), strict=True)
