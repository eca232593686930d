"""Networks with outputs return what torch's hooks see at these places, and torchvision's heads run
on them.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.ops import MultiScaleRoIAlign

from resspec import Conditions, UsageError
from resspec.backends.expand import expand
from resspec.backends.module import Backbone, build
from resspec.backends.source import emit
from resspec.compiler import load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.json import from_json, to_json
from resspec.ir.network import Network
from resspec.ir.outputs import points
from resspec.passes.quantities import Facts
from tests.passes import references
from tests.random_specs import random_spec
from tests.texts import load_text, written

STAGES = ["layer1", "layer2", "layer3", "layer4"]


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "emitted.py", "exec"), names)
    return names


def hooked(module: nn.Module, names: tuple[str, ...], x: Tensor) -> dict[str, Tensor]:
    """Return the outputs of these modules, copied before anything can write over them."""
    found: dict[str, Tensor] = {}
    for name in names:
        module.get_submodule(name).register_forward_hook(
            lambda _, __, y, name=name: found.update({name: y.clone()})
        )
    module(x)
    return {name: found[name] for name in names}


def modules(network: Network) -> tuple[nn.Module, nn.Module]:
    """Our module and the emitted one, of the same seed."""
    torch.manual_seed(0)
    ours = build(network).eval()
    torch.manual_seed(0)
    return ours, run(emit(network))[network.name]().eval()


def assert_equal(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert torch.equal(found[name], value), name


# --- torchvision and timm ---


def test_they_are_those_of_torchvisions_getter() -> None:
    network = load("torchvision/resnet18", output=["layer4", "layer2", "layer1"])
    theirs = torchvision.models.resnet18().eval()
    names = {name: name for name in ("layer1", "layer2", "layer4")}
    getter = IntermediateLayerGetter(theirs, names)
    x = torch.randn(2, 3, 64, 64)
    for module in modules(network):
        kept = {key: theirs.state_dict()[key] for key in module.state_dict()}
        module.load_state_dict(kept, strict=True)
        assert_equal(module(x), getter(x))


def test_feature_info_is_timms() -> None:
    model: Any = timm.create_model("resnet18", features_only=True, pretrained=False)
    names = ["relu1", *STAGES]
    theirs = [
        {"num_chs": channels, "reduction": reduction, "module": name}
        for channels, reduction, name in zip(
            model.feature_info.channels(), model.feature_info.reduction(), names, strict=True
        )
    ]
    for module in modules(load("torchvision/resnet18", output=names)):
        assert module.feature_info == theirs


def fpn(output: str = "layer1,layer2,layer3,layer4") -> BackboneWithFPN:
    """torchvision's pyramid on our backbone."""
    backbone = build(load("torchvision/resnet18", output=output))
    assert isinstance(backbone, Backbone)
    channels = [each["num_chs"] for each in backbone.feature_info]
    theirs = torchvision.models.resnet18()
    pyramid = BackboneWithFPN(theirs, {name: name for name in STAGES}, channels, 64)
    pyramid.body = backbone
    return pyramid


def test_a_pyramid_runs_on_them() -> None:
    pyramid = fpn().eval()
    theirs = BackboneWithFPN(
        torchvision.models.resnet18(), {name: name for name in STAGES}, [64, 128, 256, 512], 64
    ).eval()
    theirs.body.load_state_dict(pyramid.body.state_dict(), strict=False)
    theirs.fpn.load_state_dict(pyramid.fpn.state_dict())
    x = torch.randn(1, 3, 64, 96)
    assert_equal(pyramid(x), theirs(x))


def test_detectors_learn_on_them() -> None:
    images = [torch.rand(3, 80, 100), torch.rand(3, 90, 70)]
    boxes = torch.tensor([[5.0, 5.0, 40.0, 50.0]])
    targets = [{"boxes": boxes, "labels": torch.tensor([1])} for _ in images]
    retina = RetinaNet(fpn("layer1,layer2,layer3,layer4"), 3, min_size=96, max_size=128)
    regions = MultiScaleRoIAlign(featmap_names=STAGES, output_size=7, sampling_ratio=2)
    faster = FasterRCNN(fpn(), 3, box_roi_pool=regions, min_size=96, max_size=128)
    for detector in (retina, faster):
        if detector is retina:
            anchors = detector.anchor_generator
            anchors.sizes, anchors.aspect_ratios = anchors.sizes[:5], anchors.aspect_ratios[:5]
        losses = detector.train()(images, targets)
        sum(losses.values()).backward()
        assert detector.backbone.body.conv1.weight.grad.abs().sum() > 0
        assert set(detector.eval()(images)[0]) == {"boxes", "labels", "scores"}


def test_a_segmentation_head_runs_on_them() -> None:
    network = load("torchvision/resnet18", output="layer4")
    backbone = build(network).eval()
    head = DeepLabHead(network.output.channels, 21).eval()
    assert head(backbone(torch.randn(1, 3, 64, 64))["layer4"]).shape == (1, 21, 2, 2)


# --- any network ---


@pytest.mark.parametrize("seed", range(24))
def test_they_are_what_leaves_these_modules(tmp_path: Path, seed: int) -> None:
    path = written(tmp_path, random_spec(seed))
    whole = load(path)
    module = build(whole).eval()
    known = [name for name in points(whole) if is_module(module, name)]
    names = Random(seed).sample(known, min(3, len(known)))
    network = load(path, output=names)
    assert set(network.outputs) == set(names)
    x = torch.randn(2, *network.input.dims)
    wanted = hooked(module, network.outputs, x)
    for part in modules(network):
        state = module.state_dict()
        part.load_state_dict({key: state[key] for key in part.state_dict()}, strict=True)
        assert_equal(part(x), wanted)
    assert from_json(to_json(network)) == network
    again = load_text(tmp_path, expand(network))
    assert again.outputs == network.outputs
    assert fingerprint(again) == fingerprint(network)


def is_module(module: nn.Module, name: str) -> bool:
    """Return whether hooks see its output: parameters and mere containers have none."""
    try:
        found = module.get_submodule(name)
    except AttributeError:
        return False
    return type(found) is not nn.Module


@pytest.mark.parametrize("seed", range(8))
def test_what_they_keep_is_counted(tmp_path: Path, seed: int) -> None:
    path = written(tmp_path, random_spec(seed))
    names = Random(seed).sample(points(load(path)), 2)
    network = load(path, output=names)
    module = references.built(network).train()
    x = references.example(network)
    wanted = references.saved_bytes(module, x)
    assert Facts(network, Conditions(2)).total("saved_bytes") == wanted


def test_an_activation_writes_over_none_of_them(tmp_path: Path) -> None:
    text = "network n {{ input 3x8x8; head conv 3x3, 4 -> bn -> relu -> fc 2; {} }}"
    plain, kept = (
        load_text(tmp_path, text.format("")),
        load_text(tmp_path, text.format("output bn1 fc")),
    )
    assert "relu1: relu inplace=true" in expand(plain)
    assert "relu1: relu inplace=false" in expand(kept)


def test_the_hash_tells_the_outputs_apart(tmp_path: Path) -> None:
    text = "network n {{ input 3x8x8; head conv 3x3, 4 -> {}: relu -> {}: sigmoid -> bn; output a bn1 }}"
    one, other = (
        load_text(tmp_path, text.format("a", "b")),
        load_text(tmp_path, text.format("b", "a")),
    )
    assert fingerprint(one) != fingerprint(other)


def test_what_comes_after_the_last_costs_nothing() -> None:
    whole, part = load("torchvision/resnet18"), load("torchvision/resnet18", output="layer2")
    assert [section.label for section in part.sections] == ["stem", "layer1", "layer2"]
    stages = {
        section.label: figures
        for section, figures in zip(whole.sections, Facts(whole).sections, strict=True)
    }
    wanted = sum(stages[name]["macs"] for name in ("stem", "layer1", "layer2"))
    assert Facts(part).total("macs") == wanted


def test_names_are_separated_by_commas_or_blanks() -> None:
    for given in ("layer1,layer2", "layer1 layer2", ["layer2", "layer1"]):
        assert load("resnet18", output=given).outputs == ("layer1", "layer2")
    with pytest.raises(UsageError):
        load("resnet18", output="layer1;layer2")
