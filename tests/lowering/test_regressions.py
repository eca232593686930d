"""What once went wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.backends.expand import expand
from resspec.compiler import check, load
from resspec.diagnostics import SpecError
from resspec.ir.fingerprint import fingerprint


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "n.res"
    path.write_text(text, encoding="utf-8")
    return path


def codes(tmp_path: Path, body: str, declarations: str = "") -> list[str]:
    path = written(tmp_path, f"{declarations}\nnetwork n {{ input 8x16x16; {body} }}")
    return [diagnostic.code for diagnostic in check(path)]


@pytest.mark.parametrize(
    "number",
    [
        "1 / 3",
        "1 / 1_048_576",
        "1e-17",
        "0.1 / 3e14",
        "123_456_789_012 + 1 / 1_000_000_007",
        "999_999_999_999_999_999",
    ],
)
def test_every_number_can_be_expanded(tmp_path: Path, number: str) -> None:
    law = f"init conv: normal mean=-({number}), std={number}"
    network = load(
        written(
            tmp_path, f"network n {{ input 8x4x4; {law}; head conv 1x1, 4 -> bn eps={number} }}"
        )
    )
    assert fingerprint(load(written(tmp_path, expand(network)))) == fingerprint(network)


@pytest.mark.parametrize(
    "number", ["1e18", "1e-18", "0.0000000000000000001", "1e99", "1e-99", "1e1000000000"]
)
def test_a_number_of_more_than_18_digits(tmp_path: Path, number: str) -> None:
    assert codes(tmp_path, f"head bn eps={number}") == ["E0111"]


def test_a_stride_that_only_the_shortcut_reads_is_used(tmp_path: Path) -> None:
    declarations = """
        block halved { residual maxpool to=8x8; shortcut O }
        shortcut O { same: identity; change: conv 1x1, out, /stride }
    """
    assert codes(tmp_path, "head halved /2", declarations) == []


@pytest.mark.parametrize(
    "constants", ["let a = b + 1; let b = 3", "let b = 3; let a = b + 1", "let a = c; let c = 4"]
)
def test_constants_of_a_body_stand_in_any_order(tmp_path: Path, constants: str) -> None:
    outer = "let b = 100\n"
    assert (
        codes(tmp_path, f"{constants}; head conv 1x1, a -> slice 0, 4; expect params == 32", outer)
        == []
    )
    assert (
        codes(
            tmp_path,
            "head f -> slice 0, 4; expect params == 32",
            f"{outer}block f {{ {constants}; conv 1x1, a }}",
        )
        == []
    )


def test_a_constant_of_a_body_that_needs_itself(tmp_path: Path) -> None:
    assert codes(tmp_path, "let a = b; let b = a; head conv 1x1, a") == ["E0241"]
    assert codes(tmp_path, "head f", "block f { let a = a; conv 1x1, a }") == ["E0241"]


def test_a_parameter_from_outside_that_there_is_not(tmp_path: Path) -> None:
    path = written(tmp_path, "network n(width=4) { input 8x4x4; head conv 1x1, width }")
    with pytest.raises(SpecError, match="`n` has no argument `widht`") as refused:
        load(path, widht=3)
    assert refused.value.diagnostics[0].help == "did you mean `width`?"


def test_a_pool_that_cannot_pad_as_its_dilation_would_says_how_much_it_can(tmp_path: Path) -> None:
    [refused] = check(
        written(tmp_path, "network n { input 8x16x16; head maxpool 3x5, dilation=2 }")
    )
    assert refused.help == "use `padding=1x2` at most"
    assert codes(tmp_path, "head maxpool 3x5, dilation=2, padding=1x2") == []
