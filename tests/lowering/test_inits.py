"""`init` by section, by kind, and for all layers with weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from resspec.backends.expand import expand
from resspec.backends.module import build
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.nodes import Op
from tests.specs.tensors import operations

BLOCK = "block unit { conv 3x3, 4 -> bn }\n"
SECTIONS = "stem unit; stage a: unit; head unit -> conv 1x1, 4 -> fc 2"


def starts(tmp_path: Path, *clauses: str) -> list[str]:
    """Return how each layer starts, in order; 'torch' for torch's own."""
    path = tmp_path / "n.res"
    path.write_text(f"{BLOCK}network n {{ input 3x8x8; {SECTIONS}; {'; '.join(clauses)} }}")
    network = load(path)
    (tmp_path / "expanded.res").write_text(expand(network))
    again = load(tmp_path / "expanded.res")
    assert fingerprint(again) == fingerprint(network)
    return [_start(op) for _, op in operations(network) if op.layer.weighted or op.init]


def _start(op: Op) -> str:
    return op.init.law if op.init else "torch"


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        (["init head: normal"], "torch torch normal normal normal"),
        (["init head: normal", "init conv: uniform"], "uniform uniform normal normal normal"),
        (["init stem: normal", "init conv: uniform"], "normal uniform uniform uniform torch"),
        (["init stem: normal", "init head: uniform"], "normal torch uniform uniform uniform"),
        (["init head: default", "init conv: normal"], "normal normal torch torch torch"),
        (
            ["init normal", "init stem: uniform", "init fc: ones"],
            "uniform normal normal normal constant",
        ),
    ],
)
def test_the_law_of_a_section_wins(tmp_path: Path, clauses: list[str], expected: str) -> None:
    assert starts(tmp_path, *clauses) == expected.split()


def test_norms_start_by_their_kind_in_a_section_with_its_own_law(tmp_path: Path) -> None:
    bn = "init bn: normal mean=1"
    assert starts(tmp_path, "init head: uniform", bn) == (
        "torch normal torch normal uniform normal uniform uniform".split()
    )


def test_the_module_starts_so(tmp_path: Path) -> None:
    starts(tmp_path, "init conv: constant value=2", "init head: constant value=3")
    state = build(load(tmp_path / "n.res")).state_dict()
    assert torch.equal(state["unit1.conv1.weight"], torch.full((4, 3, 3, 3), 2.0))
    assert torch.equal(state["fc.weight"], torch.full_like(state["fc.weight"], 3))


def test_a_derived_network_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.res"
    path.write_text("network mine = squeezenet1_1 classes=10 { init head: zeros }")
    last = [op for _, op in operations(load(path)) if op.layer.weighted][-1]
    assert str(last.init) == "constant value=0 bias=0"


def test_a_misspelled_section(tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(f"{BLOCK}network n {{ input 3x8x8; {SECTIONS}; init haed: zeros }}")
    (mistake,) = check(path)
    assert mistake.code == "E0228"
    assert "`head`" in str(mistake)
