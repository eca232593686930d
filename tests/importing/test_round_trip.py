"""Files that were exported from a spec, imported again: the same network, whatever its values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import resspec
from resspec.compiler import compile_spec, to_onnx
from resspec.importing.imported import ImportOptions, import_source
from resspec.importing.sources import source_of
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.uninitialized import without_init

SPEC = """use he2015

block gate = squeeze -> conv 1x1, 16, bias=true -> sigmoid
block squeeze = avgpool -> conv 1x1, 4, bias=true -> relu
block bottleneck(width) {
    residual conv 1x1, width -> relu -> conv 3x3, width, groups=4 -> mul { identity | gate }
}
network net {
    input 3x32x32
    shortcut B
    stem conv 3x3, 16, /2 -> relu -> maxpool 2x2, /2
    stage layer1: 2 x bottleneck 16
    stage mixed: concat { conv 1x1, 8 | conv 3x3, 8 -> leaky_relu 0.2 }
    head avgpool -> fc 10
}
"""


def digest(network: Network) -> str:
    """Return the hash of a network, its initial values aside."""
    return fingerprint(without_init(network))


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_an_export_is_the_network_that_it_came_from(kind: str, here: Path) -> None:
    Path("net.res").write_text(SPEC, encoding="utf-8")
    path = here / f"net.{kind}"
    if kind == "onnx":
        path.write_bytes(to_onnx(compile_spec("net.res")).content)
    else:
        module = resspec.build(resspec.load("net.res")).eval()
        torch.export.save(torch.export.export(module, (torch.zeros(2, 3, 32, 32),)), path)
    source = source_of(str(path))
    assert source is not None
    found = import_source(source, ImportOptions())
    assert found.proof.loaded == found.proof.tensors
    assert digest(found.network) == digest(resspec.load("net.res"))
