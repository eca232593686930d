"""Blocks inside themselves: followed where they end, refused at one place where they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from resspec.backends.expand import expand
from resspec.backends.module import build
from resspec.backends.source import emit
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from tests.limits import soon

LEVEL = (
    "block level(width, inner) { conv 3x3, width -> inside: inner -> conv 3x3, width -> relu }\n"
)
UNET = """
block unet(n, width) {
    conv 3x3, width -> bn -> relu
    -> (1 - 1 // (n + 1)) x add { identity | maxpool 2x2, /2 -> deeper: unet n - 1, 2 * width -> upconv 2x2, width, /2 }
}
"""
HALVE = "block halve { (in // 32) x { conv 1x1, 16 -> again: halve } -> relu }\n"
RESIDUAL = "block u(n) { residual conv 1x1, in -> bn -> n x again: u n - 1; shortcut identity; after relu }\n"


def level(name: str, inner: str, again: str) -> str:
    """One level of UNET, as a block of its own."""
    text = UNET.replace("unet n", f"{inner} n").replace("block unet", f"block {name}")
    return text.replace("(1 - 1 // (n + 1)) x add", f"{again} x add")


FINITE = {  # a recursion and its first step, and the same network with every level declared
    "with another argument": (
        LEVEL + "block deep = level 8, relu",
        "x: level 4, deep",
        LEVEL + LEVEL.replace("level", "lower") + "block deep = lower 8, relu",
        "x: level 4, deep",
    ),
    "until an argument is 0": (
        UNET,
        "x: unet 2, 4",
        level("a", "b", "1")
        + level("b", "c", "1")
        + "block c(n, width) { conv 3x3, width -> bn -> relu }",
        "x: a 2, 4",
    ),
    "until few channels come in": (
        HALVE,
        "conv 1x1, 32 -> x: halve",
        "block h { conv 1x1, 16 -> again: g -> relu }\nblock g { relu }",
        "conv 1x1, 32 -> x: h",
    ),
    "in residual blocks": (
        RESIDUAL,
        "x: u 1",
        RESIDUAL.replace("again: u", "again: v")
        + "block v(n) { residual conv 1x1, in -> bn; shortcut identity; after relu }",
        "x: u 1",
    ),
}
ENDLESS = {
    "as it was called": ("block a { relu -> a }", "a"),
    "with the argument it had": ("block a(n) { conv 1x1, n -> a n }", "a 4"),
    "counting down beyond 0": ("block a(n) { relu -> a n - 1 }", "a 3"),
    "growing": ("block a(n) { conv 1x1, n -> a n + 1 }", "a 3"),
    "twice": ("block a(n) { a 2 * n -> a 2 * n + 1 }", "a 1"),
    "through another": ("block a(n) { b n + 1 }\nblock b(n) { a n + 1 }", "a 1"),
    "handed over": ("block a(f, n) { f f, n + 1 }", "a a, 1"),
    "in a residual": ("block a(n) { residual bn -> a n + 1; shortcut identity }", "a 1"),
    "in a shortcut": ("shortcut S { same: a }\nblock a { residual bn; shortcut S }", "a"),
}
OPEN = {  # whose end depends on what a caller gives
    "a parameter": "block a(n) { relu -> n x a n - 1 }",
    "the channels": "block a { conv 1x1, in // 2 -> (in // 8) x a }",
    "a block handed over": "block a(f, n) { n x f f, n - 1 }",
}


def loaded(folder: Path, declared: str, step: str) -> Network:
    path = folder / "r.res"
    path.write_text(
        f"{declared}\nnetwork r {{ input 3x16x16; stem {step}; head avgpool -> fc 3 }}",
        encoding="utf-8",
    )
    return load(path)


@pytest.mark.parametrize("name", FINITE)
def test_what_ends_is_what_its_levels_are(name: str, tmp_path: Path) -> None:
    inside, step, apart, first = FINITE[name]
    network = loaded(tmp_path, inside, step)
    assert fingerprint(network) == fingerprint(loaded(tmp_path, apart, first))

    path = tmp_path / "expanded.res"
    path.write_text(expand(network), encoding="utf-8")
    assert fingerprint(load(path)) == fingerprint(network)


@pytest.mark.parametrize("name", FINITE)
def test_its_source_computes_what_its_module_does(name: str, tmp_path: Path) -> None:
    network = loaded(tmp_path, *FINITE[name][:2])
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(emit(network), "<emitted>", "exec"), names)
    module, twin = build(network).eval(), names["r"]().eval()
    twin.load_state_dict(module.state_dict(), strict=True)
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(module(x), twin(x))


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_refused_at_one_place(name: str, tmp_path: Path) -> None:
    declared, step = ENDLESS[name]
    path = tmp_path / "endless.res"
    path.write_text(
        f"{declared}\nnetwork r {{ input 3x16x16; stem {step}; head avgpool -> fc 3 }}",
        encoding="utf-8",
    )
    with soon(seconds=2):
        assert [each.code for each in check(path)] == ["E0219"]


@pytest.mark.parametrize(
    "name", [name for name in ENDLESS if name not in ("handed over", "in a shortcut")]
)
def test_what_never_ends_is_refused_in_a_library_too(name: str, tmp_path: Path) -> None:
    path = tmp_path / "library.res"
    path.write_text(ENDLESS[name][0], encoding="utf-8")
    assert {each.code for each in check(path)} == {"E0219"}


@pytest.mark.parametrize("name", OPEN)
def test_what_may_end_is_no_mistake_of_a_library(name: str, tmp_path: Path) -> None:
    path = tmp_path / "library.res"
    path.write_text(OPEN[name], encoding="utf-8")
    assert check(path) == []
