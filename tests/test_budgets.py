"""What is expected of a network, by its author or from outside: what is told when it is not so, and at whose line."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec import cli
from resspec.compiler import check, load
from resspec.diagnostics import SpecError
from resspec.ir.quantities import QUANTITIES, Conditions
from resspec.passes.contributors import contributors
from resspec.passes.quantities import Facts


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_total_can_be_expected(quantity: str) -> None:
    """The exact figure is met; one more is not, and both figures are told."""
    figure = Facts(load("resnet20")).total(quantity)
    assert check("resnet20", [f"{quantity} == {figure}"]) == []
    (found,) = check("resnet20", [f"{quantity} > {figure}"])
    unit = " bytes" if QUANTITIES[quantity].unit == "bytes" else ""
    assert found.code == "E0311"
    assert found.message == f"`{quantity}` is {figure:,}{unit}, expected more than {figure:,}"


def test_conditions_are_those_of_the_budget() -> None:
    """Figures of the definitions: what autograd keeps of torchvision's ResNet-50 for a batch of 32."""
    assert check("torchvision/resnet50", ["saved_bytes(batch=32) == 2_749_316_608", "saved_bytes == 86_121_984"]) == []
    (found,) = check("torchvision/resnet50", ["saved_bytes(batch=32) <= 2.5GiB"])
    assert found.message == "`saved_bytes(batch=32)` is 2,749,316,608 bytes, expected at most 2,684,354,560"


def test_the_five_largest_contributors_have_lines() -> None:
    (found,) = check("resnet50", ["params <= 20M"])
    heading, *lines = found.notes[0].splitlines()
    assert heading == "the largest contributors"
    assert lines[0].split() == [
        "4,718,592", "18.5%", "layer4.1..2.conv2", "specs/lib/he2015.res:12,", "from", "specs/resnet50.res:11"]
    assert len(lines) == 5


def test_contributors_of_a_sum_are_the_whole_of_it() -> None:
    facts = Facts(load("se_resnet50"), Conditions(4, "bfloat16", "adamw"))
    for name, quantity in QUANTITIES.items():
        if quantity.parts or name == "training_bound_bytes":
            assert sum(part.value for part in contributors(facts, name, 10**6)) == facts.total(name), name


def test_what_is_wrong_in_a_budget_is_told_in_its_text() -> None:
    with pytest.raises(SpecError) as caught:
        check("resnet20", ["parms <= 3", "params <= 3KB"])
    assert [(found.code, found.labels[0].span.text) for found in caught.value.diagnostics] == [
        ("E0236", "parms"), ("E0247", "3KB")]
    assert {found.labels[0].span.source.name for found in caught.value.diagnostics} == {"--budget"}


def test_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["check", "resnet20", "resnet32", "--budget", "params <= 1M"]) == 0
    assert cli.run(["check", "resnet20", "resnet32", "--budget", "params <= 300K"]) == 1
    assert cli.run(["check", "resnet20", "--budget", "params <="]) == 2
    assert cli.run(["check", "lib/he2015:cifar", "--set", "n=9", "--budget", "layers == 56"]) == 0
    assert "2 specs: no mistakes, 2 networks within budget" in capsys.readouterr().out
