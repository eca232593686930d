"""Families: their formulas give every number of every body, and they are those that an author would
write.
"""

from __future__ import annotations

import pytest

from resspec.compiler import load
from resspec.importing.antiunify import collect, families
from resspec.importing.antiunify.families import Family, FamilyStatement
from resspec.importing.antiunify.patterns import matched
from resspec.ir.formulas import evaluate
from resspec.ir.network import Network
from resspec.opening import shipped_names
from resspec.passes.alignment import align
from resspec.passes.schedule import ApplyStatement, LoopStatement, Schedule
from tests.backends.random_networks import random_network


@pytest.mark.parametrize("name", shipped_names())
def test_formulas_give_the_numbers_of_shipped_networks(name: str) -> None:
    assert_reproduced(load(name))


@pytest.mark.parametrize("seed", range(12))
def test_formulas_give_the_numbers_of_random_networks(seed: int) -> None:
    assert_reproduced(random_network(seed))


def assert_reproduced(network: Network) -> None:
    for family in families(collect(network)):
        for index, body in enumerate(family.bodies):
            assert_body(family, family.statements, body.schedule, index)


def assert_body(
    family: Family, statements: tuple[FamilyStatement, ...], schedule: Schedule, index: int
) -> None:
    values = family.values(index)
    template = Schedule(tuple([each.statement for each in statements]), schedule.result)
    longest = max(family.bodies, key=lambda body: len(body.schedule.statements)).schedule
    if statements is family.statements:
        template = longest
    alignment = align(template, schedule, lambda _: True)
    assert alignment is not None
    for each, statement in zip(statements, alignment.statements, strict=True):
        if each.test is not None:
            assert bool(evaluate(each.test, values)) == (statement is not None)
        if isinstance(statement, ApplyStatement):
            assert each.pattern is not None
            for hole, value in matched(each.pattern, statement.what, index):
                assert evaluate(family.solver.formula(hole), values) == value
        elif isinstance(statement, LoopStatement):
            assert_body(family, each.inner, statement.body, index)


def parameters(name: str, kind: str) -> list[list[str]]:
    found = families(collect(load(name)))
    return [[p.name for p in family.parameters] for family in found if family.kind == kind]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("resnet152", "bottleneck", ["width", "stride"]),
        ("resnet20", "basic", ["width", "stride"]),
        ("mobilenet_v2", "inverted", ["stride", "width"]),
        ("densenet121", "dense_layer", []),
    ],
)
def test_a_block_has_the_parameters_that_an_author_would_give_it(
    name: str, kind: str, expected: list[str]
) -> None:
    assert parameters(name, kind) == [expected]


def test_a_projection_is_there_where_the_shape_changes() -> None:
    [family] = [each for each in families(collect(load("resnet50"))) if each.kind == "bottleneck"]
    tests = {str(each.test) for each in family.statements if each.test is not None}
    assert len(tests) == 1
    assert "stride" in tests.pop()
