"""The figures of hovers, hints and lenses."""

from __future__ import annotations

import pytest

from resspec.compiler import load
from resspec.lsp.figures import figures, short
from resspec.passes.quantities import Facts
from resspec.passes.receptive import fields, fields_by_place

NETWORKS = ["resnet152", "torchvision/densenet121", "torchvision/mobilenet_v2", "se_resnet50"]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_field_at_the_end_of_a_section_is_that_of_the_report(name: str) -> None:
    network = load(name)
    found = fields_by_place(network)
    ends = [section.located for section in network.sections]
    expected = fields(network)
    assert [found[end.span] for end in ends] == expected or len({e.span for e in ends}) < len(ends)


@pytest.mark.parametrize("name", ["resnet152", "torchvision/mobilenet_v2", "se_resnet50"])
def test_what_places_save_adds_up_to_the_network(name: str) -> None:
    network = load(name)
    found = figures(network)
    assert found.saved_bytes == Facts(network).total("saved_bytes")
    leaves = {entry.trail[-1].span for entry, _ in Facts(network).entries}
    assert sum(found.saved_at[span] for span in leaves) == found.saved_bytes


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1K"),
        (60_192_808, "60.2M"),
        (11_282_415_616, "11.3G"),
        (999_600, "1M"),
    ],
)
def test_numbers_have_three_digits(value: int, shown: str) -> None:
    assert short(value) == shown
