"""Mistakes of shape mark the argument that causes them, wherever it is written."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from resspec.compiler import check
from resspec.diagnostics import Diagnostic
from resspec.ir.ops.layer import divisible

MARKED = {
    "conv 3x3, 64, groups=7": "groups=7",
    "conv 3x3, 60, groups=7": "groups=7",
    "upconv 2x2, 64, groups=7": "groups=7",
    "gn 7": "7",
    "gn eps=0.1, groups=7": "groups=7",
    "gn num_groups=7": "num_groups=7",
    "shuffle 7": "7",
    "chunk 7, 0": "7",
    "chunk 2, 5": "5",
    "chunk 2, part=5": "part=5",
    "slice 5, 3": "5",
    "slice 5, 99": "99",
    "pad_channels 5": "5",
    "conv 99x99, 8, padding=0": "99x99",
    "conv out_channels=8, padding=0, kernel_size=99x99": "kernel_size=99x99",
    "conv 3x3, 8, dilation=40, padding=0": "dilation=40",
    "maxpool 40x40, padding=0": "40x40",
    "maxpool 3x3, dilation=40, padding=0": "dilation=40",
    "maxpool 3x3, padding=2": "padding=2",
    "avgpool 3x3, to=3": "3x3",
    "avgpool to=3, /2": "/2",
    "avgpool /2": "/2",
    "avgpool to=3, padding=1": "padding=1",
    "upconv 2x2, 8, output_padding=1": "output_padding=1",
    "upconv 2x2, 8, /2, padding=40": "padding=40",
    "bn affine=false, scale=0": "scale=0",
    "bn scale=3x3": "scale=3x3",
}


def found(tmp_path: Path, text: str) -> Diagnostic:
    path = tmp_path / "marked.res"
    path.write_text(text, encoding="utf-8")
    (mistake,) = check(path)
    return mistake


@pytest.mark.parametrize("layer", MARKED)
def test_in_a_chain(layer: str, tmp_path: Path) -> None:
    text = f"network n {{ input 64x32x32; stem {layer}; head avgpool -> fc 2 }}"
    assert found(tmp_path, text).labels[0].span.text == MARKED[layer]


@pytest.mark.parametrize("layer", [layer for layer in MARKED if "scale" not in layer])
def test_through_a_replacement(layer: str, tmp_path: Path) -> None:
    text = f"network n {{ input 64x32x32; replace relu: {layer}; stem relu; head avgpool -> fc 2 }}"
    first, second = found(tmp_path, text).labels
    assert (first.span.text, second.span.text) == (MARKED[layer], "relu")


def test_in_a_block_that_gets_the_argument(tmp_path: Path) -> None:
    text = "block g(k) = conv 3x3, 64, groups=k\nnetwork n { input 64x32x32; stem g 7; head avgpool -> fc 2 }"
    assert found(tmp_path, text).labels[0].span.text == "groups=k"


@pytest.mark.parametrize("seed", range(40))
def test_all_that_is_listed_divides(seed: int) -> None:
    random = Random(seed)
    numbers = [
        random.choice(
            [random.randint(1, 400), 48 * random.randint(1, 99), 1 << random.randint(0, 20)]
        )
        for _ in "ab"
    ]
    near = random.randint(1, 70)
    said = divisible(near, *numbers[: random.randint(1, 2)])
    subject, listed = re.split(" (?:is|are both) divisible by ", said)
    of, divisors = (list(map(int, re.findall(r"\d+", part))) for part in (subject, listed))
    assert all(number % divisor == 0 for number in of for divisor in divisors)
    common = [each for each in range(1, min(of) + 1) if all(number % each == 0 for number in of)]
    nearest = min(common, key=lambda each: abs(each - near))
    assert divisors == sorted(divisors) and 1 <= len(divisors) <= 8
    assert nearest in divisors and (len(common) > 8 or divisors == common)
