"""The modules that others wrote, for the specs that claim to be the same network."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from resspec.opening import shipped_names

GOLDEN = Path(__file__).parents[1] / "golden" / "specs"

TORCHVISION = {
    **{
        name: name.removeprefix("torchvision/")
        for name in shipped_names()
        if name.startswith("torchvision/")
    },
    **{name: name for name in ("densenet121", "mobilenet_v2", "regnet_y_400mf")},
    **{
        str(GOLDEN / f"{name}.res"): name
        for name in ("convnext_tiny", "efficientnet_b0", "mobilenet_v3_small")
    },
    str(GOLDEN / "shufflenet_v2.res"): "shufflenet_v2_x1_0",
}
TIMM = {
    "se_resnet50": "seresnet50",
    "resnet50d": "resnet50d",
    str(GOLDEN / "resnet50_gn.res"): "resnet50_gn",
    str(GOLDEN / "fasternet_t0.res"): "fasternet_t0",
}


@cache
def reference(spec: str) -> nn.Module:
    """The reference of a spec on the meta device, in evaluation mode."""
    if spec in TIMM:
        with torch.device("meta"):
            module: nn.Module = timm.create_model(TIMM[spec])
    elif "regnet" in spec:  # works out its widths with torch, which meta tensors cannot do
        module = torchvision.models.get_model(TORCHVISION[spec]).to("meta")
    else:
        with torch.device("meta"):
            module = torchvision.models.get_model(TORCHVISION[spec])
    return module.eval()


def macs(module: nn.Module) -> int:
    """What torch itself counts for one picture of ImageNet's size."""
    with FlopCounterMode(display=False) as counter:
        module(torch.empty(1, 3, 224, 224, device="meta"))
    return int(counter.get_total_flops()) // 2
