"""An expanded spec is formatted, says everything, means the same network, and is stable."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from resspec.backends.expand import expand
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.passes.measure import measure
from resspec.source import Source
from resspec.syntax.format import lay_out
from tests.random_specs import random_spec
from tests.specs.families import SMALL
from tests.specs.tensors import operations, tensors
from tests.texts import load_text, written


def agree(folder: Path, network: Network) -> None:
    """An expanded network is the same network, and expanding it gives the same text."""
    text = expand(network)
    path = written(folder, text)
    assert check(path) == []
    assert lay_out(Source(path.name, text)) == text
    again = load(path)
    assert fingerprint(again) == fingerprint(network)
    assert tensors(again) == tensors(network)
    assert measure(again) == measure(network)
    assert starts(again) == starts(network)
    assert expand(again) == text


def starts(network: Network) -> list[tuple[str, object]]:
    return [(name, op.init) for name, op in operations(network) if op.layer.parameters(op.input)]


@pytest.mark.parametrize("name", SMALL)
def test_an_expanded_shipped_network_has_the_same_hash(name: str, tmp_path: Path) -> None:
    agree(tmp_path, load(name))


@pytest.mark.parametrize("seed", range(30))
def test_an_expanded_random_network_has_the_same_hash(seed: int, tmp_path: Path) -> None:
    agree(tmp_path, load_text(tmp_path, random_spec(seed)))


@pytest.mark.parametrize("name", ["resnet20", "regnet_y_400mf"])
def test_the_expanded_text_is_exact(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"expand/{name}.res", expand(load(name)))


def test_arguments_by_position_come_before_those_by_name(tmp_path: Path) -> None:
    layers = "conv 1x1, 4 -> elu inplace=true, 0.5 -> leaky_relu inplace=false, 0.2"
    network = load_text(tmp_path, f"network n {{ input 3x8x8; head {layers} }}")
    text = expand(network)
    assert "elu 0.5, inplace=true" in text
    assert "leaky_relu 0.2, inplace=false" in text


def test_it_stands_alone() -> None:
    """No library, no template, no option, no default that is not shown."""
    text = expand(load("torchvision/resnet50"))
    assert not re.search(r"\b(use|let|shortcut|residual|stride|index|count)\b", text)
    convolutions = re.findall(r"\bconv \d.*", text)
    assert all(
        "padding=" in c and "groups=" in c and "bias=" in c and "dilation=" in c
        for c in convolutions
    )


CASES = {
    "shared scopes": "stem a.b: bn -> a.c: { bn -> relu }; stage a.d: bn -> own.x: bn -> relu -> own.y: bn; head a.e.f: bn",
    "shared in a block": "head sharing",
    "shared in a stage": "stage s: own.x: bn -> relu -> own.y: bn; stage s2.0..: bn -> own.x: bn -> relu -> own.y: bn",
    "runs": "stage s.7..: 3 x unit -> bn; stage t: u2..: 4 x bn; head v5..: 2 x { bn -> relu } -> bn",
    "a run of one": "stage s7..: unit; head t7..: bn",
    "names that end in digits": "head 12 x u2 -> relu6 -> relu6 -> 3 x relu6",
    "a block called like what another expands to": "head unit_1 -> unit -> unit -> part",
    "nothing": "stage s: 0 x bn; stage t: identity; head 0 x bn -> bn",
    "merges of merges": "head add { identity | mul { bn | { identity } } | add { identity | relu } }",
    "repeats of repeats": "head 2 x { bn -> 3 x { relu -> bn } }",
    "flattening": "stage s: fc 4 -> relu; head fc 3 -> fc 2",
    "rectangles": "head conv 3x1, 4, /1x2, padding=2x0 -> subsample /1 -> maxpool 2x3, /2x1, ceil=true -> avgpool to=1x2",
    "layouts": "head to_last -> ln affine=false -> linear 5, bias=false -> slice 1, 4 -> to_first -> chunk 3, 2",
    "numbers": "head dropout 1 / 3 -> bn eps=1e-12, momentum=1 / 7 -> layer_scale 123_456.789 -> drop_path 0",
    "laws of norms": "init bn: normal mean=-1 / 3, std=0.5; head bn -> bn scale=0 -> bn scale=1 -> bn scale=-2.5",
    "constants of norms": "init bn: constant value=2, bias=-1; init residual: zeros; head bn affine=false -> res -> bn scale=1",
    "laws": "init trunc_normal bias=default; init fc: default bias=1; head conv 3x3, 3 -> conv 1x1, 3, bias=true -> fc 3",
    "what grows from turn to turn": "stage s: 5 x dropping; head 3 x dropping -> dropping",
    "h before F": "head 2 x backwards",
    "replaced": "replace bn: gn groups=3; replace relu: identity; head unit -> relu -> res",
}  # fmt: skip
BLOCKS = """
block unit { conv 3x3, in -> bn }
block unit_1 { bn }
block part { x: { bn -> relu } }
block u2 { conv 1x1, in }
block sharing { own.a: bn -> relu -> own.b: { bn -> relu } -> own.c.d: bn }
block res { residual conv 3x3, in -> bn; shortcut identity; after relu }
block backwards { shortcut proj: C; residual conv 3x3, in -> bn }
block dropping { residual bn -> drop_path 0.1 * index / count; shortcut identity }
shortcut C { same: conv 1x1, out }
"""


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, tmp_path: Path) -> None:
    agree(
        tmp_path,
        load_text(tmp_path, f"{BLOCKS}\nnetwork unit_2 {{ input 3x12x12; {CASES[name]} }}"),
    )


def test_the_network_and_a_block_may_have_one_name(tmp_path: Path) -> None:
    """`unit` expands to a block `unit_1`, unless that is the network's name."""
    network = load_text(tmp_path, "block unit { bn }\nnetwork unit_1 { input 3x8x8; head unit }")
    agree(tmp_path, network)
