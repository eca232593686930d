"""`resspec report`, `expand`, `compile`: what they print and write."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from resspec.commands import terminal
from resspec.compiler import load
from resspec.ir.fingerprint import fingerprint
from resspec.opening import shipped_names
from tests.commands.typed import GOOD, WRONG, Captured, ran, spec

pytestmark = pytest.mark.usefixtures("here")
SPECS = Path(__file__).parents[2] / "specs"


def test_report(capsys: Captured) -> None:
    out, err = ran("report resnet152", capsys)
    assert "60,192,808" in out and err == ""
    assert max(map(len, out.splitlines())) == 80


def test_report_fills_the_terminal(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    assert "of macs" in ran("report resnet152", capsys)[0]


def test_report_as_json(capsys: Captured) -> None:
    document = json.loads(ran("report resnet152 --format json", capsys)[0])
    assert document["totals"]["layers"] == 152
    assert document["hash"] == fingerprint(load("resnet152"))


def test_report_of_a_folder(capsys: Captured) -> None:
    """Every network in it once, of libraries none; what is wrong is told, and all else reported."""
    spec("all/one.res", GOOD)
    spec("all/lib.res", "block b { conv 3x3, 4 }\nnetwork t(n) { input 3x8x8; head fc n }\n")
    spec("all/two.res", "use lib\nnetwork two = t n=2\nnetwork three = t n=3\n")
    out, err = ran("report all --format csv", capsys)
    assert [line.split(",")[0] for line in out.splitlines()[1:]] == [
        "all/one.res",
        "all/two.res:two",
        "all/two.res:three",
    ]
    assert err == ""
    for name, text in (
        ("broken", "network b { input 3x8x8 stem relu }\n"),
        ("wrong", WRONG),
        ("part", GOOD + "block c { x"),
    ):
        spec(f"all/{name}.res", text)
    assert len(ran("report all --format csv", capsys, 1)[0].splitlines()) == 4
    spec("libraries/lib.res", "block b { conv 3x3, 4 }\n")
    assert "no file in libraries has a network" in ran("report libraries", capsys, 2)[1]
    timm = SPECS / "timm"
    shipped = [
        entry["spec"]
        for entry in json.loads(ran(f"report {timm} --format json", capsys)[0])["reports"]
    ]
    assert len(set(shipped)) == len(shipped)
    assert {Path(name.rpartition(".res")[0]).relative_to(SPECS).as_posix() for name in shipped} == {
        name for name in shipped_names() if name.startswith("timm/")
    }


def test_set_gives_parameters(capsys: Captured) -> None:
    out = ran("report lib/he2015:cifar --set n=3 --set option=B --format json", capsys)[0]
    assert json.loads(out)["totals"]["layers"] == 20
    assert json.loads(out)["totals"]["params"] == 272_474


def test_a_network_of_a_file(capsys: Captured) -> None:
    spec("two.res", GOOD + "network other { input 3x8x8; stage a: conv 3x3, 5; head fc 2 }\n")
    assert json.loads(ran("report two.res:other --format json", capsys)[0])["network"] == "other"
    assert json.loads(ran("report two.res --format json", capsys)[0])["network"] == "two"


def test_expand_is_a_spec_of_the_same_network(capsys: Captured) -> None:
    Path("again.res").write_text(ran("expand resnet18", capsys)[0], encoding="utf-8")
    assert ran("diff resnet18 again.res", capsys)[0].endswith("the same network: equal hashes\n")


def test_compile_writes_two_files_and_prints_the_report(capsys: Captured) -> None:
    out, err = ran("compile digits", capsys)
    assert out == ran("report digits", capsys)[0]
    assert err == "wrote build/digits.py and build/digits.report.json\n"
    assert sorted(path.name for path in Path("build").iterdir()) == [
        "digits.py",
        "digits.report.json",
    ]
    assert ran("report digits --format json", capsys)[0] == Path(
        "build/digits.report.json"
    ).read_text(encoding="utf-8")
    assert ran("compile digits --emit source", capsys)[0] == Path("build/digits.py").read_text(
        encoding="utf-8"
    )


def test_compile_to_another_folder(capsys: Captured) -> None:
    ran("compile digits --out a/b", capsys)
    assert Path("a/b/digits.py").is_file()
    assert not Path("build").exists()


def test_a_file_that_cannot_be_written_is_named(capsys: Captured) -> None:
    Path("file").touch()
    out, err = ran("compile digits --out file", capsys, 2)
    assert out == "" and re.fullmatch(r"error: cannot write file/digits\.py: .+\n", err)


def test_a_message_says_nothing_to_the_terminal(capsys: Captured) -> None:
    Path("\x1b[2J").touch()
    assert (
        "cannot write <U+001B>[2J/digits.py" in ran("compile digits --out '\x1b[2J'", capsys, 2)[1]
    )


@pytest.mark.parametrize(
    ("stage", "first"),
    [
        ("ast", "SpecFile"),
        ("ir", "network digits: 1x8x8 -> 10"),
        ("ir-json", "{"),
        ("source", '"""digits'),
        ("report", "{"),
    ],
)
def test_emit_prints_a_stage_and_writes_no_file(stage: str, first: str, capsys: Captured) -> None:
    out, err = ran(f"compile digits --emit {stage}", capsys)
    assert out.startswith(first) and out.endswith("\n") and err == ""
    assert not Path("build").exists()


def test_wrong_specs_are_diagnosed_by_every_command(capsys: Captured) -> None:
    spec("wrong.res", WRONG)
    for command in ("report", "compile", "expand", "compile --emit ir", "train"):
        out, err = ran(f"{command} wrong.res", capsys, 1)
        assert out == "" and err.count("error[E0201]") == 1
    assert not Path("build").exists() and not Path("runs").exists()


@pytest.mark.parametrize(
    ("network", "stem", "function"), [("nn", "nn", "nn2"), ("Tensor", "Tensor", "Tensor2")]
)
def test_a_function_that_is_not_called_like_its_network_is_named(
    network: str, stem: str, function: str, capsys: Captured
) -> None:
    err = ran(f"compile {spec(f'{network}.res', GOOD)}", capsys)[1]
    assert f"note: the function is called `{function}`: from {stem} import {function}\n" in err
    source = Path(f"build/{stem}.py").read_text(encoding="utf-8")
    assert f"\ndef {function}(" in source


def test_files_that_were_written_are_listed(capsys: Captured) -> None:
    terminal.wrote([Path("a"), Path("b")])
    terminal.wrote([Path("a"), Path("b"), Path("c")], ", with pictures")
    assert capsys.readouterr().err == "wrote a and b\nwrote a, b and c, with pictures\n"
