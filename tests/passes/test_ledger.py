"""What each layer has of every quantity: its name, its line, and that all of them are the whole."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from resspec.compiler import load
from resspec.ir.outputs import output_of, points
from resspec.ir.quantities import QUANTITIES, Conditions
from resspec.passes.quantities import Facts, add
from tests.random_specs import random_spec
from tests.specs.families import SMALL
from tests.texts import load_text


def test_largest_names_the_layers_of_repeats() -> None:
    whole = load("resnet56")
    parts = Facts(whole).largest("macs", 3)
    each = 32 * 32 * 16 * 16 * 9
    assert [(part.path, part.value) for part in parts] == [
        ("layer1.0..8.conv1", 9 * each),
        ("layer1.0..8.conv2", 9 * each),
        ("layer2.1..8.conv1", 8 * each),
    ]
    assert parts[0].span.startswith("specs/lib/he2015.res:")
    assert [(part.path, part.value) for part in Facts(whole).largest("layers", 2)] == [
        ("layer1", 18),
        ("layer2", 18),
    ]


def test_largest_counts_each_scope_by_its_own_repeats(tmp_path: Path) -> None:
    text = (
        "block b { 3 x { conv 1x1, 8 -> bn } -> relu }\nnetwork gold "
        "{ input 8x6x6; stage s: 2 x { relu -> b } -> b; head avgpool -> fc 4 }"
    )
    paths = [part.path for part in Facts(load_text(tmp_path, text)).largest("macs")]
    assert paths == ["s.1..3.conv1..3", "s.4.conv1..3", "fc"]


@pytest.mark.parametrize("name", SMALL)
def test_layers_and_sections_add_up(name: str) -> None:
    adds_up(Facts(load(name), Conditions(3, "bfloat16")))


@pytest.mark.parametrize("seed", range(60))
def test_layers_and_sections_add_up_in_random_networks(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "random.res"
    path.write_text(random_spec(seed), encoding="utf-8")
    network = load(path)
    adds_up(Facts(network, Conditions(2, frozen=frozenset([network.sections[seed % 2].label]))))


@pytest.mark.parametrize("seed", range(20))
def test_outputs_add_up(seed: int, tmp_path: Path) -> None:
    known = points(load_text(tmp_path, random_spec(seed)))
    names = Random(seed).sample(known, min(3, len(known)))
    facts = Facts(load(tmp_path / "spec.res", output=names), Conditions(2))
    adds_up(facts)
    assert all(output_of(entry.trail[-1]) is None for entry, _ in facts.entries)


def test_what_an_output_keeps_counts_for_the_layer_that_it_leaves(tmp_path: Path) -> None:
    text = "network n { input 3x8x8; head conv 3x3, 4 -> bn -> relu -> fc 2; output bn1 fc }"
    facts = Facts(load_text(tmp_path, text))
    saved = {part.path: part.value for part in facts.largest("saved_bytes")}
    a_map = 4 * 4 * 64
    assert saved == {"conv1": 4 * 3 * 64, "bn1": a_map + 4 * 8 + a_map, "relu1": a_map, "fc": 4 * 2}


def adds_up(facts: Facts) -> None:
    """`layers` alone does not, since of paths only the longest counts."""
    quantities = [name for name, quantity in QUANTITIES.items() if quantity.parts]
    layers, sections = add(figures for _, figures in facts.entries), add(facts.sections)
    for name in quantities:
        assert (name, layers[name]) == (name, sections[name]) == (name, facts.total(name))


def test_every_quantity_has_a_figure() -> None:
    assert list(Facts(load("resnet18")).totals) == list(QUANTITIES)


def test_saved_bytes_stand_where_a_storage_is_first_kept(tmp_path: Path) -> None:
    """A ReLU keeps what it leaves; the convolution that reads it, nothing more."""
    text = (
        "network n { input 3x8x8; stem conv 3x3, 4 -> relu -> conv 3x3, 4; head avgpool -> fc 2 }"
    )
    parts = {
        part.path: part.value for part in Facts(load_text(tmp_path, text)).largest("saved_bytes")
    }
    assert parts == {"conv1": 4 * 3 * 64, "relu1": 4 * 4 * 64, "fc": 4 * 4}
