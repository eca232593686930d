"""Networks of torchvision through files: what comes back computes the same with the file's weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

from tests.importing.exported import KINDS, distance, export, module_of, randomized, read

NETS = {  # the second has functions that only the plainest kind of file takes apart
    "resnet18": KINDS,
    "mobilenet_v3_small": tuple(kind for kind in KINDS if kind != "core.pt2"),
}


@pytest.mark.parametrize("name", NETS)
def test_a_network_comes_back_through_every_kind_of_file(name: str, tmp_path: Path) -> None:
    module = randomized(torchvision.models.get_model(name))
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = module(x)
    for kind in NETS[name]:
        path = tmp_path / f"{name}.{kind}"
        export(module, x, path, kind)
        found = read(path)
        with torch.no_grad():
            result = module_of(found)(x)
        assert distance(result, wanted) < 1e-5, kind
        if "onnx" not in kind:
            assert torch.equal(result, wanted), kind
            assert found.tensors.keys() == module.state_dict().keys()
            assert found.graph.classes[()] == type(module).__name__
