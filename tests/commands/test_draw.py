"""`resspec draw`: which file it writes, and what it says where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec import cli
from tests.texts import written

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ("resnet18", "build/resnet18.svg"),
        ("torchvision/resnet18 plain20 --unfold --layers", "build/resnet18-plain20.svg"),
        ("lib/he2015:cifar --set n=3", "build/he2015-cifar.svg"),
        ("resnet18 -o deep/net.svg --color-by saved", "deep/net.svg"),
        ("--diff resnet18 resnet34", "build/resnet18-resnet34.svg"),
    ],
)
def test_draw_writes_the_named_file(
    arguments: str, path: str, here: Path, capsys: Captured
) -> None:
    assert cli.run(["draw", *arguments.split()]) == 0
    assert capsys.readouterr() == ("", f"wrote {path}\n")
    assert (here / path).stat().st_size > 5000


@pytest.mark.usefixtures("font")
def test_draw_writes_a_png(here: Path, capsys: Captured) -> None:
    assert cli.run("draw resnet18 -o net.png --input 3x64x64".split()) == 0
    assert capsys.readouterr() == ("", "wrote net.png\n")
    assert (here / "net.png").stat().st_size > 5000


def test_draw_prints_an_svg_and_writes_no_file(here: Path, capsys: Captured) -> None:
    assert cli.run(["draw", "resnet18", "-o", "-"]) == 0
    out, err = capsys.readouterr()
    assert (out[:5], out[-7:], err) == ("<svg ", "</svg>\n", "")
    assert not list(here.iterdir())


def test_a_difference_that_cannot_be_seen(capsys: Captured) -> None:
    assert cli.run(["draw", "--diff", "resnet34", "resnet34:resnet34_a", "-o", "-"]) == 0
    assert (
        capsys.readouterr().err
        == "nothing is marked: the networks differ in names and initial values at most\n"
    )


def test_two_of_one_name_are_called_as_they_were_given(capsys: Captured) -> None:
    assert cli.run(["draw", "resnet18", "torchvision/resnet18", "-o", "-"]) == 0
    assert '<title id="net-title">resnet18, torchvision/resnet18</title>' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["resnet18", "-o", "net.pdf"], "error: net.pdf is not an .svg or .png file\n"),
        (
            ["--diff", "resnet18"],
            "error: --diff draws two networks: resspec draw --diff A B\n",
        ),
        (
            ["resnet18", "resnte34"],
            "error: there is no spec 'resnte34'; did you mean 'resnet34'?\n",
        ),
        (
            ["long.res", "--unfold"],
            "error: long has 60,003 layers and merges; a picture has at most 50,000; folded, repeats are drawn once\n",
        ),
    ],
)
def test_what_cannot_be_drawn(
    arguments: list[str], says: str, here: Path, capsys: Captured
) -> None:
    written(
        here,
        "network long { input 3x8x8; stage a: 60_000 x { conv 3x3, 3 }; head avgpool -> fc 2 }",
        "long.res",
    )
    before = list(here.iterdir())
    assert cli.run(["draw", *arguments]) == 2
    assert capsys.readouterr() == ("", says)
    assert list(here.iterdir()) == before


def test_wrong_specs_are_diagnosed(here: Path, capsys: Captured) -> None:
    written(here, "network bad { input 3x8x8; head avgpoool }", "bad.res")
    assert cli.run(["draw", "bad.res"]) == 1
    assert "error[E0" in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["bad.res"]
