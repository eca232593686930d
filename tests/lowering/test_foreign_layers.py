"""Layers that people know from elsewhere: each is answered by what there is here, never by "declare
it".
"""

from __future__ import annotations

from inspect import getmembers, isclass
from pathlib import Path

import pytest
from torch import nn
from torch.nn.modules import (
    activation,
    dropout,
    normalization,
    padding,
    pixelshuffle,
    pooling,
    upsampling,
)

from resspec.compiler import check
from resspec.ir.ops import OPS
from resspec.lowering import foreign_layers
from resspec.lowering.scope import BUILT_IN

MODULES = (activation, dropout, normalization, padding, pixelshuffle, pooling, upsampling)
OF_TORCH = sorted(
    name
    for module in MODULES
    for name, each in getmembers(module, isclass)
    if issubclass(each, nn.Module)
    and each.__module__ == module.__name__
    and not name.startswith("_")
)
OF_OTHERS = (
    "LeakyReLU Swish swish Mish Softmax Upsample Dense GlobalAveragePooling2D dwconv hswish".split()
)


def asked(name: str, tmp_path: Path) -> str:
    path = tmp_path / "asked.res"
    path.write_text(
        f"network asked {{ input 3x8x8; stem {name}; head avgpool -> fc 2 }}", encoding="utf-8"
    )
    (found,) = check(path)
    assert found.code == "E0201"
    return found.help or ""


@pytest.mark.parametrize("name", [*OF_TORCH, *OF_OTHERS])
def test_a_layer_of_another_library(name: str, tmp_path: Path) -> None:
    help = asked(name, tmp_path)
    assert "declare it" not in help and "subsample" not in help
    sentences = {*foreign_layers.INSTEAD.values(), foreign_layers.TWO_DIMENSIONS}
    assert any(f"`{layer}" in help for layer in OPS) or help in sentences


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("BatchNorm2d", "bn"),
        ("ConvTranspose2d", "upconv"),
        ("SiLU", "silu"),
        ("AdaptiveAvgPool2d", "avgpool"),
        ("swish", "silu"),
        ("dense", "fc"),
        ("stochastic_depth", "drop_path"),
        ("ChannelShuffle", "shuffle"),
    ],
)
def test_its_name_here(name: str, here: str, tmp_path: Path) -> None:
    assert asked(name, tmp_path).endswith(f"`{here}`?") or asked(name, tmp_path).endswith(
        f"`{here}`"
    )


def test_the_table_names_layers_and_takes_no_name_of_theirs() -> None:
    assert set(foreign_layers.NAMES.values()) <= set(OPS)
    assert BUILT_IN.isdisjoint(
        {*foreign_layers.NAMES, *foreign_layers.INSTEAD, *foreign_layers.MERGES}
    )
    assert set(foreign_layers.NAMES).isdisjoint(foreign_layers.INSTEAD)


def test_a_declared_block_of_such_a_name_wins(tmp_path: Path) -> None:
    """`lstm` is no layer of a convolutional network, and never will be."""
    path = tmp_path / "own.res"
    path.write_text(
        "block lstm = silu\nnetwork own { input 3x8x8; stem lstm; head avgpool -> fc 2 }",
        encoding="utf-8",
    )
    assert check(path) == []
    path.write_text(
        "block lstms = silu\nnetwork own { input 3x8x8; stem lstm; head avgpool -> fc 2 }",
        encoding="utf-8",
    )
    assert [each.help for each in check(path)] == ["did you mean `lstms`?"]
