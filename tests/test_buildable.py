"""What is accepted can be built, and what is refused cannot: against random specs that torch itself has run,
half of them on `meta`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from resspec.backends.module import build
from resspec.compiler import examine
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
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
        assert all(diagnostic.code[:3] in ("E03", "E02") for diagnostic in found.diagnostics), spec.text
        return False
    assert not found.diagnostics, f"{found.diagnostics[0]}\n{spec.text}"
    (network,) = found.networks
    assert shapes(network.body) == spec.trace, spec.text
    with torch.device(device), torch.no_grad():
        y = build(network)(torch.empty(2, *network.input.dims))
    assert tuple(y.shape[1:]) == network.output.dims, spec.text
    return True


def shapes(node: Node) -> list[tuple[int, ...]]:
    """After each layer that is written, each merge and each block, in the order in which they run."""
    match node:
        case Op(name=name):
            return [node.output.dims] * (name is not None and node.kind != "identity")
        case Series(children=children):
            return [shape for child in children for shape in shapes(child)]
        case Parallel(paths=paths):
            return [shape for path in paths for shape in shapes(path)] + [node.output.dims]
        case Repeat(count=count, body=body):
            return shapes(body) * count
        case Scope(body=body, block=block):
            return shapes(body) + [node.output.dims] * (block is not None)
