"""Words in place of a command: those of other tools, and the spec itself."""

from __future__ import annotations

import shlex

import pytest

from resspec import cli
from resspec.commands import COMMANDS, synonyms
from tests.commands.typed import GOOD, Captured, spec

pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("summary resnet50", "there is no command 'summary'; did you mean report?"),
        ("export resnet50", "there is no command 'export'; did you mean compile?"),
        ("repport resnet50", "there is no command 'repport'; did you mean report?"),
        ("resnet152", "a command comes first, such as `resspec report resnet152`"),
        ("tiny.res", "a command comes first, such as `resspec report tiny.res`"),
        ("tiny", "a command comes first, such as `resspec report tiny`"),
        ("xyzzy", "there is no command 'xyzzy'; there are check, "),
    ],
)
def test_an_unknown_command_says_what_to_write(typed: str, says: str, capsys: Captured) -> None:
    spec("tiny.res", GOOD)
    with pytest.raises(SystemExit):
        cli.run(shlex.split(typed))
    assert says in capsys.readouterr().err


def test_synonyms_are_of_commands_and_are_none_themselves() -> None:
    called = synonyms._CALLED
    assert set(called.values()) <= set(COMMANDS)
    assert not set(called) & set(COMMANDS)
