"""Warnings: every command that reads a spec as a whole prints them, once, on stderr."""

from __future__ import annotations

import json

import pytest

from tests.commands.typed import Captured, ran, spec

pytestmark = pytest.mark.usefixtures("here")
POOL = "input 1x8x8; stem conv 3x3, 4 -> relu -> maxpool 2; head avgpool -> fc 10"
WARNED = f"network {{}} {{{{ {POOL} }}}}\n"


@pytest.mark.parametrize(
    "command",
    [
        "report net.res",
        "report net.res --by op",
        "report net.res --format html",
        "report net.res digits",
        "compile net.res",
        "compile net.res --emit source",
        "draw net.res",
        "train net.res --plan",
    ],
)
def test_a_command_prints_each_warning_once(command: str, capsys: Captured) -> None:
    spec("net.res", WARNED)
    out, err = ran(command, capsys)
    assert err.count("warning[W") == err.count("warning[W0307]: this pool moves by one pixel") == 1
    assert "W0307" not in out


def test_json_stays_json(capsys: Captured) -> None:
    spec("net.res", WARNED)
    out, err = ran("report net.res --format json", capsys)
    assert json.loads(out)["network"] == "net" and "W0307" in err


def test_a_block_that_two_networks_share_is_warned_of_once(capsys: Captured) -> None:
    stem = "block begin = conv 3x3, 4 -> maxpool 2\n"
    networks = "".join(
        f"network {name} {{{{ input 1x8x8; stem begin; head avgpool -> fc {classes} }}}}\n"
        for name, classes in (("one", 10), ("two", 2))
    )
    spec("nets/net.res", stem + networks)
    for command in ("report nets", "report nets/net.res:one nets/net.res:two"):
        assert ran(command, capsys)[1].count("W0307") == 1


def test_a_mistake_hides_warnings(capsys: Captured) -> None:
    spec("net.res", WARNED.replace("fc 10", "fcc 10"))
    err = ran("report net.res", capsys, 1)[1]
    assert "E0201" in err and "W0307" not in err
