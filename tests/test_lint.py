"""Warnings: what they say nothing about. What they say is in tests/diagnostics."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec import cli
from resspec.compiler import examine
from resspec.source import Source
from resspec.syntax.format import lay_out
from tests.texts import written

SPECS = sorted((Path(__file__).parents[1] / "specs").rglob("*.res"))


def codes(folder: Path, text: str) -> list[str]:
    examined = examine(written(folder, text))
    assert examined.diagnostics == []
    return [found.code for found in examined.warnings()]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_what_is_shipped_has_none(path: Path) -> None:
    assert examine(path).warnings() == []


@pytest.mark.parametrize(
    "text",
    [
        "let a = 1\nblock b(c) = relu -> c",  # a library
        "let a = 1\nblock b(c, d=a + c) = relu -> d\nnetwork t(n) { input 3x8x8; head fc n }",  # templates are one too
        "let a = 1\nnetwork n { input 3x8x8; stem conv 3x3, a; init conv: normal std=a; head fc 2 }",
        "block b = relu\nblock c(f) = f\nnetwork n { input 3x8x8; stem c b; replace gelu: relu; head fc 2 }",
        "block b = relu\nshortcut S { same: b }\nnetwork n { input 3x8x8; head fc 2 }",
        "network n(w=3) { input 3x8x8; head fc 2; expect layers <= w }\nnetwork m = n w=4",
        "network n { input 3x8x8; stem conv 3x3, 4, bias=true -> relu -> bn -> conv 3x3, 4, bias=false -> bn; head fc 2 }",
        "network n { input 3x8x8; stem conv 3x3, 4, bias=true -> ln2d -> conv 3x3, 4, bias=true -> gn 2; head fc 2 }",
        "network n { input 3x224x224; stem conv 7x7, 64, /2; head fc 2 }",
        "network net11 { input 3x8x8; stem 9 x conv 3x3, 4; head fc 4; expect layers == 10 }",  # which its author knows
        "network net11 { input 3x11x11; stem 9 x conv 3x3, 4; head fc 4 }\nnetwork net10 = net11",  # the side of the picture
        "network v2 { input 3x8x8; head fc 3 }\nnetwork net40 { input 3x8x8; head fc 3 }",
        "network n { input 3x8x8; stem conv 3x3, 4 -> avgpool to=1x2 -> bn; head fc 3 }",
        (
            "block b { residual conv 1x1, in, /stride -> conv 1x1, in; shortcut S }\n"  # which strides over one pixel
            "shortcut S { same: identity; change: conv 1x1, out, /stride }\n"
            "network n { input 4x8x8; stem avgpool -> b /2; head fc 3 }"
        ),
        "network n { input 3x32x32; stem conv 7x7, 64; head fc 2 }",
        "network n { input 3x8x8; stem maxpool 3x3 -> conv 3x3, 4; head avgpool 8x8 -> fc 2 }",
        "network n { input 3x8x8; stem maxpool 2x2, /1 -> avgpool 1x1; head avgpool 3x3, /1 -> fc 2 }",
        "network n { input 3x8x8; stem maxpool to=4x4; head avgpool 4x4, /2 -> fc 2 }",
        "network n { input 3x8x8; head avgpool 3x3 -> conv 1x1, 2 -> fc 2 }",
        "network n(p=0) { input 3x8x8; head avgpool -> dropout p -> fc 2 }",  # a switch
    ],
)
def test_good_style_has_no_warning(text: str, tmp_path: Path) -> None:
    assert codes(tmp_path, text) == []


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("", ["W0201", "W0301"]),
        ("# allow W0201", ["W0301"]),
        ("# why; allow W0301, W0201", []),
        ("# allow", ["W0201", "W0301"]),
        ("# W0201 W0301", ["W0201", "W0301"]),
        ("\n# allow W0201 W0301", ["W0201", "W0301"]),
    ],
)
def test_a_comment_allows_a_line(comment: str, expected: list[str], tmp_path: Path) -> None:
    clauses = "input 3x8x8; let a = 1; stem conv 3x3, 4, bias=true -> bn; head fc 2"
    assert codes(tmp_path, f"network n {{\n{clauses}  {comment}\n}}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{BLOCK}  # allow W0301\n{NETWORK}", []),
        ("# allow W0301\n{BLOCK}\n{NETWORK}", ["W0301"]),
        ("{BLOCK}\n{NETWORK}  # allow W0301", ["W0301"]),
        ("block b { residual conv 3x3, 3, bias=true\n-> bn # allow W0301\nshortcut S }\n{NETWORK}", []),
        ("block b { residual conv 3x3, 3, bias=true\n-> bn\nshortcut S # allow W0301\n}\n{NETWORK}", ["W0301"]),
        ("block b { residual conv 3x3, 3, bias=true\n-> bn\nshortcut S\n} # allow W0301\n{NETWORK}", []),
        ("shortcut O { same: conv 1x1, out, bias=true\n-> bn # allow W0301\n}\n{BLOCK} # allow W0301\n{NETWORK}", []),
    ],
)  # fmt: skip
def test_a_comment_allows_the_clause_that_it_follows(
    text: str, expected: list[str], tmp_path: Path
) -> None:
    option = "shortcut S { same: identity; change: none }\n"
    block = "block b { residual conv 3x3, 3, bias=true -> bn; shortcut S }"
    network = "network n { input 3x8x8; stem b; head fc 2 }"
    written = option + text.replace("{BLOCK}", block).replace("{NETWORK}", network)
    assert codes(tmp_path, written) == expected
    laid_out = lay_out(Source("n.res", written))
    assert codes(tmp_path, laid_out) == expected


@pytest.mark.parametrize(
    ("comment", "expected"), [("", ["W0303"]), ("# allow W0303", []), ("# allow W0301", ["W0303"])]
)
def test_a_library_allows_for_all_its_users(
    comment: str, expected: list[str], tmp_path: Path
) -> None:
    (tmp_path / "gates.res").write_text(f"block gate = conv 1x1, 4\n  -> bn {comment}\n  -> relu\n")
    text = "use gates\nnetwork n { input 3x8x8; stem avgpool -> gate; head fc 2 }\n"
    assert codes(tmp_path, text) == expected


def test_check_shows_warnings_and_ends_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.res"
    path.write_text("let a = 1\nnetwork n { input 3x8x8; head fc 2 }\n")
    assert cli.run(["check", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{path}: no errors, 1 warning\n" and err.startswith(
        "warning[W0201]: `a` is never used"
    )
    path.write_text("let a = 1\nnetwork n { input 3x8x8; head cf 2 }\n")
    assert cli.run(["check", str(path)]) == 1
    assert "W0201" not in capsys.readouterr().err
