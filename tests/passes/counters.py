"""The tools that `resspec report --like` stands in for: what each says of a module."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from resspec.ir.network import Network
from resspec.passes.like import like
from tests.specs.references import reference


def _tool(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what their own imports use
        return import_module(name)


def _fvcore(module: nn.Module, x: Tensor) -> int:
    analysis = _tool("fvcore.nn").FlopCountAnalysis(module, x)
    return int(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())


def _torchinfo(module: nn.Module, x: Tensor) -> int:
    return int(_tool("torchinfo").summary(module, input_data=x, verbose=0).total_mult_adds)


def _ptflops(module: nn.Module, x: Tensor) -> int:
    macs, _ = _tool("ptflops").get_model_complexity_info(
        module, tuple(x.shape[1:]), print_per_layer_stat=False, as_strings=False
    )
    return int(macs)


def _thop(module: nn.Module, x: Tensor) -> int:
    macs, _ = _tool("thop").profile(module, (x,), verbose=False)
    return int(macs)


def _deepspeed(module: nn.Module, x: Tensor) -> int:
    profiler = _tool("deepspeed.profiling.flops_profiler")
    flops, _, _ = profiler.get_model_profile(
        module, args=[x], print_profile=False, as_string=False, warm_up=0
    )
    return int(flops)


def _torch(module: nn.Module, x: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        module(x)
    return int(counter.get_total_flops())


COUNTERS: dict[str, Callable[[nn.Module, Tensor], int]] = {
    "torch": _torch,
    "fvcore": _fvcore,
    "torchinfo": _torchinfo,
    "ptflops": _ptflops,
    "thop": _thop,
    "deepspeed": _deepspeed,
}


def counted(tool: str, module: nn.Module, size: tuple[int, ...]) -> int:
    """What a tool says of one sample of so many channels, rows and columns."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a trace warns of every shape that Python reads
        return COUNTERS[tool](module.eval(), torch.zeros(1, *size))


def disagreements(network: Network, module: nn.Module) -> list[str]:
    """Where our total of a network differs from what a tool says of a module; empty where none
    does.
    """
    rows = [
        (tool, like(network, tool).total, counted(tool, module, network.input.dims))
        for tool in COUNTERS
    ]
    return [f"{tool}: ours {ours:,}, its own {its:,}" for tool, ours, its in rows if ours != its]


def torchvisions_own(spec: str) -> nn.Module:
    """In memory, its weights whatever lies there."""
    return deepcopy(reference(spec)).to_empty(device="cpu")
