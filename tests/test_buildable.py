"""What is accepted can be built, and what is refused cannot.

Compared with random specs that torch has run, half of them on `meta`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from resspec.backends.module import build
from resspec.compiler import examine
from resspec.ir import walk
from resspec.ir.nodes import Located, Op, Parallel, Repeat
from tests import buildable
from tests.texts import written

PARTS, EACH = 10, 20


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_accepted_is_what_torch_builds(part: int, tmp_path: Path) -> None:
    wrong = [agrees(seed, tmp_path) for seed in range(part * EACH, (part + 1) * EACH)].count(False)
    assert EACH // 5 < wrong < EACH - EACH // 5  # about half


def agrees(seed: int, folder: Path) -> bool:
    """Whether a spec can be built, on which resspec and torch agree, as on every shape."""
    device = "meta" if seed % 2 else "cpu"
    spec = buildable.spec(seed, device)
    found = examine(written(folder, spec.text))
    if spec.trace is None:
        assert found.diagnostics, spec.text
        assert all(diagnostic.code[:3] in ("E03", "E02") for diagnostic in found.diagnostics), (
            spec.text
        )
        return False
    assert not found.diagnostics, f"{found.diagnostics[0]}\n{spec.text}"
    (network,) = found.networks
    assert shapes(walk.whole(network)) == spec.trace, spec.text
    with buildable.on(device):
        y = build(network)(torch.empty(2, *network.input.dims))
    assert tuple(y.shape[1:]) == network.output.dims, spec.text
    return True


def shapes(located: Located) -> list[tuple[int, ...]]:
    """Return the shapes after each layer, merge and block, in the order in which they run."""
    node = located.node
    inside = [shape for part in located.parts for shape in shapes(part)]
    match node:
        case Op(layer=layer):
            return [node.output.dims] * (located.name is not None and layer.kind != "identity")
        case Parallel():
            return [*inside, node.output.dims]
        case Repeat(count=count):
            return inside * count
        case _:
            return inside + [node.output.dims] * (located.block is not None)


empty, SIDE = torch.empty, 1 << 24
MEASURED = f"{SIDE}x{SIDE}"
WIDE: dict[
    str, tuple[int, str, str, Callable[[int], object]]
] = {  # the largest number that fits; a spec, and torch, with one
    "input": (8191, "relu", f"NUMBERx{MEASURED}", lambda n: empty(1, n, SIDE, SIDE)),
    "output": (
        8191,
        f"avgpool to={MEASURED}",
        "NUMBERx8x8",
        lambda n: nn.AdaptiveAvgPool2d(SIDE)(empty(1, n, 8, 8)),
    ),
    "doubled": (
        28,
        "NUMBER x up",
        "3x2x2",
        lambda n: nn.Sequential(*n * [nn.ConvTranspose2d(3, 3, 2, 2)])(empty(1, 3, 2, 2)),
    ),
    "indices": (
        4095,
        "maxpool 3x3, /1",
        f"NUMBERx{MEASURED}",
        lambda n: nn.MaxPool2d(3, 1, 1)(empty(1, n, SIDE, SIDE)),
    ),
    "merge": (
        4095,
        "concat { identity | relu }",
        f"NUMBERx{MEASURED}",
        lambda n: torch.cat([empty(1, n, SIDE, SIDE)] * 2, 1),
    ),
    "weight": (
        8191,
        f"conv {MEASURED}, NUMBER, padding=0",
        f"1x{MEASURED}",
        lambda n: nn.Conv2d(1, n, SIDE),
    ),
    "flattened": (
        8191,
        "identity -> fc NUMBER",
        f"1x{MEASURED}",
        lambda n: nn.Linear(SIDE * SIDE, n),
    ),
}


@pytest.mark.parametrize("name", WIDE)
def test_what_is_too_large_for_torch_is_refused_and_no_less(name: str, tmp_path: Path) -> None:
    most, stem, entered, made = WIDE[name]
    text = f"block up = upconv 2x2, 3, /2, padding=0\nnetwork n {{ input {entered}; stem {stem}; head flatten -> slice 0, 1 }}"
    with torch.device("meta"), torch.no_grad():
        (network,) = examine(written(tmp_path, text.replace("NUMBER", str(most)))).networks
        build(network)(torch.empty(1, *network.input.dims))
        made(most)
        with pytest.raises(RuntimeError, match="overflowed"):
            made(most + 1)
    found = examine(written(tmp_path, text.replace("NUMBER", str(most + 1)))).diagnostics
    assert [diagnostic.code for diagnostic in found] == ["E0316"]
