"""The forms of a diff: JSON, table and Markdown, of specs and of saved reports."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from rich.cells import cell_len

from resspec.backends.diff import Diff, DiffSide
from resspec.backends.diff import diff as diff_of
from resspec.backends.diff.json import to_json
from resspec.backends.diff.markdown import to_markdown
from resspec.backends.diff.table import to_table
from resspec.backends.report import Report, report
from resspec.backends.report.values import Tensors
from resspec.backends.report.views import ReportRow
from resspec.compiler import load
from resspec.ir.quantities import QUANTITIES, Conditions
from resspec.passes.quantities import SUMS, add

SCHEMAS = Path(__file__).parents[2] / "schemas"


def made(*stages: tuple[str, int], digest: str = "0" * 64) -> Report:
    fixed = dict.fromkeys(SUMS, 0) | {"acts": 8, "layers": 1}
    rows = tuple(
        ReportRow(label, "conv", "8", 1, {**fixed, "params": params, "macs": params}, None)
        for label, params in stages
    )
    totals = dict.fromkeys(QUANTITIES, 0) | add(row.figures for row in rows)
    return Report("net", digest, "3x8x8", Conditions(), "stage", rows, totals, Tensors({}, {}))


def diff(a: Report, b: Report) -> Diff:
    """Return the diff of reports without their networks."""
    return diff_of(DiffSide(a, None), DiffSide(b, None))


def full(a: str, b: str) -> Diff:
    """Return the diff of shipped specs."""
    x, y = load(a), load(b)
    return diff_of(DiffSide(report(x), x), DiffSide(report(y), y))


def labels(a: str, b: str) -> str:
    """The pairs of two rows of one-letter stages: `a` on both sides, `-a`, `+a`."""
    found = diff(made(*((x, 1) for x in a)), made(*((x, 1) for x in b)))
    return " ".join(("" if p.a and p.b else "-" if p.a else "+") + p.label for p in found.pairs)


@pytest.mark.parametrize(
    ("a", "b", "pairs"),
    [
        ("abc", "abc", "a b c"),
        ("ac", "abc", "a +b c"),
        ("abc", "ac", "a -b c"),
        ("abc", "axc", "a -b +x c"),
        ("ab", "ba", "+b a -b"),
        ("ab", "cd", "-a -b +c +d"),
        ("aab", "ab", "-a a b"),
    ],
)
def test_sections_are_paired_by_label(a: str, b: str, pairs: str) -> None:
    assert labels(a, b) == pairs


def test_pairs_keep_both_orders() -> None:
    draw = random.Random(0)
    for _ in range(300):
        a, b = ("".join(draw.choices("abcdef", k=draw.randrange(8))) for _ in range(2))
        pairs = diff(made(*((x, 1) for x in a)), made(*((x, 1) for x in b))).pairs
        assert "".join(p.a.label for p in pairs if p.a) == a
        assert "".join(p.b.label for p in pairs if p.b) == b


def valid(found: Diff) -> Any:
    """The JSON, once it has been held to its schema."""
    document = json.loads(to_json(found))
    schema, other = (
        json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        for name in ("diff", "report")
    )
    registry = Registry().with_resource("report.schema.json", Resource.from_contents(other))
    jsonschema.Draft202012Validator(schema, registry=registry).validate(document)
    return document


def test_json_obeys_the_schema_and_has_both_sides() -> None:
    found = full("resnet152", "torchvision/vgg16")
    document = valid(found)
    assert document["same"] is False
    assert document["totals"]["params"] == {"a": 60_192_808, "b": 138_357_544, "delta": 78_164_736}
    assert document["totals"]["layers"] == {"a": 152, "b": 16, "delta": -136}
    for side, whole in (("a", found.a), ("b", found.b)):
        rows = [row[side] for row in document["rows"] if row[side]]
        assert [row["label"] for row in rows] == [row.label for row in whole.rows]
        assert sum(row["macs"] for row in rows) == whole.totals["macs"]
    assert (
        sum(row["delta"]["macs"] for row in document["rows"]) == document["totals"]["macs"]["delta"]
    )


def test_json_of_the_structure_and_the_weights() -> None:
    document = valid(full("resnet50", "resnet152"))
    assert document["structure"]["changes"][1] == {
        "kind": "added",
        "section": "layer3",
        "a": None,
        "details": [],
        "whole": False,
        "b": {
            "name": "layer3.6..35",
            "holds": "bottleneck",
            "span": "specs/lib/he2015.res:44:71-44:96",
            "times": 30,
        },
    }
    assert document["weights"]["loads"] == "in part"
    assert document["weights"]["kept"] == {"tensors": 320, "params": 25_557_032}
    assert document["weights"]["appeared"][0] == {
        "name": "layer2.4.conv1.weight",
        "shape": [128, 512, 1, 1],
    }


def test_json_has_the_outputs_of_both_sides() -> None:
    x, y = load("resnet18", output="layer1 layer2"), load("resnet18", output="layer2")
    found = valid(diff_of(DiffSide(report(x), x), DiffSide(report(y), y)))
    assert [found[side]["outputs"] for side in "ab"] == [["layer1", "layer2"], ["layer2"]]
    (change,) = found["structure"]["changes"]
    (detail,) = change["details"]
    assert (detail["what"], detail["a"], detail["b"]) == ("outputs", "layer1, layer2", "layer2")


def test_reports_with_other_outputs() -> None:
    x, y = (report(load("resnet18", output=names)) for names in ("layer1 layer2", "layer2"))
    found = diff(x, y)
    assert "outputs layer1, layer2 → layer2" in str(found).splitlines()
    assert "outputs layer1, layer2 → layer2" in to_markdown(found).splitlines()


def test_json_of_reports_has_figures_alone() -> None:
    document = valid(diff(made(("a", 5)), made(("b", 7), digest="1" * 64)))
    assert document["structure"] is None and document["weights"] is None


def test_json_of_the_same_network() -> None:
    document = valid(full("resnet18", "resnet18"))
    assert document["structure"] == {
        "blocks": [],
        "changes": [],
        "sections": [],
        "only_order": False,
    }
    assert document["weights"]["loads"] == "strictly"


@pytest.mark.parametrize(("classes", "listed"), [(2, []), (3, ["head"])])
def test_a_renamed_block_costs_nothing(tmp_path: Path, classes: int, listed: list[str]) -> None:
    sides: list[DiffSide] = []
    for block, out in (("unit", 2), ("other", classes)):
        path = tmp_path / "net.res"
        path.write_text(
            f"block {block}(w) {{ conv 3x3, w -> relu }}\n"
            f"network net {{ input 3x8x8; stage a: 2 x {block} 4; head avgpool -> fc {out} }}\n",
            encoding="utf-8",
        )
        made = load(path)
        sides.append(DiffSide(report(made), made))
    found = diff_of(sides[0], sides[1])
    assert [pair.label for pair in found.pairs if not pair.same] == listed
    assert ("stage" in to_table(found)) == bool(listed)


def test_same_means_the_same_hash() -> None:
    one, other = made(("a", 5)), made(("b", 7))
    assert diff(one, other).same
    assert not diff(one, made(("a", 5), digest="1" * 64)).same


def test_the_table_has_both_sides_and_each_change() -> None:
    a = made(("stem", 100), ("old", 2000), ("head", 4000))._replace(network="plain")
    b = made(("stem", 100), ("new", 12_000), ("head", 50_000), digest="1" * 64)._replace(
        network="net[green]"
    )
    lines = to_table(diff(a, b)).splitlines()
    assert lines[0] == "a  plain        input 3x8x8   hash 0000000000000000"
    assert lines[1] == "b  net[green]   input 3x8x8   hash 1111111111111111"
    assert [line.split() for line in lines[5:8]] == [
        ["-", "old", "2000", "2000", "8", "0B", "1"],
        ["+", "new", "12.0K", "12.0K", "8", "0B", "1"],
        ["head", "4000", "→", "50.0K", "×12", "4000", "→", "50.0K", "×12", "8", "0B", "1"],
    ]
    assert ["params", "6,100", "62,100", "+56,000", "+918.03%"] in [line.split() for line in lines]
    assert not [line for line in lines if line.startswith("layers")], "what is equal is left out"
    assert lines[-1] == "different networks"


@pytest.mark.parametrize(
    ("b", "verdict"),
    [
        (made(("a", 5)), "the same network"),
        (made(("a", 5), digest="1" * 64), "with equal figures"),
        (made(("a", 6), digest="1" * 64), "different networks"),
    ],
)
def test_the_last_line_says_whether_the_networks_are_the_same(b: Report, verdict: str) -> None:
    assert verdict in to_table(diff(made(("a", 5)), b)).splitlines()[-1]


@pytest.mark.parametrize("width", [30, 80, 200])
def test_table_fits_and_says_nothing_to_the_terminal(width: int) -> None:
    a = made(("x" * 300, 10**20), ("\x1b[2J", 0))
    b = made(("y\u202e", 3), digest="1" * 64)._replace(network="\x1b]0;x\x07")
    text = to_table(diff(a, b), width=width)
    assert max(map(cell_len, text.splitlines())) <= max(width, 80)
    assert all(line.isprintable() for line in text.split("\n"))
    assert "100,000,000,000,000,000,000" in text


def test_a_structure_in_the_terminal() -> None:
    lines = to_table(full("resnet50", "resnet152")).splitlines()
    assert lines[3:7] == [
        "~ layer2: 4 → 8 blocks, + 4 × bottleneck (layer2.4..7)",
        "    specs/lib/he2015.res:44",
        "~ layer3: 6 → 36 blocks, + 30 × bottleneck (layer3.6..35)",
        "    specs/lib/he2015.res:44",
    ]
    assert lines[-4:-1] == [
        "a checkpoint of a loads into b in part (strict=False): 320 of 932 tensors,",
        "25,557,032 of 60,192,808 parameters",
        "  612 appeared: layer2.4.conv1.weight, layer2.4.bn1.weight, layer2.4.bn1.bias, …",
    ]


def test_markdown() -> None:
    lines = to_markdown(full("resnet50", "resnet152")).splitlines()
    assert lines[0] == "**resnet50 → resnet152**: different networks"
    assert lines[2:5] == [
        "| total | before | after | change |  |",
        "|---|---:|---:|---:|---:|",
        "| params | 25,557,032 | 60,192,808 | +34,635,776 | +135.52% |",
    ]
    assert lines.count("</details>") == sum(line.startswith("<details>") for line in lines) == 3
    places = "specs/lib/he2015.res:44"
    assert f"- **layer3**: 6 → 36 blocks, + 30 × bottleneck (layer3.6..35) (`{places}`)" in lines
    assert "| layer3 | layers | 18 | 108 | +90 | +500.00% |" in lines
    assert (
        to_markdown(full("resnet18", "resnet18"))
        == "**resnet18 → resnet18**: the same network: equal hashes\n"
    )


def test_markdown_holds_no_markup_of_a_name() -> None:
    evil = "</details><script>x</script> | **a** [b](c) @team #1 `\x1b"
    a, b = (
        made((evil, 5))._replace(network=evil),
        made((evil, 6), digest="1" * 64)._replace(network=evil),
    )
    text = to_markdown(diff(a, b))
    assert "<script>" not in text and "\x1b" not in text and "](" not in text.replace("\\](", "")
    assert text.count("</details>") == 1
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {6, 7}


def test_nothing_is_divided_by_nothing() -> None:
    assert "-100.00%" in to_table(diff(made(("a", 5)), made(("a", 0))))
    assert "+5" in to_table(diff(made(("a", 0)), made(("a", 5))))
