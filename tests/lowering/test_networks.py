"""Networks: templates and what is derived from them, clauses in any order, laws, replacements,
expectations.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.diagnostics import SpecError, UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.init import Init
from tests.specs.tensors import operations
from tests.texts import chain, check_text, codes, load_text
from tests.texts import written as written_to

TEMPLATE = """
block unit(w) { residual conv 3x3, w, /stride -> bn; shortcut }
shortcut B { same: identity; change: conv 1x1, out, /stride }
network t(n, unit=unit, option=B, size=3x8x8, w=4 * n) {
    input size
    shortcut option
    stage s: n x unit w
    head avgpool -> fc classes
    let classes = 2 * n
    expect layers >= n
}
"""


def test_a_derived_network_is_its_template_with_these_values(tmp_path: Path) -> None:
    text = (
        TEMPLATE + "network d = t n=2, option=none\nnetwork e = d n=3, w=5 { expect layers == 4 }\n"
    )
    path = written_to(tmp_path, text)
    assert fingerprint(load(path, network="d")) == fingerprint(
        load(path, network="t", n=2, option="none")
    )
    assert fingerprint(load(path, network="e")) == fingerprint(
        load(path, network="t", n=3, option="none", w=5)
    )
    assert load(path, network="e").output.dims == (6,)
    assert codes(tmp_path, text) == []


def test_values_of_a_derivation_are_names_of_its_own_file(tmp_path: Path) -> None:
    written_to(tmp_path, TEMPLATE, "lib.res")
    text = "use lib\nlet n = 5\nblock unit(w) { conv 1x1, w }\nnetwork d = t n=n, unit=unit"
    names = [name for name, _ in operations(load_text(tmp_path, text))]
    assert names == [*(f"s.{i}.conv1" for i in range(5)), "avgpool1", "fc"]


@pytest.mark.parametrize(
    ("parameters", "output"),
    [
        ({"n": 2}, 4),
        ({"n": "3"}, 6),
        ({"n": 2, "size": (3, 4, 4)}, 4),
        ({"n": 2, "unit": "bn"}, None),
        ({"n": "1 + 1"}, 4),
    ],
)
def test_parameters_from_outside(
    tmp_path: Path, parameters: dict[str, object], output: int | None
) -> None:
    path = written_to(tmp_path, TEMPLATE)
    if output is None:
        with pytest.raises(SpecError, match="E0205"):
            load(path, network="t", **parameters)  # type: ignore[arg-type]
    else:
        assert load(path, network="t", **parameters).output.dims == (output,)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    ["3; network x { }", "3\nlet y = 4", "", "}", "# 3", "\0", "1e+16", float("nan"), "9" * 5000],
)
def test_a_parameter_from_outside_is_one_value(tmp_path: Path, value: object) -> None:
    with pytest.raises((UsageError, SpecError)):
        load(written_to(tmp_path, TEMPLATE), network="t", n=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("network d = t", []),
        ("network d = t { stage u: relu }", ["E0250"]),
        ("network d = t n=1 { stage s: unit 4; stage s: unit 8 }", ["E0231"]),
        ("network d = t n=1 { stem relu; stem bn }", ["E0231"]),
        ("network d(m) = t n=m", []),
        ("network d(m=2) = t n=m { let m = 3 }", ["E0212"]),
        ("network d(m=2) = t n=m { head fc k }", ["E0202"]),
        ("network d = t n=2 { preact relu }", ["E0230"]),
        ("network d = t n=2, m=3", ["E0203"]),
        ("network d = t 2", ["E0242"]),
        ("network d = t n=2, /2", ["E0211"]),
        ("network d = tt n=2", ["E0225"]),
        ("network d = t n=0 { head fc 1 }", []),
        ("network d = t n=-1 { head fc 1 }", ["E0209", "E0209"]),
        ("network d = e\nnetwork e = d", ["E0241"]),
        ("network d = d", ["E0241"]),
        ("network d = t n=2, n=3", ["E0210"]),
        ("network d = t n=2 { expect layers == 2 }", ["E0311"]),
    ],
)
def test_mistakes_of_derivations(tmp_path: Path, network: str, expected: list[str]) -> None:
    assert sorted(codes(tmp_path, TEMPLATE + network)) == expected


def test_clauses_stand_in_any_order(tmp_path: Path) -> None:
    one = "network n { input 3x8x8; stem conv 3x3, w; stage a: bn; stage b: relu; head fc 3; let w = 4; init kaiming_normal }"
    other = "network n { init kaiming_normal; head fc 3; stage a: bn; let w = 4; stage b: relu; stem conv 3x3, w; input 3x8x8 }"
    assert (
        load_text(tmp_path, one).sections[0].kind
        == load_text(tmp_path, other).sections[0].kind
        == "stem"
    )
    assert fingerprint(load_text(tmp_path, one)) == fingerprint(load_text(tmp_path, other))


@pytest.mark.parametrize(("input", "output"), [("3x8x8", "3x8x8"), ("7", "7"), ("3 * 2", "6")])
def test_input(tmp_path: Path, input: str, output: str) -> None:
    assert str(load_text(tmp_path, f"network n {{ input {input}; head relu }}").output) == output


@pytest.mark.parametrize("input", ["3x8", "1 / 2", "0", "0x8x8", "true", "relu", "3x99999999x8"])
def test_no_input(tmp_path: Path, input: str) -> None:
    assert codes(tmp_path, f"network n {{ input {input}; head relu }}")[0] in (
        "E0207",
        "E0208",
        "E0209",
    )


# --- initialisation ---


def laws(
    folder: Path,
    clauses: str,
    steps: str = "conv 3x3, 4, bias=true -> bn -> to_last -> linear 5 -> fc 6",
) -> list[str]:
    """What starts conv, bn, linear and fc."""
    network = load_text(folder, f"network n {{ input 3x8x8; {clauses}; head {steps} }}")
    return [str(op.init) for _, op in operations(network) if op.kind != "to_last"]


KAIMING = "kaiming_normal mode=fan_in nonlinearity=relu bias=0"


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("let a = 1", ["None", "None", "None", "None"]),
        (
            "init kaiming_normal",
            [KAIMING, "None", KAIMING, KAIMING],
        ),  # every layer with weights; norms start at 1
        (
            "init kaiming_normal; init fc: normal std=0.01",
            [KAIMING, "None", KAIMING, "normal mean=0 std=1/100 bias=0"],
        ),
        (
            "init fc: normal std=0.01; init kaiming_normal",
            [KAIMING, "None", KAIMING, "normal mean=0 std=1/100 bias=0"],
        ),
        ("init kaiming_normal; init linear: default", [KAIMING, "None", "None", KAIMING]),
        ("init conv: default bias=0", ["default bias=0", "None", "None", "None"]),
        (
            "init conv: xavier_uniform bias=default",
            ["xavier_uniform gain=1", "None", "None", "None"],
        ),
        ("init bn: zeros", ["None", "constant value=0 bias=0", "None", "None"]),
        ("init bn: ones", ["None", "None", "None", "None"]),
        (
            "init bn: normal mean=1, std=0.02",
            ["None", "normal mean=1 std=1/50 bias=0", "None", "None"],
        ),
        (
            "init constant value=1 / 3, bias=1",
            ["constant value=1/3 bias=1", "None", *["constant value=1/3 bias=1"] * 2],
        ),
    ],
)
def test_laws(tmp_path: Path, clauses: str, expected: list[str]) -> None:
    assert laws(tmp_path, clauses) == expected


def test_scale_at_a_layer_is_more_specific_than_any_law(tmp_path: Path) -> None:
    clauses, steps = (
        "init bn: normal mean=1, std=0.02; replace gn: bn",
        "bn -> bn scale=0 -> gn 1, scale=1 / 2 -> bn scale=1",
    )
    found = laws(tmp_path, clauses, steps)
    zero, half = (
        str(Init("constant", (("value", value),))) for value in (Fraction(0), Fraction(1, 2))
    )
    assert found == ["normal mean=1 std=1/50 bias=0", zero, half, "None"]


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ("init relu: zeros", "E0243"),
        ("init bn: kaiming_normal", "E0243"),
        ("init ln: xavier_uniform", "E0243"),
        ("init residual: normal", "E0243"),
        ("init residual: constant value=0, bias=1", "E0243"),
        ("init convv: zeros", "E0228"),
        ("init kaiming", "E0227"),
        ("init normal sdt=1", "E0203"),
        ("init normal 1", "E0205"),
        ("init normal /2", "E0205"),
        ("init kaiming_normal mode=fan_avg", "E0229"),
        ("init kaiming_normal mode=3", "E0229"),
        ("init normal std=true", "E0207"),
        ("init zeros; init ones", "E0231"),
        ("init fc: zeros; init fc: ones", "E0231"),
    ],
)
def test_mistakes_of_laws(tmp_path: Path, clause: str, code: str) -> None:
    assert codes(tmp_path, f"network n {{ input 3x8x8; {clause}; head fc 3 }}") == [code]


# --- replace ---


def test_replace_swaps_a_kind_everywhere(tmp_path: Path) -> None:
    """Also inside of libraries; the call as written replaces the whole call, and laws go by the new
    kind.
    """
    clauses = "input 3x8x8; shortcut B; replace bn: gn groups=2; replace relu: silu; init gn: zeros; head basic 4, /2"
    text = f"use he2015\nnetwork n {{ {clauses} }}"
    found = {op.kind: str(op.init) for _, op in operations(load_text(tmp_path, text))}
    assert found == {"conv": "None", "gn": "constant value=0 bias=0", "silu": "None"}


@pytest.mark.parametrize(
    ("clause", "code"),
    [
        ("replace bnn: gn 1", "E0228"),
        ("replace bn: gnn 1", "E0228"),
        ("replace bn: unit", "E0239"),
        ("replace bn: gn", "E0206"),
        ("replace bn: gn 1; replace bn: ln2d", "E0231"),
        ("replace bn: gn in", "E0220"),
        ("replace bn: gn 2", "E0304"),
    ],
)
def test_mistakes_of_replacements(tmp_path: Path, clause: str, code: str) -> None:
    block = "block unit { bn }"
    assert codes(tmp_path, f"{block}\nnetwork n {{ input 3x8x8; {clause}; head bn }}") == [code]


# --- expect ---


@pytest.mark.parametrize(
    ("expectation", "met"),
    [
        ("params == 30", True),
        ("params == 31", False),
        ("params <= 30", True),
        ("params < 30", False),
        ("params >= 30", True),
        ("params > 30", False),
        ("params in 29 .. 31", True),
        ("params in 31 .. 40", False),
        ("macs == 1728", True),
        ("flops == 3456", True),
        ("layers == 1", True),
        ("buffers == 0", True),
        ("acts == 192", True),
        ("params == 10 * 3", True),
        ("params in 0.03K .. 1 / 2 * 60", True),
    ],
)
def test_expectations(tmp_path: Path, expectation: str, met: bool) -> None:
    text = (
        f"network n {{ input 3x8x8; head conv 3x3, 3, groups=3, bias=true; expect {expectation} }}"
    )
    assert codes(tmp_path, text) == ([] if met else ["E0311"])


@pytest.mark.parametrize(
    ("expectation", "code"),
    [
        ("parms == 3", "E0236"),
        ("params == 3x3", "E0207"),
        ("params in 1 .. true", "E0207"),
        ("params == x1", "E0202"),
        ("params(size=3) == 81", "E0203"),
        ("params(3) == 81", "E0242"),
        ("saved_bytes(/2) <= 3", "E0211"),
        ("saved_bytes(batch=2, batch=3) <= 3", "E0210"),
        ("saved_bytes(batch=0) <= 3", "E0209"),
        ("saved_bytes(batch=1 / 2) <= 3", "E0208"),
        ("saved_bytes(batch=3x3) <= 3", "E0207"),
        ("saved_bytes(batch=n) <= 3", "E0202"),
        ("layers <= 3 K", "E0119"),
        ("saved_bytes(dtype=float8) <= 3", "E0229"),
        ("saved_bytes(dtype=16) <= 3", "E0229"),
        ("saved_bytes(optimizer=adam) <= 3", "E0203"),
        ("training_bound_bytes(optimizer=adan) <= 3", "E0229"),
        ("params <= 3KB", "E0247"),
        ("params in 1 .. -(2 * 3KiB)", "E0247"),
        ("saved_bytes <= 3kB", "E0119"),
        ("params in 2G .. 1G", "E0248"),
        ("saved_bytes in (2 * 1MiB) .. (1MB + 1)", "E0248"),
    ],
)
def test_mistakes_of_expectations(tmp_path: Path, expectation: str, code: str) -> None:
    assert codes(
        tmp_path, f"network n {{ input 3x8x8; head conv 3x3, 3; expect {expectation} }}"
    ) == [code]


def test_an_unmet_expectation_names_the_largest_contributors(tmp_path: Path) -> None:
    clauses = "input 3x8x8; stem conv 3x3, 8; head a: conv 1x1, 4 -> fc 9; expect params == 1"
    (found,) = check_text(tmp_path, f"network n {{ {clauses} }}")
    assert found.message == "`params` is 2,561, expected 1"
    heading, *parts = found.notes[0].splitlines()
    assert heading == "the largest contributors"
    assert [part.split()[:3] for part in parts] == [
        ["2,313", "90.3%", "fc"],
        ["216", "8.4%", "conv1"],
        ["32", "1.2%", "a"],
    ]
    assert all(part.endswith("spec.res:1") for part in parts)


def test_a_network_that_does_not_expect_is_still_checked(tmp_path: Path) -> None:
    assert codes(tmp_path, chain("conv 3x3, 4 -> bnn")) == ["E0201"]
