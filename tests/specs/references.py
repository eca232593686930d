"""The modules that others wrote, for the specs that claim to be the same network."""

from __future__ import annotations

from functools import cache
from typing import Any

import timm
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from resspec.opening import shipped_names
from tests.specs import families
from tests.specs.tensors import Tensor

TORCHVISION = {
    name: name.removeprefix("torchvision/")
    for name in shipped_names()
    if name.startswith("torchvision/")
}
SMALL = [spec for spec in TORCHVISION if spec in families.SMALL]
OTHERS = [spec for spec in TORCHVISION if spec in families.LARGER]
TIMM = {
    "se_resnet50": "seresnet50",
    "resnet50d": "resnet50d",
    "timm/resnet50_gn": "resnet50_gn",
    "timm/fasternet_t0": "fasternet_t0",
}


def torchvisions(spec: str, **other: Any) -> nn.Module:
    """Return torchvision's module of a spec with these settings, without auxiliary classifiers."""
    name = TORCHVISION[spec]
    has_auxiliary = name in ("googlenet", "inception_v3")
    settings = {"aux_logits": False, "init_weights": True} if has_auxiliary else {}
    module: nn.Module = torchvision.models.get_model(name, **settings, **other)
    return module


@cache
def reference(spec: str) -> nn.Module:
    """The reference of a spec on the meta device, in evaluation mode."""
    if spec in TIMM:
        with torch.device("meta"):
            module: nn.Module = timm.create_model(TIMM[spec])
    elif "regnet" in spec:  # works out its widths with torch, which meta tensors cannot do
        module = torchvisions(spec).to("meta")
    else:
        with torch.device("meta"):
            module = torchvisions(spec)
    return module.eval()


def same(spec: str, ours: list[Tensor], theirs: list[Tensor]) -> bool:
    """Return whether two states have the same tensors, in order if theirs is that of the layers."""
    if "convnext" in spec or "fasternet" in spec:  # whose constructors have an order of their own
        return sorted(ours) == sorted(theirs)
    return ours == theirs


def macs(module: nn.Module, side: int) -> int:
    """Return what torch itself counts for one picture of this side."""
    with FlopCounterMode(display=False) as counter:
        module(torch.empty(1, 3, side, side, device="meta"))
    return int(counter.get_total_flops()) // 2
