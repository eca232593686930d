"""`resspec compile --fold`: the files of a folded network, and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from resspec.backends.module import build
from resspec.compiler import load
from tests.backends.test_source import execute
from tests.commands.typed import Captured, ran

pytestmark = pytest.mark.usefixtures("here")


def test_source_and_weights(capsys: Captured) -> None:
    network = load("digits")
    before = build(network).eval()
    save_file(before.state_dict(), "w.safetensors")
    _, err = ran("compile digits --fold --weights w.safetensors", capsys)
    assert "9 layers are folded" in err and "the outputs differ by" in err
    after = execute(Path("build/digits_folded.py").read_text())().eval()
    after.load_state_dict(load_file("build/digits_folded.safetensors"))
    x = torch.randn(4, *network.input.dims)
    torch.testing.assert_close(after(x), before(x), rtol=1e-4, atol=1e-4)
    document = json.loads(Path("build/digits_folded.folding.json").read_text())
    assert document["layers"]["conv1"] == ["conv1", "bn1"] and document["left"] == []


def test_what_is_left_is_named(capsys: Captured) -> None:
    _, err = ran("compile torchvision/densenet121 --fold", capsys)
    assert "62 batch norms are left" in err and "features.denseblock1.denselayer1.norm1" in err
    assert not list(Path("build").glob("*.safetensors"))


def test_a_stage_of_it(capsys: Captured) -> None:
    out, _ = ran("compile digits --fold --emit ir", capsys)
    assert "bn" not in out and "bias=true" in out
    _, err = ran("compile digits --fold --emit ast", capsys, 2)
    assert "leave out --fold" in err
