"""The blocks of the library timm equal timm's own layers bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from timm.layers.eca import EcaModule
from timm.layers.gather_excite import GatherExcite
from timm.layers.global_context import GlobalContext
from timm.layers.selective_kernel import SelectiveKernel
from timm.layers.split_attn import SplitAttn
from timm.layers.squeeze_excite import EffectiveSEModule, SEModule
from torch import nn

from resspec.backends.module import build
from resspec.compiler import load
from tests.specs.test_timm import drawn

BLOCKS: dict[str, Callable[[], nn.Module]] = {
    "se 4": lambda: SEModule(32, rd_channels=4),
    "effective_se": lambda: EffectiveSEModule(32),
    "gather_excite": lambda: GatherExcite(32, extra_params=False, use_mlp=False),
    "eca 5": lambda: EcaModule(kernel_size=5),
    "global_context": lambda: GlobalContext(32, fuse_add=False, fuse_scale=True),
    "split_attention 32, 16": lambda: SplitAttn(32, rd_channels=8, norm_layer=nn.BatchNorm2d),
    "selective_kernel 32, 16": lambda: SelectiveKernel(32, 32, rd_channels=16),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_timms_layer(block: str, tmp_path: Path) -> None:
    path = tmp_path / "net.res"
    path.write_text(
        f"use timm\nnetwork net {{ input 32x9x8; stem own: {block} }}", encoding="utf-8"
    )
    ours, theirs = build(load(path)), nn.ModuleDict({"own": BLOCKS[block]()})
    drawn(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 32, 9, 8)
    assert torch.equal(ours.eval()(x), theirs.eval()["own"](x))
