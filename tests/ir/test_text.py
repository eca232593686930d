"""The stable text form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.ir.json import from_json, to_json
from tests.random_specs import random_spec
from tests.texts import load_text


@pytest.mark.parametrize("name", ["resnet20", "densenet121", "mobilenet_v2"])
def test_text(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"ir/{name}.txt", f"{load(name)}\n")


def test_every_node_and_what_varies(tmp_path: Path) -> None:
    text = """
        block unit { residual conv 3x3, in -> bn scale=0 -> drop_path 0.1 * index; shortcut identity }
        network n { input 4x8x8; init conv: kaiming_normal; stage s: 3 x unit; head concat { identity | relu } -> fc 2 }
    """
    assert (
        f"{load_text(tmp_path, text)}\n"
        == """\
network n: 4x8x8 -> 2
  stage s
    s: -> 4x8x8
      3 x -> 4x8x8
        {0+1}: (unit) -> 4x8x8
          add residual=0 -> 4x8x8
          |
            conv1: conv kernel_size=3x3 out_channels=4 stride=1x1 padding=1x1 dilation=1x1 groups=1 bias=false \
init=(kaiming_normal mode=fan_in nonlinearity=relu bias=0) -> 4x8x8
            bn1: bn eps=1/100000 momentum=1/10 affine=true track_running_stats=true init=(constant value=0 bias=0) -> 4x8x8
            drop_path1: drop_path p={0+1/10} -> 4x8x8
          |
            (identity) -> 4x8x8
  head head
    concat -> 8x8x8
    |
      (identity) -> 4x8x8
    |
      relu1: relu -> 4x8x8
    (implied): flatten -> 512
    fc: fc out_features=2 bias=true -> 2
"""
    )


@pytest.mark.parametrize("seed", range(10))
def test_it_does_not_depend_on_where_a_network_came_from(tmp_path: Path, seed: int) -> None:
    network = load_text(tmp_path, random_spec(seed))
    assert str(from_json(to_json(network))) == str(network)
