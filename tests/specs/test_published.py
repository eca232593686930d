"""Shipped specs have the figures of tests/gold, from papers and their authors' tools."""

from __future__ import annotations

import csv
import re
from math import prod
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.ir.network import Network
from resspec.passes.like import like
from resspec.passes.measure import measure
from tests.specs.tensors import operations

Row = dict[str, str]
GOLD = Path(__file__).parents[1] / "gold"
DERIVED, PUBLISHED = (
    {
        row["model"]: row
        for row in csv.DictReader((GOLD / name).read_text(encoding="utf-8").splitlines())
    }
    for name in ("derived.csv", "published.csv")
)


def matching(table: dict[str, Row], pattern: str) -> list[Row]:
    return [row for model, row in table.items() if re.fullmatch(pattern, model)]


def name(row: Row) -> str:
    return row["model"]


def is_exactly(network: Network, row: Row) -> None:
    totals = measure(network)
    assert (totals.params, totals.macs, totals.acts) == (
        int(row["params"]),
        int(row["macs"]),
        int(row["acts"]),
    )


# --- He et al. 2015 ---


@pytest.mark.parametrize("row", matching(DERIVED, r"(CIFAR )?plain-\d+"), ids=name)
def test_plain_networks_have_the_derived_figures(row: Row) -> None:
    is_exactly(load(row["model"].removeprefix("CIFAR ").replace("-", "")), row)


@pytest.mark.parametrize("row", matching(DERIVED, r"(CIFAR )?ResNet-\d+ option [ABC]"), ids=name)
def test_shortcut_options_have_the_derived_figures(row: Row) -> None:
    model, option = row["model"].removeprefix("CIFAR ").split(" option ")
    is_exactly(load(model.lower().replace("-", ""), option=option), row)


@pytest.mark.parametrize("row", matching(DERIVED, r"ResNet-\d+ option B stride on 1x1"), ids=name)
def test_bottlenecks_have_the_derived_figures(row: Row) -> None:
    is_exactly(load(row["model"].split(" ")[0].lower().replace("-", "")), row)


PAPER = [
    row for row in PUBLISHED.values() if row["convention"] == "paper" and row["model"] != "VGG-16"
]


@pytest.mark.parametrize("row", PAPER, ids=name)
def test_figures_are_within_the_precision_of_the_paper(row: Row) -> None:
    """Its 1.8 and 3.6 billion for 18 and 34 layers are of option A; for VGG-19 it counts all."""
    spec = row["model"].split(" / ")[0].removeprefix("CIFAR ").replace("-", "").lower()
    totals = measure(load(spec))._asdict()
    for quantity in ("params", "macs"):
        if row[quantity]:
            assert abs(totals[quantity] - int(row[quantity])) <= int(row[f"{quantity}_tol"])


def test_vgg16_in_the_paper_is_its_convolutions_alone() -> None:
    row = PUBLISHED["VGG-16"]
    sections = load("vgg16").sections
    convolutions = sum(measure(section.body).macs for section in sections if section.kind != "head")
    assert abs(convolutions - int(row["macs"])) <= int(row["macs_tol"])


# --- He et al. 2016 ---


def test_preactivation_costs_nothing() -> None:
    is_exactly(load("preact_resnet110"), DERIVED["CIFAR ResNet-110 option A"])


@pytest.mark.parametrize("depth", [164, 1001])
def test_preactivated_bottlenecks_have_no_norm_on_the_projections(depth: int) -> None:
    row = DERIVED[f"CIFAR ResNet-{depth}(bottleneck) option B stride on 1x1"]
    norms = 2 * (64 + 128 + 256)
    is_exactly(load(f"preact_resnet{depth}"), row | {"params": str(int(row["params"]) - norms)})


@pytest.mark.parametrize(("depth", "millions"), [(110, 1.7), (164, 1.7), (1001, 10.2)])
def test_parameters_are_those_of_table_4(depth: int, millions: float) -> None:
    """Its millions count convolutions and the classifier; with norms, 1001 layers have 10.3."""
    operators = [op for _, op in operations(load(f"preact_resnet{depth}")) if op.layer.weighted]
    weights = sum(
        prod(shape) for op in operators for shape in op.layer.parameters(op.input).values()
    )
    assert round(weights / 1e6, 1) == millions


# --- torchvision and pycls ---


SHIPPED = matching(PUBLISHED, r"resnet\d+|resnext\w+|wide_\w+|vgg\w+|regnet_y_400mf")


@pytest.mark.parametrize("row", SHIPPED, ids=name)
def test_parameters_and_operations_are_those_torchvision_prints(row: Row) -> None:
    """The parameters and the `_ops` that its table of weights prints."""
    totals = measure(
        load(row["model"] if "regnet" in row["model"] else f"torchvision/{row['model']}")
    )
    assert totals.params == int(row["params"])
    assert abs(totals.macs - int(row["macs"])) <= int(row["macs_tol"])


ON_THE_3X3 = matching(
    DERIVED, r"ResNe(t-\d+|Xt-50 32x4d|Xt-101 (32x8d|64x4d)) option B stride on 3x3"
)


@pytest.mark.parametrize("row", ON_THE_3X3, ids=name)
def test_stride_on_the_3x3(row: Row) -> None:
    model = row["model"].split(" option")[0].lower().replace("-", "").replace(" ", "_")
    is_exactly(load(f"torchvision/{model}"), row)


PYCLS = {
    r"archive/cifar/(any|res)net/R-(56|110)_nds_1gpu": "resnet{2} option=B",
    r"archive/cifar/anynet/V-56_nds_1gpu": "plain56",
    r"(.*)/R-(50|101|152)-1x64d_\w+": "torchvision/resnet{2}",
    r".*/X-50-32x4d_\w+": "torchvision/resnext50_32x4d",
    r".*/RegNetY-400MF_\w+": "regnet_y_400mf",
    r".*/EN-B0_\w+": "torchvision/efficientnet_b0",
}
BY_PYCLS = [
    (row, spec.format("", *found.groups()))
    for pattern, spec in PYCLS.items()
    for model, row in PUBLISHED.items()
    if (found := re.fullmatch(pattern, model))
]


def outputs_of(network: Network, *kinds: str) -> int:
    return sum(op.output.elements for _, op in operations(network) if op.layer.kind in kinds)


@pytest.mark.parametrize(("row", "spec"), BY_PYCLS, ids=[row["model"] for row, _ in BY_PYCLS])
def test_totals_are_those_pycls_prints(row: Row, spec: str) -> None:
    """pycls adds one to the macs for each biased output, and counts max pools as activations."""
    name, *given = spec.split(" ")
    network = load(name, **dict(each.split("=") for each in given))
    totals = measure(network)
    assert totals.params == int(row["params"])
    assert like(network, "pycls").total == int(row["macs"])
    assert totals.acts + outputs_of(network, "maxpool") == int(row["acts"])


def test_every_row_of_a_shipped_spec_is_compared() -> None:
    """What is left are networks that do not come along."""
    compared = {row["model"] for row in (*PAPER, *SHIPPED, *(row for row, _ in BY_PYCLS))} | {
        "VGG-16"
    }
    left = "regnet_[xy]_.*|.*/(EN-B[1-5]|RegNet[XY]-.*|X-101-32x4d|X-152-32x4d)_\\w+"
    assert not [
        model for model in PUBLISHED if model not in compared and not re.fullmatch(left, model)
    ]
    assert len(BY_PYCLS) == 5 + 7 + 3 + 1 + 1
