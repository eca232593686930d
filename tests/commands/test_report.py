"""`resspec report`: which networks of which files it is about."""

from __future__ import annotations

import json

import pytest

from tests.commands.typed import Captured, ran, spec

pytestmark = pytest.mark.usefixtures("here")
NETWORK = "network {name} {{ input 3x8x8; head avgpool -> fc {classes} }}\n"
TWO = NETWORK.format(name="one", classes=2) + NETWORK.format(name="two", classes=3)
TEMPLATE = "network three(n) { input 3x8x8; head avgpool -> fc n }\n"


def names(command: str, capsys: Captured) -> list[str]:
    return [
        each["spec"] for each in json.loads(ran(f"{command} --format json", capsys)[0])["reports"]
    ]


def test_a_file_of_several_is_reported_as_a_folder_is(capsys: Captured) -> None:
    spec("nets/nets.res", TWO + TEMPLATE)
    from_file, from_folder = names("report nets/nets.res", capsys), names("report nets", capsys)
    assert from_file == from_folder == ["nets/nets.res:one", "nets/nets.res:two"]
    assert ran("report nets/nets.res", capsys)[0] == ran("report nets", capsys)[0]
    spec("other.res", NETWORK.format(name="four", classes=4))
    assert names("report nets/nets.res other.res", capsys) == [*from_file, "other.res"]


def test_a_file_of_several_gives_the_one_that_is_called_like_it(capsys: Captured) -> None:
    spec("two.res", TWO)
    assert ran("report two.res", capsys)[0].startswith("two ")
    assert ran("report two.res:one", capsys)[0].startswith("one ")


def test_one_network_beside_templates_is_the_one(capsys: Captured) -> None:
    spec("nets.res", NETWORK.format(name="one", classes=2) + TEMPLATE)
    assert ran("report nets.res", capsys)[0].startswith("one ")


@pytest.mark.parametrize("more", ["--by op", "--format html"])
def test_what_is_of_one_network_says_how_to_name_one(more: str, capsys: Captured) -> None:
    spec("nets.res", TWO)
    assert "name one, such as nets.res:one" in ran(f"report nets.res {more}", capsys, 2)[1]


def test_what_is_wrong_is_told_once(capsys: Captured) -> None:
    spec("nets.res", TWO.replace("fc 2", "fcc 2"))
    err = ran("report nets.res", capsys, 1)[1]
    assert err.count("E0201") == 1
    spec("broken.res", TWO + "network {")
    assert ran("report broken.res", capsys, 1)[1].startswith("error[E01")
    assert "there is no spec 'absent.res'" in ran("report absent.res", capsys, 2)[1]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tiny", "tiny.res"),
        ("tiny:tiny", "tiny.res:tiny"),
        ("tiney.res", "tiny.res"),
        ("nets/other", "nets/other.res"),
        ("./tiny", "./tiny.res"),
        ("resnet51", "resnet50"),
    ],
)
def test_an_unknown_spec_names_the_file_or_spec_that_was_meant(
    typed: str, meant: str, capsys: Captured
) -> None:
    spec("tiny.res", NETWORK.format(name="tiny", classes=2))
    spec("nets/other.res", NETWORK.format(name="other", classes=2))
    said = f"error: there is no spec {typed!r}; did you mean {meant!r}?\n"
    assert ran(f"report {typed}", capsys, 2)[1] == said
