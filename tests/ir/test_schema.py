"""The published JSON Schema of the IR: it has every node and layer, and shipped networks obey it."""

import json
from pathlib import Path

import jsonschema
import pytest

from resspec.compiler import load
from resspec.ir.json import from_json, to_json
from resspec.opening import shipped_names
from tests.ir.ir_schema import schema

PUBLISHED = Path(__file__).parents[2] / "schemas" / "ir.schema.json"


def test_the_published_schema_has_every_node_and_layer(request: pytest.FixtureRequest) -> None:
    text = json.dumps(schema(), indent=1) + "\n"
    if request.config.getoption("--update"):
        PUBLISHED.write_text(text, encoding="utf-8")
    assert text == PUBLISHED.read_text(encoding="utf-8")


NAMES = (
    "resnet34",
    "torchvision/densenet121",
    "torchvision/vgg16_bn",
    "se_resnet50",
    "plain1202",
)


@pytest.mark.parametrize("name", NAMES)
def test_documents_obey_it_and_are_read_back(name: str) -> None:
    assert name in shipped_names()
    network = load(name)
    text = to_json(network)
    jsonschema.validate(json.loads(text), schema())
    assert from_json(text) == network


def test_it_refuses_what_is_no_network() -> None:
    document = json.loads(to_json(load("resnet20")))
    document["sections"][0]["body"]["node"] = "loop"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())
