"""Expectations of a network, by its author or from outside: each failure is named at its line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from resspec import cli
from resspec.compiler import check, load
from resspec.diagnostics import SpecError
from resspec.ir.quantities import QUANTITIES, Conditions
from resspec.lowering.expectations import budgets
from resspec.passes.contributors import contributors
from resspec.passes.quantities import Facts


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_total_can_be_expected(quantity: str) -> None:
    """The exact figure is met; one more is not, and both figures are told."""
    figure = Facts(load("resnet20")).total(quantity)
    assert check("resnet20", budget=[f"{quantity} == {figure}"]) == []
    (found,) = check("resnet20", budget=[f"{quantity} > {figure}"])
    unit = " bytes" if QUANTITIES[quantity].unit == "bytes" else ""
    assert found.code == "E0311"
    assert found.message == f"`{quantity}` is {figure:,}{unit}, expected more than {figure:,}"


def test_conditions_are_those_of_the_budget() -> None:
    """What autograd keeps of torchvision's ResNet-50 for a batch of 32, by definition."""
    assert (
        check(
            "torchvision/resnet50",
            budget=["saved_bytes(batch=32) == 2_749_316_608", "saved_bytes == 86_121_984"],
        )
        == []
    )
    (found,) = check("torchvision/resnet50", budget=["saved_bytes(batch=32) <= 2.5GiB"])
    assert (
        found.message
        == "`saved_bytes(batch=32)` is 2,749,316,608 bytes, expected at most 2,684,354,560"
    )


def test_the_five_largest_contributors_have_lines() -> None:
    (found,) = check("resnet50", budget=["params <= 20M"])
    heading, *lines = found.notes[0].splitlines()
    assert heading == "the largest contributors"
    assert lines[0].split() == [
        "4,718,592",
        "18.5%",
        "layer4.1..2.conv2",
        "specs/lib/he2015.res:12",
    ]
    assert len(lines) == 5


def test_contributors_of_a_sum_are_the_whole_of_it() -> None:
    facts = Facts(load("se_resnet50"), Conditions(4, "bfloat16", "adamw"))
    for name, quantity in QUANTITIES.items():
        if quantity.parts or name == "training_bound_bytes":
            assert sum(part.value for part in contributors(facts, name, 10**6)) == facts.total(
                name
            ), name


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_peak_is_of_its_batch(dtype: str) -> None:
    facts = Facts(load("resnet20"), Conditions(3, dtype))
    for name in ("inference_peak_bytes", "inference_bound_bytes"):
        assert [part.value for part in contributors(facts, name)] == [facts.total(name)]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("3KB", 3 * 10**3),
        ("26MB", 26 * 10**6),
        ("0.1GB", 10**8),
        ("2TB", 2 * 10**12),
        ("1KiB", 2**10),
        ("1.5MiB", 3 * 2**19),
        ("24GiB", 24 * 2**30),
        ("2TiB", 2**41),
        ("0.3KiB", Fraction(1536, 5)),
        ("1e-1KB", 100),
        ("2 * 3GB", 6 * 10**9),
        ("7", 7),
    ],
)
def test_amounts_of_bytes_are_exact(text: str, amount: int | Fraction) -> None:
    (expected,) = budgets([f"saved_bytes <= {text}"])
    assert expected.low == amount


def test_each_network_of_a_template_misses_what_that_expects(tmp_path: Path) -> None:
    """At the one line of the template, and with the name of the network."""
    path = tmp_path / "nets.res"
    path.write_text(
        "network t(n) { input 3x8x8; head fc n; expect params <= 200 }\n"
        "network a = t n=2\nnetwork b = t n=3\nnetwork c = t n=1\n",
        encoding="utf-8",
    )
    found = check(path)
    assert [(each.labels[0].span.text, each.labels[1].span.text) for each in found] == [
        ("expect params <= 200", "a"),
        ("expect params <= 200", "b"),
    ]
    assert [each.message.split()[2] for each in found] == ["386,", "579,"]


def test_what_is_wrong_in_a_budget_is_told_in_its_text() -> None:
    with pytest.raises(SpecError) as caught:
        check("resnet20", budget=["parms <= 3", "params <= 3KB"])
    assert [(found.code, found.labels[0].span.text) for found in caught.value.diagnostics] == [
        ("E0236", "parms"),
        ("E0247", "3KB"),
    ]
    assert {found.labels[0].span.source.name for found in caught.value.diagnostics} == {"budget"}


@pytest.mark.parametrize(
    ("budget", "help"),
    [
        ("expect params <= 3", "leave out the word; a budget is only the condition: `params <= 3`"),
        ("params in 2G .. 1_000", "the lower bound comes first: `1_000 .. 2G`"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_can(budget: str, help: str) -> None:
    """What is told instead is a budget."""
    with pytest.raises(SpecError) as caught:
        budgets([budget])
    (found,) = caught.value.diagnostics
    assert found.help == help
    assert check("resnet20", budget=["params in 1_000 .. 2G", "params >= 3"]) == []


@pytest.mark.parametrize("bounds", ["1G .. 1G", "272_474 - 2752 .. 1G", "-1 .. 1G"])
def test_a_range_holds_both_its_ends(bounds: str) -> None:
    assert bool(check("resnet20", budget=[f"params in {bounds}"])) == (bounds == "1G .. 1G")


def test_exit_code_is_0_within_a_budget_1_beyond_it_2_for_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["check", "resnet20", "resnet32", "--budget", "params <= 1M"]) == 0
    assert cli.run(["check", "resnet20", "resnet32", "--budget", "params <= 300K"]) == 1
    assert cli.run(["check", "resnet20", "--budget", "params <="]) == 2
    assert cli.run(["check", "lib/he2015:cifar", "--set", "n=9", "--budget", "layers == 56"]) == 0
    assert "2 specs: no errors, 2 networks within budget" in capsys.readouterr().out
