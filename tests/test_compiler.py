"""Libraries, what `check` reports, and calls from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import resspec
from resspec.compiler import check, load
from resspec.diagnostics import SpecError, UsageError
from resspec.ir.fingerprint import fingerprint
from tests.specs.tensors import operations
from tests.texts import chain, codes, written

ONE = "network one { input 3x8x8; head fc 1 }\n"
TWO = ONE + "network two { input 3x8x8; head fc 2 }\n"
THREE = TWO + "network spec { input 3x8x8; head fc 3 }\n"


def width(network: object) -> int:
    output: tuple[int, ...] = network.output.dims  # type: ignore[attr-defined]
    return output[0]


# --- libraries ---


def used(folder: Path, text: str) -> list[str]:
    return [name for name, _ in operations(load(written(folder, text)))]


def test_a_library_beside_the_file_comes_before_a_shipped_one(tmp_path: Path) -> None:
    assert codes(tmp_path, chain("shortcutless", "use he2015")) == ["E0201"]
    written(tmp_path, "block shortcutless { bn }", "he2015.res")
    assert used(tmp_path, chain("shortcutless", "use he2015")) == ["shortcutless1.bn1"]


def test_files_are_beside_their_user(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    written(tmp_path / "parts", 'use "deeper.res"\nblock outer { inner }', "outer.res")
    written(tmp_path / "parts", "block inner { bn }", "deeper.res")
    written(tmp_path, "block inner { relu }", "deeper.res")
    assert used(tmp_path, chain("outer", 'use "parts/outer.res"')) == ["outer1.inner1.bn1"]


def test_names_come_through_libraries_that_use_others(tmp_path: Path) -> None:
    written(tmp_path, "use two\nlet one = 1", "one.res")
    written(tmp_path, "block b { bn }", "two.res")
    assert used(tmp_path, chain("b", "use one")) == ["b1.bn1"]


def test_own_declarations_win_over_used_ones(tmp_path: Path) -> None:
    written(tmp_path, "block b { bn }\nblock c { b }", "lib.res")
    assert used(tmp_path, chain("b -> c", "use lib\nblock b { relu }")) == [
        "b1.relu1",
        "c1.b1.bn1",
    ]  # each file by its own


def test_a_nearer_library_wins_over_what_it_uses(tmp_path: Path) -> None:
    written(tmp_path, "use far\nblock b { bn }", "near.res")
    written(tmp_path, "block b { relu }", "far.res")
    assert used(tmp_path, chain("b", "use near")) == ["b1.bn1"]


def test_two_libraries_that_define_a_name_are_a_mistake_where_it_is_used(tmp_path: Path) -> None:
    written(tmp_path, "block b { bn }", "one.res")
    written(tmp_path, "block b { relu }", "two.res")
    uses = "use one\nuse two"
    assert codes(tmp_path, chain("bn", uses)) == []
    assert codes(tmp_path, chain("b", uses)) == ["E0215"]
    assert codes(tmp_path, chain("b", f"{uses}\nblock b {{ gelu }}")) == []


def test_one_library_by_two_ways_is_one(tmp_path: Path) -> None:
    written(tmp_path, "block b { bn }", "base.res")
    written(tmp_path, "use base", "one.res")
    written(tmp_path, 'use "../' + tmp_path.name + '/base.res"', "two.res")
    assert used(tmp_path, chain("b", "use one\nuse two\nuse base\nuse base")) == ["b1.bn1"]


@pytest.mark.parametrize("other", ["c1", "c3", "spec", "../{}/c1"])
def test_libraries_in_a_circle_are_one_mistake(tmp_path: Path, other: str) -> None:
    written(tmp_path, "use c2", "c1.res")
    written(tmp_path, "use c3", "c2.res")
    written(tmp_path, f'use "{other.format(tmp_path.name)}.res"\nlet width = 3', "c3.res")
    assert codes(tmp_path, chain("conv 1x1, width", "use c1")) == ["E0216"]


def test_a_missing_library_is_one_mistake(tmp_path: Path) -> None:
    text = chain("unit -> unit2 half -> conv 1x1, half", "use nowhere").replace(
        "input", "shortcut B; input"
    )
    assert codes(tmp_path, text) == ["E0217"]


def test_a_broken_library_is_one_mistake(tmp_path: Path) -> None:
    written(tmp_path, "block unit = conv 3x3,", "lib.res")
    written(tmp_path, "use lib\nblock other { unit }", "between.res")
    assert codes(tmp_path, chain("unit -> other", "use between\nuse lib")) == ["E0109"]


# --- check ---


def test_check_finds_the_mistakes_of_all_networks(tmp_path: Path) -> None:
    heads = {"a": "bnn", "b": "reluu", "c(n)": "n x geluu"}
    text = "\n".join(
        f"network {name} {{ input 3x8x8; head {head} }}" for name, head in heads.items()
    )
    assert codes(tmp_path, text) == ["E0201"] * 3
    assert [d.labels[0].span.text for d in check(f"{written(tmp_path, text)}:b")] == ["reluu"]


@pytest.mark.parametrize(
    "declaration",
    [
        "block b(w) { conv 3x3, wdth }",
        "block b(w) = conv 3x3, 4 -> { 3 x reluu }",
        "block b { residual bn; shortcut Q }",
        "block b(w, v=u) { bn }",
        "shortcut S { change: conv 1x1, outt }",
        "let a = b",
        "block b(f) { f 3 -> conv 3x3, 4, pad=1 }",
        "network t(n) { input 3x8x8; head n x bnn }",
        "network t(n) { input 3x8x8; shortcut S; head n x bn }",
        "network t(n) { input 3x8x8; head bn; expect parms == n }",
        "block b(n) { n x { add { bn | reluu } } }",
    ],
)
def test_check_finds_mistakes_that_no_network_reaches(tmp_path: Path, declaration: str) -> None:
    assert len(codes(tmp_path, declaration)) == 1
    assert len(codes(tmp_path, f"{declaration}\n{ONE}")) == 1


@pytest.mark.parametrize(
    "declaration",
    [
        "block b(f, w) { f w -> conv 3x3, 2 * w, groups=w, /stride -> drop_path index / count }",
        "block b(option) { residual conv 3x3, in, /stride -> bn; shortcut option }",
        "block b(w) { residual w x bn; shortcut; after relu }",
        "block outer(f) { f /2 -> 3 x f }\nblock use_it { outer bn }\nblock conv_it(w) = conv 3x3, w",
        "shortcut S { same: none; widen: identity; change: avgpool 2x2, /stride -> conv 1x1, out }",
        "network t(n, size, option) { input size; shortcut option; stage s: n x bn; head avgpool -> fc n; expect layers == n }",
        "let act = silu\nlet size = 3x3\nlet both = true\nblock b { conv size, 4, bias=both -> act }",
    ],
)
def test_check_invents_no_mistakes_where_nothing_is_known(tmp_path: Path, declaration: str) -> None:
    expected = (
        ["E0211"] if "outer bn" in declaration else []
    )  # `bn` takes no stride, and that is known
    assert codes(tmp_path, declaration) == expected


def test_check_reports_each_mistake_once(tmp_path: Path) -> None:
    block = "block unit(w) { conv 3x3, w -> bnn }\n"
    assert codes(
        tmp_path, block + "network a { input 3x8x8; stem unit 4 -> unit 5; head 3 x unit 6 }"
    ) == ["E0201"]


def test_a_mistake_silences_what_follows_from_it(tmp_path: Path) -> None:
    text = """
        block unit(w) { residual conv 3x3, w, /stride, padd=1 -> bn; shortcut identity }
        network n {
            input 3x8x8
            let width = 3 / 0
            stem conv 3x3, width -> conv 3x3, 4, groups=width
            stage a: unit 4, /2 -> add { unit 3 | bn }
            head fc width
            expect params == width
        }
    """
    assert codes(tmp_path, text) == ["E0203", "E0222"]


def test_load_raises_every_mistake(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as error:
        load(written(tmp_path, chain("bnn -> reluu -> conv 3x3")))
    assert [d.code for d in error.value.diagnostics] == ["E0201", "E0201", "E0206"]
    assert str(error.value) == "\n\n".join(map(str, error.value.diagnostics))


@pytest.mark.parametrize(
    ("input", "dims"),
    [
        ("64", (3, 64, 64)),
        (64, (3, 64, 64)),
        ("64x32", (3, 64, 32)),
        ((64, 32), (3, 64, 32)),
        ("1x64x32", (1, 64, 32)),
        ("2 * 32", (3, 64, 64)),
    ],
)
def test_a_size_from_outside_keeps_the_channels(
    input: str | int | tuple[int, ...], dims: tuple[int, ...]
) -> None:
    assert load("resnet50", input=input).input.dims == dims


def test_an_input_of_features_is_a_number(tmp_path: Path) -> None:
    path = written(tmp_path, "network n { input 7; head fc 2 }")
    assert load(path, input="9").input.dims == (9,)


# --- called from Python ---

untyped: Any = resspec  # as somebody calls it who heeds no types


@pytest.mark.parametrize(
    "call",
    [
        lambda _: untyped.report("resnet18"),
        lambda _: untyped.report(None),
        lambda net: untyped.report(net, at=256),
        lambda net: untyped.report(net, at=untyped.Conditions(batch=0)),
        lambda net: untyped.report(net, at=untyped.Conditions(batch=2.5)),
        lambda net: untyped.report(net, at=untyped.Conditions(batch=True)),
        lambda net: untyped.report(net, at=untyped.Conditions(dtype="int8")),
        lambda net: untyped.report(net, at=untyped.Conditions(dtype=["float32"])),
        lambda net: untyped.report(net, at=untyped.Conditions(optimizer="adamm")),
        lambda net: untyped.report(net, at=untyped.Conditions(frozen="stem")),
        lambda net: untyped.report(net, at=untyped.Conditions(frozen=frozenset(["stme"]))),
        lambda net: untyped.report(net, by="layer"),
        lambda net: untyped.report(net, memory="24GB"),
        lambda net: untyped.report(net, memory=-1),
        lambda net: untyped.report(net, like="fvcor"),
        lambda _: untyped.build("resnet18"),
        lambda _: untyped.load("absent"),
        lambda _: untyped.load("resnet18", network="absent"),
        lambda _: untyped.load("resnet18", input="3x"),
        lambda _: untyped.load("lib/he2015:cifar", n="1; let x = 2"),
        lambda _: untyped.load("lib/he2015:cifar", n=object()),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(call: Any) -> None:
    with pytest.raises(UsageError) as caught:
        call(load("resnet18"))
    assert str(caught.value) and "--" not in str(caught.value)


def test_options_of_a_report_are_given_by_name() -> None:
    network = load("resnet18")
    with pytest.raises(TypeError, match="positional"):
        untyped.report(network, resspec.Conditions(batch=256))
    at = resspec.Conditions(batch=256, frozen=["stem"])  # type: ignore[arg-type]
    assert resspec.report(network, at=at) == resspec.report(
        network, at=at._replace(frozen=frozenset(["stem"]))
    )


def test_values_as_python_has_them(tmp_path: Path) -> None:
    path = tmp_path / "t.res"
    path.write_text(
        "network t(images, n, on) { input images; stem n x { conv 3x3, 4, bias=on }; head avgpool -> fc 2 }"
    )
    texts = load(path, images="3x8x8", n="2", on="true")
    with pytest.raises(SpecError, match="E0255"):  # a list has an entry for each stage
        load(path, images=[3, 8, 8], n=2, on=True)
    assert fingerprint(load(path, images=(3, 8, 8), n=2, on=True)) == fingerprint(texts)
    assert (
        load(path, input=(3, 16, 16), images=(3, 8, 8), n=2, on=True).input
        == load("resnet18", input="3x16x16").input
    )
    assert check(path, budget="params < 3", images=(3, 8, 8), n=2, on=True)[0].code == "E0311"


def test_what_there_is_can_be_seen() -> None:
    assert set(resspec.__all__) <= set(dir(resspec))
    assert all(getattr(resspec, name) for name in resspec.__all__)
