"""The report's rows equal torch's counts of torchvision; its JSON and table."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
import torchvision
from referencing import Registry, Resource
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from resspec.backends.report import Report, report, several
from resspec.backends.report.json import to_json
from resspec.backends.report.markdown import to_markdown
from resspec.backends.report.saved import from_json
from resspec.backends.report.sheet import totals_to_csv
from resspec.backends.report.table import to_table
from resspec.backends.report.views import VIEWS
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.ir.quantities import Conditions
from resspec.ir.tools import TOOLS
from resspec.passes.like import Like
from resspec.passes.quantities import SUMS, add
from tests.backends.quantity_schemas import path_of, published, with_quantities
from tests.specs.families import SMALL

SCHEMA = published("report")
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def resnet152() -> Report:
    return report(load("resnet152"))


@pytest.mark.parametrize("name", ["resnet18", "resnet152", "resnext50_32x4d", "wide_resnet50_2"])
def test_each_stage_costs_what_torch_counts(name: str) -> None:
    with torch.device("meta"):
        module: nn.Module = getattr(torchvision.models, name)().eval()
        acts = {child: 0 for child, _ in module.named_children()}
        for path, part in module.named_modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                part.register_forward_hook(_adding(acts, path.split(".")[0]))
        with FlopCounterMode(display=False) as counter:
            module(torch.empty(1, 3, 224, 224))
    counted = counter.get_flop_counts()
    for row in report(load(f"torchvision/{name}")).rows:
        children = {"stem": ("conv1", "bn1"), "head": ("fc",)}.get(row.label, (row.label,))
        parts = [module.get_submodule(child) for child in children]
        assert row.figures["params"] == sum(p.numel() for part in parts for p in part.parameters())
        assert row.figures["buffers"] == sum(b.numel() for part in parts for b in part.buffers())
        assert row.figures["flops"] == sum(
            sum(counted.get(f"ResNet.{child}", {}).values()) for child in children
        )
        assert row.figures["acts"] == sum(acts[child] for child in children)


def _adding(acts: dict[str, int], child: str) -> Any:
    def hook(_module: nn.Module, _inputs: tuple[torch.Tensor, ...], result: torch.Tensor) -> None:
        acts[child] += result.numel()

    return hook


@pytest.mark.parametrize("name", SMALL)
def test_json_obeys_the_schema_is_read_back_and_adds_up(name: str) -> None:
    network = load(name)
    at = Conditions(7, "float16", "adam", frozenset(["head"]))
    for found in (
        report(network),
        *(report(network, at=at, by=view, memory=10**9, like="torchinfo") for view in VIEWS),
    ):
        text = to_json(found)
        VALIDATOR.validate(json.loads(text))
        assert from_json(text) == found
        sums = add(row.figures for row in found.rows)
        assert {name: sums[name] for name in SUMS if name != "layers"} == {
            name: found.totals[name] for name in SUMS if name != "layers"
        }


@pytest.mark.parametrize("name", ["report", "diff"])
def test_the_schemas_have_every_quantity(name: str, request: pytest.FixtureRequest) -> None:
    text = json.dumps(with_quantities(name), indent=2, ensure_ascii=False) + "\n"
    if request.config.getoption("--update"):
        path_of(name).write_text(text, encoding="utf-8")
    assert text == path_of(name).read_text(encoding="utf-8")


def test_the_schema_has_every_tool() -> None:
    tool = SCHEMA["properties"]["like"]["items"]
    assert tool["properties"]["tool"]["enum"] == list(TOOLS)
    assert tool["required"] == list(Like._fields)


def test_like_a_tool() -> None:
    """The same figures in every form."""
    found = report(load("torchvision/resnet50"), like="fvcore")
    (document,) = json.loads(to_json(found))["like"]
    assert (document["tool"], document["total"], document["uncounted"]) == (
        "fvcore",
        4_111_512_576,
        ["add", "bias of fc", "maxpool", "relu"],
    )
    assert document["bridge"] == [
        {"label": "macs", "value": 4_089_184_256},
        {"label": "bn", "value": 22_227_968},
        {"label": "avgpool", "value": 100_352},
    ]
    lines = [line.split() for line in to_table(found).splitlines()]
    start = lines.index(["like", "fvcore", "4,111,512,576"])
    assert lines[start + 1 : start + 4] == [
        ["=", "macs", "4,089,184,256"],
        ["+", "bn", "22,227,968"],
        ["+", "avgpool", "100,352"],
    ]
    assert lines[-1] == "it adds nothing for add, bias of fc, maxpool, relu".split()
    page = to_markdown(found).splitlines()
    assert "| like fvcore | 4,111,512,576 |" in page
    assert "| avgpool | 100,352 |" in page
    both = [found, report(load("resnet18"), like="fvcore")]
    assert (
        "| like fvcore | 4,111,512,576 | 1,799,447,040 |"
        in several.to_markdown(both, ["a", "b"]).splitlines()
    )
    rows = list(csv.DictReader(totals_to_csv(both, ["a", "b"]).splitlines()))
    assert [row["like_fvcore"] for row in rows] == ["4111512576", "1799447040"]


def test_like_several_tools() -> None:
    """A line for each in every form, with the same figures as alone."""
    network = load("torchvision/resnet50")
    found = report(network, like="torch, keras,fvcore,torch")
    assert [like.tool for like in found.like] == ["torch", "keras", "fvcore"]
    assert from_json(to_json(found)) == found
    assert [report(network, like=tool).like for tool in TOOLS] == [
        (like,) for like in report(network, like="all").like
    ]

    lines = [line.split() for line in to_table(found).splitlines()]
    start = lines.index("like total starts from and adds".split())
    torchs, keras, fvcore = lines[start + 1 : start + 4]
    assert torchs == "torch 8,178,368,512 macs additions 4,089,184,256".split()
    assert keras == "keras 25,610,152 params statistics of bn 53,120".split()
    assert fvcore[:3] == ["fvcore", "4,111,512,576", "macs"]
    assert lines[-1] == "fvcore adds nothing for add, bias of fc, maxpool, relu".split()
    row = "| torch | 8,178,368,512 | macs | additions 4,089,184,256 |"
    assert row in to_markdown(found).splitlines()

    both = [found, report(load("resnet18"), like="torch,keras,fvcore")]
    (first, _) = csv.DictReader(totals_to_csv(both, ["a", "b"]).splitlines())
    assert [first[f"like_{tool}"] for tool in ("torch", "keras")] == ["8178368512", "25610152"]


def test_reports_that_older_versions_saved_have_one_tool_or_none() -> None:
    found = report(load("resnet18"), like="thop")
    document = json.loads(to_json(found))
    assert from_json(json.dumps({**document, "like": document["like"][0]})) == found
    assert from_json(json.dumps({**document, "like": None})).like == ()


def test_a_term_may_be_less_than_nothing(tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(
        "network n { input 4x6x6; stem to_last -> linear 8, bias=false }", encoding="utf-8"
    )
    text = to_table(report(load(path), like="torchinfo"))
    lines = [line.split() for line in text.splitlines()]
    assert lines[lines.index(["like", "torchinfo", "32"]) + 1 :][:2] == [
        ["=", "macs", "1,152"],
        ["-", "linear", "at", "one", "position", "1,120"],
    ]


@pytest.mark.parametrize(
    ("tool", "says"),
    [("fvcor", "did you mean 'fvcore'"), ("abacus", "choose from paper, torchvision")],
)
def test_like_no_tool(tool: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"no tool is called '{tool}'; {says}"):
        report(load("resnet18"), like=tool)


def test_json_of_resnet152(resnet152: Report) -> None:
    document = json.loads(to_json(resnet152))
    assert list(document) == SCHEMA["required"]
    assert (document["schema"], document["network"], document["input"]) == (
        "resspec.report/1",
        "resnet152",
        "3x224x224",
    )
    assert {
        name: document["totals"][name]
        for name in ("params", "buffers", "macs", "flops", "acts", "layers")
    } == {
        "params": 60_192_808,
        "buffers": 151_579,
        "macs": 11_282_415_616,
        "flops": 22_564_831_232,
        "acts": 22_028_264,
        "layers": 152,
    }
    assert document["tensors"] == {
        "params": {"float32": 60_192_808},
        "buffers": {"float32": 151_424, "int64": 155},
    }
    assert [(row["label"], row["holds"], row["output"]) for row in document["rows"]] == [
        ("stem", "conv 7x7, 64, /2 → bn → relu → maxpool 3x3, /2", "64x56x56"),
        ("layer1", "3 × bottleneck", "256x56x56"),
        ("layer2", "8 × bottleneck", "512x28x28"),
        ("layer3", "36 × bottleneck", "1024x14x14"),
        ("layer4", "3 × bottleneck", "2048x7x7"),
        ("head", "avgpool → fc 1000", "1000"),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.pop("rows"), "it has no `rows`"),
        (
            lambda d: d.update(schema="resspec.ir/1"),
            "schema: it must be one of resspec.report/1, not 'resspec.ir/1'",
        ),
        (lambda d: d["totals"].update(macs=1.5), "totals.macs: it is not a whole number"),
        (lambda d: d["totals"].update(macs=True), "totals.macs: it is not a whole number"),
        (
            lambda d: d["rows"][0].update(layers=-1),
            "rows.0.layers: it is not a whole number, 0 or more",
        ),
        (lambda d: d["like"][0].update(total=1), "like.0.bridge: it does not lead to the total"),
        (lambda d: d["like"][0].update(tool="abacus"), "like.0.tool: it must be one of paper"),
        (
            lambda d: d["like"][0]["bridge"][0].update(value="1"),
            "like.0.bridge.0.value: it is not a whole number",
        ),
        (lambda d: d.update(hash=7), "hash: it is not a text"),
        (lambda d: d.update(rows=3), "not a resspec.report/1"),
        (lambda d: d.update(rows=[None]), "not a resspec.report/1"),
    ],
)
def test_what_is_no_report(change: Any, says: str) -> None:
    document = json.loads(to_json(report(load("resnet18"), like="thop")))
    change(document)
    with pytest.raises(UsageError, match=re.escape(says)):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{", "[" * 100_000, '{"schema": NaN}', '{"schema": {}}']
)
def test_what_is_no_report_at_all(text: str) -> None:
    with pytest.raises(UsageError, match=r"not a resspec\.report/1"):
        from_json(text)


@pytest.mark.parametrize("text", ["[]", "7", "null", '"resspec.report/1"'])
def test_what_is_no_object_is_told_in_words_of_json(text: str) -> None:
    with pytest.raises(UsageError, match="it is not an object"):
        from_json(text)


def test_several_as_json() -> None:
    names = ["resnet18", "digits"]
    document = json.loads(several.to_json([report(load(name)) for name in names], names))
    registry: Registry[Any] = Registry().with_resource(
        "report.schema.json", Resource.from_contents(SCHEMA)
    )
    jsonschema.Draft202012Validator(published("reports"), registry=registry).validate(document)
    assert [entry["spec"] for entry in document["reports"]] == names
