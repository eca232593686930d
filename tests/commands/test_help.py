"""`resspec help`, the index of `resspec explain`, and what is said of unknown commands."""

from __future__ import annotations

import pytest

from resspec import cli, shipped
from resspec.commands import COMMANDS
from resspec.commands.explain import WIDTH, groups
from tests.commands.typed import Captured


@pytest.mark.parametrize("command", ["", *COMMANDS, "study degradation"])
def test_help_of_a_command_is_its_help_option(command: str, capsys: Captured) -> None:
    assert cli.run(["help", *command.split()]) == 0
    asked = capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.run([*command.split(), "--help"])
    assert capsys.readouterr().out == asked


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("repot resnet18", "there is no command 'repot'; did you mean report?"),
        ("chekc --fix a.res", "there is no command 'chekc'; did you mean check?"),
        ("study shortcut", "there is no command 'shortcut'; did you mean shortcuts?"),
        (
            "report --bach-size 3 resnet18",
            "there is no option --bach-size here; did you mean --batch-size?",
        ),
        (
            "report --batch 3 resnet18",
            "there is no option --batch here; did you mean --batch-size?",
        ),
    ],
)
def test_an_unknown_command_or_option_is_answered_with_the_nearest(
    argv: str, message: str, capsys: Captured
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.run(argv.split())
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: {message}\nhelp: resspec")


def test_an_unknown_command_without_a_neighbor_is_answered_with_all(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        cli.run(["qqqqqq"])
    err = capsys.readouterr().err
    assert all(command in err for command in COMMANDS)


def test_help_of_an_unknown_command_names_the_nearest(capsys: Captured) -> None:
    assert cli.run(["help", "study", "shortcut"]) == 2
    told = "`resspec study` has no command 'shortcut'; did you mean shortcuts?"
    assert told in capsys.readouterr().err


def test_explain_without_a_code_lists_every_code_with_its_title(capsys: Captured) -> None:
    assert cli.run(["explain"]) == 0
    out = capsys.readouterr().out
    pages = {path.stem for path in shipped.path("grammar", "diagnostics").glob("*.md")}
    listed = [code for titles in groups().values() for code in titles]
    assert sorted(listed) == sorted(pages)
    assert all(f"\n  {code}  " in out for code in pages)
    assert max(map(len, out.splitlines())) <= WIDTH
