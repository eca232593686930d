"""`resspec report`: which networks of which files it is about."""

from __future__ import annotations

import csv
import json

import pytest

from resspec.commands import given
from resspec.commands.sweep import combinations
from resspec.opening import shipped_names
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


# --- folders that come with resspec ---


def test_a_folder_that_comes_with_resspec_is_a_table_of_its_specs(capsys: Captured) -> None:
    there = [name for name in shipped_names() if name.startswith("torchvision/vgg")]
    assert len(there) == 8
    found = names("report torchvision/", capsys)
    assert set(there) < set(found)
    assert all(name.startswith("torchvision/") for name in found)
    assert given.specs("torchvision") == found


def test_a_folder_here_comes_first(capsys: Captured) -> None:
    spec("torchvision/mine.res", NETWORK.format(name="mine", classes=2))
    assert names("report torchvision/", capsys) == ["torchvision/mine.res"]


def test_no_shipped_file_is_formatted(capsys: Captured) -> None:
    assert "torchvision" in ran("fmt torchvision", capsys, 2)[1]


# --- sweeps ---

WIDE = """
network wide(width, depth=1) {
    input 3x8x8
    stem depth x conv 3x3, width
    head avgpool -> fc 2
}
"""


def rows(command: str, capsys: Captured) -> list[dict[str, str]]:
    return list(csv.DictReader(ran(f"{command} --format csv", capsys)[0].splitlines()))


def test_a_sweep_has_a_row_for_each_combination(capsys: Captured) -> None:
    spec("wide.res", WIDE)
    found = rows("report wide.res --sweep width=4,8 --sweep depth=1,2,3", capsys)
    settings = [(int(row["set_width"]), int(row["set_depth"])) for row in found]
    assert settings == [(4, 1), (4, 2), (4, 3), (8, 1), (8, 2), (8, 3)]
    for (width, depth), row in zip(settings, found, strict=True):
        stem = (3 * 9 + 1) * width + (depth - 1) * (width * 9 + 1) * width
        head = 2 * width + 2
        alone = rows(f"report wide.res --sweep width={width} --set depth={depth}", capsys)[0]
        assert int(row["params"]) == stem - depth * width + head == int(alone["params"])


def test_every_form_of_a_sweep_has_its_values(capsys: Captured) -> None:
    spec("wide.res", WIDE)
    command = "report wide.res --sweep width=4,8 --memory 1GB"
    table = [line.split() for line in ran(command, capsys)[0].splitlines()]
    assert table[0] == "spec width input params macs acts saved layers max batch".split()
    assert [line[:3] for line in table[2:4]] == [
        ["wide.res", "4", "3x8x8"],
        ["wide.res", "8", "3x8x8"],
    ]
    page = ran(f"{command} --format markdown", capsys)[0]
    assert page.splitlines()[0].startswith("| spec | width | input | params |")
    document = json.loads(ran(f"{command} --format json", capsys)[0])
    assert [each["set"] for each in document["reports"]] == [{"width": "4"}, {"width": "8"}]


def test_a_parameter_is_swept_or_set(capsys: Captured) -> None:
    spec("wide.res", WIDE)
    err = ran("report wide.res --sweep width=4,8 --set width=4", capsys, 2)[1]
    assert "`width` is already set to 4" in err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("width=4,8 --sweep width=2", "`width` is given twice"),
        ("width=4,,8", "has an empty value"),
        ("width=4,8,4", "has the value 4 twice"),
        ("width", "is not NAME=VALUE"),
    ],
)
def test_a_sweep_that_is_ambiguous_is_a_mistake(typed: str, said: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        ran(f"report wide.res --sweep {typed}", capsys, 2)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("input", "use --input"),
        ("output", "use --output"),
        ("network", "write FILE:NAME"),
        ("spec", "as the first argument"),
    ],
)
def test_what_is_no_parameter_is_not_set(name: str, said: str, capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        ran(f"report resnet20 --set {name}=3", capsys, 2)
    assert said in capsys.readouterr().err


def test_commas_in_brackets_belong_to_a_value() -> None:
    found = combinations([("n", "[1,2],[3,4]")], {})
    assert found == [{"n": "[1,2]"}, {"n": "[3,4]"}]
