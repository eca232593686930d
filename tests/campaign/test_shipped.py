"""Properties of shipped networks of which the suite takes only a small one of each template."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.opening import shipped_names
from tests.backends import test_expand, test_report, test_source
from tests.backends.draw import test_layout
from tests.importing import test_fold, test_nest
from tests.ir import test_json
from tests.passes import test_ledger
from tests.specs import test_classes
from tests.specs.families import LARGER

DEEP = {"plain1202", "preact_resnet1001"}  # a module of so many layers takes minutes to make


@pytest.mark.parametrize("name", LARGER)
def test_networks_that_the_suite_leaves_out(name: str, tmp_path: Path) -> None:
    test_classes.test_a_shipped_network_takes_classes_and_channels(name)
    test_expand.test_an_expanded_shipped_network_has_the_same_hash(name, tmp_path)
    test_json.test_shipped_networks_are_read_back(name)
    test_ledger.test_layers_and_sections_add_up(name)
    test_nest.test_the_graph_of_a_shipped_network_has_the_same_hash(name)
    test_report.test_json_obeys_the_schema_is_read_back_and_adds_up(name)
    if name not in DEEP:
        test_source.test_shipped_names_and_shapes(name)


@pytest.mark.parametrize("name", shipped_names())
def test_folded_text_means_the_shipped_network(name: str, tmp_path: Path) -> None:
    test_fold.test_folded_text_means_the_shipped_network(name, tmp_path)


def test_nothing_hides_another_in_a_drawing_of_all() -> None:
    test_layout.assert_clear(test_layout.drawn(*map(load, shipped_names())))
