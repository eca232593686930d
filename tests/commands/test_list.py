"""`resspec list`: every name in it works where it can be written, and none is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from resspec import compiler
from resspec.commands import inventory
from resspec.commands.list import KINDS, to_lines
from resspec.ir.ops import OPS
from resspec.opening import choose, open_named, parameters, shipped_names
from resspec.training import recipe_file
from resspec.training.data.locate import FORMATS
from tests.commands.typed import Captured, ran

SCHEMA = Path(__file__).parents[2] / "schemas" / "list.schema.json"


@pytest.fixture(scope="module")
def listed() -> dict[str, Any]:
    return inventory.all_of(KINDS)


def test_every_network_can_be_loaded(listed: dict[str, Any]) -> None:
    names = {each.name for each in listed["networks"]}
    assert set(shipped_names()) <= names
    for name in names:
        assert choose(open_named(name))
    assert compiler.load("resnet18:resnet18_b").name == "resnet18_b"


def test_networks_and_templates_have_their_parameters(listed: dict[str, Any]) -> None:
    for each in [*listed["networks"], *listed["templates"]]:
        assert [parameter.name for parameter in each.parameters] == parameters(each.name)
        needed = [parameter for parameter in each.parameters if parameter.default is None]
        assert bool(needed) == (each in listed["templates"])


def test_the_values_shown_are_those_of_the_network(listed: dict[str, Any]) -> None:
    for each in listed["networks"]:
        if each.name in ("plain20", "torchvision/resnet34", "se_resnet50"):
            values = {parameter.name: parameter.default for parameter in each.parameters}
            kept = {name: value for name, value in values.items() if name not in ("unit", "option")}
            assert compiler.load(each.name, **kept) == compiler.load(each.name)


def test_layers_recipes_and_data_sets_are_all_there(listed: dict[str, Any]) -> None:
    assert [each.name for each in listed["layers"]] == list(OPS)
    assert [each.name for each in listed["recipes"]] == recipe_file.names()
    assert {each.name for each in listed["data"]} == {"digits", *FORMATS} - {"folder"}
    for kind in ("layers", "recipes", "data", "networks", "libraries"):
        assert all(each.about for each in listed[kind])


def test_a_library_lists_its_blocks_and_options(listed: dict[str, Any]) -> None:
    by_name = {each.name: [part.call for part in each.declares] for each in listed["libraries"]}
    assert by_name["he2015"] == [
        "basic(width, dilation=1)",
        "bottleneck(width, dilation=1)",
        "A",
        "B",
        "C",
    ]


def test_json_is_as_its_schema_says(capsys: Captured) -> None:
    document = json.loads(ran("list --format json", capsys)[0])
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert list(document) == ["schema", *KINDS]


def test_one_kind_is_a_line_for_each(capsys: Captured) -> None:
    lines = ran("list data", capsys)[0].splitlines()
    assert [line.split()[0] for line in lines] == [
        "digits",
        "fashion-mnist",
        "cifar-10",
        "cifar-100",
        "imagenet",
    ]
    assert "did you mean networks" in ran("list network", capsys, 2)[1]


def test_lines_of_a_terminal_are_no_longer_than_it(listed: dict[str, Any]) -> None:
    assert max(map(len, to_lines(listed, 80))) <= 80
