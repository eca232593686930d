"""Every command refuses a number that is malformed or out of range before it does anything."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator

import pytest

from resspec import cli
from resspec.commands import COMMANDS, load, numbers
from resspec.commands.parsing import Parser
from tests.commands.typed import Captured

NEVER = ["x", "", "-1", "1_0", " 10", "1.5", "٣", "1e3", "9" * 31, "9" * 5000]


def refused(argv: list[str], capsys: Captured) -> str:
    with pytest.raises(SystemExit) as stopped:
        cli.run(argv)
    assert stopped.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "option", "out_of_range"),
    [
        ("bench digits", "--batch-size", ["0", str(2**63)]),
        ("eval digits", "--batch-size", ["0", str(2**63)]),
        ("eval digits", "--workers", [str(10**30)]),
        ("probe digits", "--batch-size", ["0", "1", str(2**63)]),
        ("probe digits", "--seed", [str(2**63)]),
        ("report digits", "--batch-size", ["0", str(10**18)]),
        ("study degradation", "--seeds", ["0", str(10**30)]),
        ("train digits", "--seed", [str(2**63)]),
        ("train digits", "--epochs", ["0", str(2**63)]),
        ("train digits", "--workers", [str(10**30)]),
    ],
)
def test_whole_numbers_are_held_to_their_range(
    command: str, option: str, out_of_range: list[str], capsys: Captured
) -> None:
    for text in NEVER + out_of_range:
        said = refused([*command.split(), f"{option}={text}"], capsys)
        assert f"argument {option}: {text!r} is not a whole number from " in said


@pytest.mark.parametrize("text", ["inf", "nan", "1e400", "1" * 31, "0", "-1", "x", "", "1_0"])
def test_a_time_is_finite_and_positive(text: str, capsys: Captured) -> None:
    said = refused(["bench", "digits", f"--seconds={text}"], capsys)
    assert f"argument --seconds: {text!r} is not a number of seconds from 0.1 to 86,400" in said


def test_numbers_in_range() -> None:
    assert numbers.seed(str(2**63 - 1)) == 2**63 - 1
    assert numbers.whole(0, 10)("007") == 7
    assert numbers.seconds("0.5") == 0.5
    assert [numbers.size(text) for text in ("24GB", "1.5KiB", "7B")] == [24 * 10**9, 1536, 7]


def parsers() -> Iterator[ArgumentParser]:
    for command in map(load, COMMANDS):
        parser = Parser()
        command.arguments(parser)
        yield parser
        yield from parser.commands.values()


def test_no_option_reads_numbers_in_another_way() -> None:
    readers = {action.type for parser in parsers() for action in parser._actions}
    assert not readers & {int, float}
