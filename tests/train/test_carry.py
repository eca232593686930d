"""Weights of other channels, classes and names, against timm."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file
from timm.models import adapt_input_conv

from resspec import cli
from resspec.backends.module import build
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.training import weights
from resspec.training.weights.adapt import with_channels
from resspec.training.weights.carry import carried
from tests.texts import written

SPEC = """
block unit(width) { residual conv 3x3, width, /stride -> bn; shortcut; after relu }
shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }
network a(classes=5, channels=3) {
    input channels, 8x8
    shortcut B
    stem conv 3x3, 4 -> bn -> relu
    stage layer1: unit 4 -> unit 8, /2
    stage layer2: unit 8
    head avgpool -> fc classes
}
network renamed = a { stage layer1: identity; stem first: { conv 3x3, 4 -> bn -> relu } -> blocks: { unit 4 -> unit 8, /2 } }
network shorter = a { stage layer2: identity }
network longer = a { stage layer2: 2 x unit 8 }
network wider = a { stage layer2: unit 16 }
network normed = a { replace bn: gn groups=2 }
network other = a { stem conv 5x5, 4 -> bn -> relu }
network swapped = renamed { stem first: { conv 3x3, 4 -> bn -> relu } -> blocks: { unit 8, /2 -> unit 4 } }
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path, SPEC)


@pytest.fixture
def read(path: Path) -> weights.LoadedWeights:
    torch.manual_seed(0)
    torch.save(build(load(path, network="a")).state_dict(), path.parent / "a.pth")
    return weights.read(path.parent / "a.pth")


@pytest.mark.parametrize("have", [1, 3, 4])
@pytest.mark.parametrize("need", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_channels_are_adapted_as_by_timm(have: int, need: int, dtype: torch.dtype) -> None:
    weight = torch.randn(8, have, 3, 3).to(dtype)
    if have != need:
        theirs = adapt_input_conv(need, weight.clone(), base_chans=have)
        assert torch.equal(with_channels(weight, need), theirs)


def test_a_network_of_one_channel_sees_gray_as_the_other_sees_rgb(
    path: Path, read: weights.LoadedWeights
) -> None:
    a, gray = load(path, network="a"), load(path, network="a", channels=1)
    module, other = build(a).eval(), build(gray).eval()
    read.into(module)
    assert read.into(other) == ("`conv1.weight` reads 1 channel, not 3: its weights are summed",)
    x = torch.rand(2, 1, 8, 8)
    assert torch.allclose(module(x.expand(-1, 3, -1, -1)), other(x), atol=1e-5)


def test_layers_of_other_names_are_renamed(path: Path, read: weights.LoadedWeights) -> None:
    a, renamed = load(path, network="a"), load(path, network="renamed")
    found = carried(read, a, renamed)
    assert found.sentences == (
        "8 layers are renamed: conv1 → first.0, bn1 → first.1, layer1.0.conv1 → blocks.0.conv1, …",
    )
    x = torch.rand(2, 3, 8, 8)
    module, other = build(a).eval(), build(renamed).eval()
    module.load_state_dict(read.tensors)
    other.load_state_dict(found.tensors)
    assert torch.equal(module(x), other(x))


def test_layers_that_are_gone_are_left_out(path: Path, read: weights.LoadedWeights) -> None:
    found = carried(read, load(path, network="a"), load(path, network="shorter"))
    assert found.sentences == (
        "2 layers are left out, which shorter lacks: layer2.conv1, layer2.bn1",
    )
    assert all(torch.equal(tensor, read.tensors[name]) for name, tensor in found.tensors.items())


@pytest.mark.parametrize("name", ["longer", "wider", "normed", "other", "swapped"])
def test_a_guess_is_refused(path: Path, read: weights.LoadedWeights, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        carried(read, load(path, network="a"), load(path, network=name))
    assert caught.value.code in ("E0610", "E0622")


def test_weights_of_another_network_are_refused(path: Path, read: weights.LoadedWeights) -> None:
    other: Network = load(path, network="wider")
    with pytest.raises(UsageError, match="are not those of wider"):
        carried(read, other, other)


def test_the_command(
    path: Path,
    read: weights.LoadedWeights,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["carry", "a.pth", "--from", f"{path}:a", "--to", f"{path}:a", "-o", "b.safetensors"]
    assert cli.run([*command, "--set", "classes=7", "--set", "channels=4"]) == 0
    assert capsys.readouterr().err == (
        "`conv1.weight` reads 4 channels, not 3: its weights are repeated, and scaled by 3/4\n"
        "`fc` has 7 outputs, not 5: it is initialized at random\n"
        "wrote b.safetensors\n"
    )
    once = load_file("b.safetensors")
    module = build(load(path, network="a", classes=7, channels=4))
    module.load_state_dict(once)
    assert torch.equal(once["layer2.conv1.weight"], read.tensors["layer2.conv1.weight"])
    assert cli.run([*command, "--set", "classes=7", "--set", "channels=4"]) == 0
    assert all(
        torch.equal(tensor, once[name]) for name, tensor in load_file("b.safetensors").items()
    )
    assert cli.run(["carry", "a.pth", "--from", "resnet18", "--to", "resnet18", "-o", "b.pth"]) == 2


def test_a_convolution_that_does_not_read_the_image_is_not_adapted(tmp_path: Path) -> None:
    text = "network n(k=4) { input 3x8x8; stem relu -> conv 1x1, k -> conv 3x3, 4; head fc 2 }"
    path = written(tmp_path, text)
    torch.save(build(load(path)).state_dict(), tmp_path / "n.pth")
    with pytest.raises(UsageError, match=r"conv2\.weight 4x4x3x3 → 4x5x3x3"):
        weights.read(tmp_path / "n.pth").into(build(load(path, k=5)), new_head=True)


def test_timm_starts_from_the_same_weights() -> None:
    theirs = timm.create_model("resnet18", num_classes=10, in_chans=1)
    source = timm.create_model("resnet18")
    tensors = {name: tensor.clone() for name, tensor in source.state_dict().items()}
    module = build(load("torchvision/resnet18", classes=10, channels=1))
    weights.LoadedWeights(Path("w"), tensors, "").into(module, new_head=True)
    state = module.state_dict()
    assert list(state) == list(theirs.state_dict())
    summed = adapt_input_conv(1, source.state_dict()["conv1.weight"])
    assert torch.equal(state["conv1.weight"], summed)
