"""The JSON form: read back to an equal network, described by its schema, and refused where it is
none.
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest

from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.ir import verify
from resspec.ir.json import from_json, to_json
from resspec.ir.network import Network
from resspec.ir.nodes import SCHEMA
from resspec.ir.ops import fields
from resspec.lowering.chain import MAX_NESTING
from resspec.lowering.context import MAX_LAYERS
from resspec.lowering.conversion import MAX_COUNT
from resspec.lowering.tensors import MAX_BYTES
from tests.ir.ir_schema import schema
from tests.random_specs import random_spec
from tests.specs.families import SMALL
from tests.texts import load_text

SEEDS = range(5, 15)
VALIDATOR = jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_are_read_back(tmp_path: Path, seed: int) -> None:
    network = load_text(tmp_path, random_spec(seed))
    text = to_json(network)
    assert from_json(text) == network
    assert from_json(text.encode()) == network
    VALIDATOR.validate(json.loads(text))


@pytest.mark.parametrize("name", SMALL)
def test_shipped_networks_are_read_back(name: str) -> None:
    network = load(name)
    assert from_json(to_json(network)) == network


def test_the_document_names_its_version() -> None:
    assert json.loads(to_json(load("resnet20")))["schema"] == SCHEMA == "resspec.ir/1"


@pytest.mark.parametrize("seed", range(80))
def test_whatever_the_schema_refuses_is_refused(tmp_path: Path, seed: int) -> None:
    """A document with one value changed: what is read obeys the schema. (Not the other way round:
    texts have forms.)
    """
    random = Random(seed)
    document = json.loads(to_json(load_text(tmp_path, random_spec(seed % 4))))
    changed = deepcopy(document)
    container, key = random.choice(list(places(changed)))
    container[key] = random.choice(
        [None, -1, 0, 7, 0.5, True, "", "x", [], {}, [1, 2], ["1/2", "x"], {"node": "op"}, "1/0"]
    )
    network: Network | None
    try:
        network = from_json(json.dumps(changed))
    except UsageError as error:
        network = None
        assert str(error).startswith("this is not a resspec.ir/1 document: ")
    if network is not None:
        VALIDATOR.validate(changed)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "{", '{"schema": "x"}', '{"a": ' * 5000, "[" * 99_999, "\0"]
)
def test_no_document(text: str) -> None:
    with pytest.raises(UsageError, match="this is not a resspec"):
        from_json(text)


def test_unknown_fields_are_refused() -> None:
    document = json.loads(to_json(load("resnet20")))
    document["sections"][0]["body"]["children"][0]["layer"]["pading"] = [1, 1]
    with pytest.raises(UsageError, match="`conv` has no pading"):
        from_json(json.dumps(document))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with a key of it, all the way down."""
    found: list[tuple[Any, Any]] = []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in list(items):
        found += [(value, key), *places(inner)]
    return found


def test_what_is_read_has_the_limits_of_what_is_written() -> None:
    assert (verify.MAX_SIDE, verify.MAX_LAYERS, verify.MAX_BYTES) == (
        MAX_COUNT,
        MAX_LAYERS,
        MAX_BYTES,
    )
    assert fields.MOST == MAX_COUNT and verify.MAX_NESTING > MAX_NESTING
