"""`resspec check`: what it says of what is wrong, and where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.commands.typed import GOOD, WRONG, Captured, ran, spec

pytestmark = pytest.mark.usefixtures("here")


def test_check_of_what_is_clean(capsys: Captured) -> None:
    assert ran(f"check {spec('good.res', GOOD)}", capsys) == ("good.res: no errors\n", "")
    assert ran("check resnet152 torchvision/resnet18 good.res", capsys) == (
        "3 specs: no errors\n",
        "",
    )


def test_check_shows_mistakes_on_stderr(capsys: Captured) -> None:
    out, err = ran(f"check {spec('wrong.res', WRONG)}", capsys, 1)
    assert out == ""
    assert (
        err
        == """\
error[E0201]: no layer or block is called `fcc`
 --> wrong.res:1:68
  |
1 | network wrong { input 3x8x8; stage a: conv 3x3, 4; head avgpool -> fcc 2 }
  |                                                                    ^^^
  |
  = help: did you mean `fc`?

1 error in wrong.res
"""
    )


def test_check_searches_folders(capsys: Captured) -> None:
    spec("specs/good.res", GOOD)
    spec("specs/deep/also.res", GOOD)
    spec("specs/.hidden/wrong.res", WRONG)
    assert ran("check specs", capsys) == ("2 specs: no errors\n", "")
    spec("specs/deep/wrong.res", WRONG)
    out, err = ran("check specs", capsys, 1)
    assert out == "" and err.endswith("1 error in 1 of 3 specs\n")
    Path("empty").mkdir()
    assert ran("check empty", capsys, 2) == ("", "error: there is no .res file in empty\n")


def test_a_mistake_in_a_library_is_told_once(capsys: Captured) -> None:
    spec("lib.res", "block b { conv 3x3, 4, strid=2 }\nlet a = 1\nlet a = 2\n")
    for name in ("one.res", "two.res"):
        spec(name, "use lib\n" + GOOD)
    _, err = ran("check one.res two.res", capsys, 1)
    assert err.count("error[E0212]") == 1
    assert err.endswith("1 error in 2 of 2 specs\n")


def test_check_goes_on_after_what_it_cannot_read(capsys: Captured) -> None:
    _, err = ran(f"check nowhere.res {spec('wrong.res', WRONG)}", capsys, 2)
    assert "error: there is no spec 'nowhere.res'" in err
    assert "error[E0201]" in err


def test_an_expectation_that_is_not_met(capsys: Captured) -> None:
    spec("e.res", GOOD.replace("fc 2", "fc 2; expect params == 7"))
    _, err = ran("check e.res", capsys, 1)
    assert "`params` is 118, expected 7" in err
    assert "the largest contributors\n" in err
    assert re.search(r"108  91\.5%  a\S*  +e\.res:1", err)
    ran("report e.res", capsys)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_budget_needs_a_network(form: str, capsys: Captured) -> None:
    template = spec("t.res", "network t(n) {{ input 3x8x8; head avgpool -> fc n }}\n")
    err = ran(f"check {template} --budget 'params <= 1M' --format {form}", capsys, 2)[1]
    assert "error: there is no network to check against a budget; --set gives" in err
