"""ONNX files compute what the module computes; what has no operator is named at its place."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import onnx
import pytest
import torch
from onnxruntime import InferenceSession
from safetensors.torch import save_file

from resspec import cli
from resspec.backends.onnx import pieces_off
from resspec.backends.onnx import to_onnx as exported
from resspec.compiler import check, compile_spec, load, to_onnx
from resspec.diagnostics import SpecError
from resspec.render import render
from tests.backends.onnx_runs import copy, off, settled
from tests.backends.onnx_windows import random_pool, spec
from tests.texts import written

MANY = """
block mixed(width) {
    residual gn 4 -> gelu -> conv 3x3, width, groups=4, bias=true -> shuffle 2 -> bn -> hardswish -> drop_path 0.5
    shortcut identity
}
block squeeze(width) { residual avgpool to=1 -> conv 1x1, width -> sigmoid; shortcut identity; merge mul }
network many {
    input 3x19x17
    stem conv 5x5, 16, /2 -> bn -> relu6 -> maxpool 3x3, /2, ceil=true
    stage a: 2 x mixed 16
    stage b: upconv 2x2, 16, /2 -> pad_channels 24 -> subsample /2 -> silu
    head avgpool -> dropout 0.5 -> fc 7
}
"""
PREACT = "use he2016\nnetwork small = cifar n=1, F=two_layers, option=A"


SIZES = """
network sizes {
    input 3x9x8
    stem conv 3x3, 8 -> leaky_relu 0.2 -> elu -> pad 1, 2, 0, 1 -> conv 3x3, 8 -> mish -> prelu num_parameters=8
    stage a: pad 1, 1, 2, 1, mode=reflect -> tanh -> upsample 2 -> softplus -> pad 0, 1, 0, 1, mode=replicate
    stage b: upsample size=12x10, mode=bilinear -> relu -> square -> scale 0.5 -> gain 2, shape=C -> own.bias: shift 0.1
    stage c: pixel_unshuffle 2 -> softmax parts=4 -> mul { identity | avgpool -> channel_conv 3 -> sigmoid } -> pixel_shuffle 2 -> pad 0, 1, 0, 1, mode=lowest -> maxpool 3x3, /2, padding=0
    stage c1: std_conv 3x3, 8 -> scaled_std_conv 3x3, 8, padding=same
    stage c2: conv 3x3, 8, /2, padding=same -> maxpool 2x2, padding=same -> avgpool 3x3, /2, padding=same
    stage c3: blurpool 3 -> rms_norm -> simple_norm -> evonorm_s0 4 -> grn -> lrn 3 -> gn 2, bias=false -> ln2d bias=false
    stage c4: mul { identity | context_pool -> rms_norm } -> to_last -> grn -> rms_norm affine=false -> to_first
    stage d: upsample 2, mode=bilinear, align_corners=true
    head avgpool -> fc 7
}
"""


@pytest.mark.parametrize("text", [MANY, PREACT, SIZES], ids=["many", "preact", "sizes"])
def test_other_layers(text: str, tmp_path: Path) -> None:
    spec = tmp_path / "net.res"
    spec.write_text(text, encoding="utf-8")
    assert off(load(spec)).error < 1e-5


def test_outputs_have_their_names(tmp_path: Path) -> None:
    network = load(written(tmp_path, MANY), output="a b")
    module = settled(network)
    content = exported(network, lambda started: copy(module, started)).content
    session = InferenceSession(content)
    assert [each.name for each in session.get_outputs()] == ["a", "b"]
    images = torch.randn(3, *network.input.dims)
    with torch.no_grad():
        wanted = module(images)
    values = session.run(["b", "a"], {"images": images.numpy()})
    for name, value in zip("ba", values, strict=True):
        assert torch.allclose(torch.from_numpy(value), wanted[name], atol=1e-5)


POOLS = {  # by the size of the image: one export is slow, so that they stand side by side in one
    (8, 8): [
        "maxpool 1x1, /2, ceil=true",
        "maxpool 3x3, /3, padding=1, ceil=true",
        "maxpool 3x3, /2, ceil=true",
        "avgpool 1x1, /2, ceil=true",
        "avgpool 3x3, /2, ceil=true",
        "avgpool 3x3, /2, ceil=true, count_padding=false",
    ],
    (9, 10): ["maxpool 2x2, /3", "maxpool 3x3, /2, padding=0, ceil=true"],
    (9, 9): ["maxpool 2x2, /3, ceil=true"],
    (4, 9): ["maxpool 2x4, /4, padding=0x1, ceil=true, dilation=1x3"],
    (12, 10): ["avgpool 5x3, /3x5, padding=2x0, ceil=true"],
    (8, 9): ["avgpool 2x2, /3x4, padding=1x0, ceil=true"],
}


@pytest.mark.parametrize("size", POOLS, ids=str)
def test_pools_are_exact(size: tuple[int, int], tmp_path: Path) -> None:
    """Also where torch drops a window that ONNX's formula keeps."""
    path = tmp_path / "pools.res"
    path.write_text(spec(POOLS[size], size), encoding="utf-8")
    assert off(load(path)).error < 1e-5


@pytest.mark.parametrize("seed", range(2))  # the campaign takes 600
def test_random_pools_are_exact(seed: int, tmp_path: Path) -> None:
    assert_pool_is_exact(seed, tmp_path)


def assert_pool_is_exact(seed: int, folder: Path) -> None:
    pool, size = random_pool(Random(seed))
    path = folder / "pool.res"
    path.write_text(spec([pool], size), encoding="utf-8")
    if {each.code for each in check(path)} == {"E0303"}:  # the window is larger than the image
        return
    assert off(load(path)).error < 1e-5


def test_the_command_exports_trained_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    module = settled(load("digits"))
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    arguments = [
        "--target",
        "onnx",
        "--weights",
        str(tmp_path / "weights.safetensors"),
        "--out",
        str(tmp_path),
    ]
    assert cli.run(["compile", "digits", *arguments]) == 0
    out, err = capsys.readouterr()
    assert (
        "77,754" in out
        and "onnxruntime agrees with torch to" in err
        and f"wrote {tmp_path}/digits.onnx" in err
    )
    model = onnx.load(tmp_path / "digits.onnx")
    assert [
        axis.dim_param or axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim
    ][1:] == [1, 8, 8]
    images = torch.randn(7, 1, 8, 8)
    (found,) = InferenceSession(tmp_path / "digits.onnx").run(None, {"images": images.numpy()})
    assert torch.allclose(torch.from_numpy(found), module(images), atol=1e-5)
    assert {path.name for path in tmp_path.iterdir()} == {
        "digits.onnx",
        "digits.report.json",
        "weights.safetensors",
    }


def test_where_rounding_grows_it_is_told_piece_by_piece(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At initialisation the plain network of 56 layers makes 1e-3 of a rounding of 1e-7."""
    module = settled(load("plain56"))
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    arguments = [
        "--target",
        "onnx",
        "--weights",
        str(tmp_path / "weights.safetensors"),
        "--out",
        str(tmp_path),
    ]
    assert cli.run(["compile", "plain56", *arguments]) == 0
    assert "given what torch has there, they agree to" in capsys.readouterr().err
    content, images = (tmp_path / "plain56.onnx").read_bytes(), torch.randn(2, 3, 32, 32)
    assert pieces_off(content, module, images) < 1e-5
    assert pieces_off(_damaged(content, "Relu"), module, images) == float("inf")
    assert pieces_off(_damaged(content, "Conv"), module, images) > 1e-2


def _damaged(content: bytes, operator: str) -> bytes:
    """The last such step does nothing, or what it does with the weights of the one before."""
    model = onnx.load_from_string(content)
    *_, before, last = [node for node in model.graph.node if node.op_type == operator]
    if len(last.input) > 1:
        last.input[1] = before.input[1]
    else:
        last.op_type = "Identity"
    return bytes(model.SerializeToString())


def test_what_has_no_operator_is_told_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1] / "diagnostics" / "onnx")
    with pytest.raises(SpecError) as caught:
        to_onnx(compile_spec("E0401-maxpool.res"))
    assert "\n".join(map(render, caught.value.diagnostics)) == Path("E0401-maxpool.txt").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits", "--weights", "w.pth"], "--weights needs --target onnx, or --fold"),
        (["digits", "--target", "onnx", "--emit", "ir"], "--emit prints"),
        (["digits", "--target", "onnx", "--weights", "w.pth"], "cannot read w.pth"),
    ],
)
def test_refusals(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["compile", *arguments, "--out", str(tmp_path / "build")]) == 2
    assert words in capsys.readouterr().err and not (tmp_path / "build").exists()


def test_weights_that_no_file_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Told before anything is built: they would not fit into memory either."""
    spec = tmp_path / "wide.res"
    spec.write_text(
        "network n { input 3x8x8; stem conv 3x3, 100_000 -> conv 3x3, 100_000; head avgpool }",
        encoding="utf-8",
    )
    assert (
        cli.run(["compile", str(spec), "--target", "onnx", "--out", str(tmp_path / "build")]) == 2
    )
    assert "the weights of n take 360 GB" in capsys.readouterr().err


def test_without_onnx(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert cli.run(["compile", "digits", "--target", "onnx", "--out", str(tmp_path)]) == 2
    assert "pip install 'resspec[onnx]'" in capsys.readouterr().err
