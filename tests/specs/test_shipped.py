"""Every spec that comes with the package, and what their templates promise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torchvision

from resspec import shipped
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.ops import OPS
from resspec.lowering.network import lower, network_names
from resspec.opening import open_spec, shipped_names
from tests.specs.tensors import operations

FILES = shipped_names()
LIBRARIES = sorted(shipped.path("specs", "lib").glob("*.res"))


@pytest.mark.parametrize("spec", FILES)
def test_a_shipped_spec_has_no_diagnostic(spec: str) -> None:
    assert check(spec) == []


@pytest.mark.parametrize("spec", FILES)
def test_the_network_of_a_file_is_called_like_it(spec: str) -> None:
    assert load(spec).name == Path(spec).stem


@pytest.mark.parametrize("spec", shipped_names())
def test_a_file_expects_its_parameters_and_macs(spec: str) -> None:
    """In at least one of its networks: a template may leave that to those derived from it."""
    library = open_spec(shipped.path("specs", f"{spec}.res")).library
    expected = {
        e.quantity for name in network_names(library) for e in lower(library, name).expectations
    }
    assert expected >= {"layers", "params", "macs"}


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.stem)
def test_a_library_has_no_diagnostic(path: Path) -> None:
    assert check(path) == []


OF_OTHER_NETWORKS = set(
    "mish elu celu prelu tanh softplus upsample pixel_shuffle layer_scale lrn context_pool "
    "placeholder".split()
)


def test_every_layer_is_used() -> None:
    used = {op.kind for spec in FILES for _, op in operations(load(spec))}
    assert not used & OF_OTHER_NETWORKS
    assert used | OF_OTHER_NETWORKS == set(OPS)


def test_all_convolutional_classifiers_of_torchvision_come_along() -> None:
    """All that torchvision lists, but for its vision transformers."""
    listed = torchvision.models.list_models(torchvision.models)
    convolutional = {name for name in listed if not name.startswith(("vit", "swin", "maxvit"))}
    assert {f"torchvision/{name}" for name in convolutional} <= set(shipped_names())
    assert len(convolutional) == 68  # as README.md says


def test_the_readme_counts_the_networks_of_timm() -> None:
    count = sum(name.startswith("timm/") for name in shipped_names())
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"has {count} networks of timm" in text


def test_the_same_network_has_the_same_hash() -> None:
    same = load("resnet34"), load("resnet34:resnet34_a"), load("resnet34:resnet34_b", option="A")
    assert len({fingerprint(network) for network in same}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("resnet50", "torchvision/resnet50"),  # the stride on another convolution
        ("resnet34", "plain34"),  # parameters that are equal in names and shapes
        ("resnet34:resnet34_b", "torchvision/resnet34"),  # another initialisation
    ],
)
def test_what_differs_has_another_hash(one: str, other: str) -> None:
    assert fingerprint(load(one)) != fingerprint(load(other))


def test_residuals_may_start_at_zero() -> None:
    """`gamma=0` is for the last norm of each of 16 blocks, as torchvision's zero_init_residual."""

    def started(network: Network) -> list[str]:
        return [name for name, op in operations(network) if op.kind == "bn" and op.init is not None]

    assert started(load("torchvision/resnet50")) == []
    names = started(load("torchvision/resnet50", gamma=0))
    assert len(names) == 16
    assert all(name.endswith(".bn3") for name in names)
