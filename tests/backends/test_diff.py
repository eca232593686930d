"""Two reports side by side: how stages are paired, what counts as the same, the JSON and the table."""

from __future__ import annotations

import json
import random
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource
from rich.cells import cell_len

from resspec.backends.diff import diff, to_json
from resspec.backends.diff.table import to_table
from resspec.backends.report import Report, Row, report
from resspec.compiler import load
from resspec.passes.measure import Totals, combine

SCHEMAS = Path(__file__).parents[2] / "schemas"


def made(*stages: tuple[str, int], digest: str = "0" * 64) -> Report:
    rows = tuple(Row(label, "conv", "8", Totals(params, 0, params, 2 * params, 8, 1)) for label, params in stages)
    return Report("net", digest, "3x8x8", rows, combine(row.totals for row in rows))


def labels(a: str, b: str) -> str:
    """The pairs of two rows of one-letter stages: `a` on both sides, `-a`, `+a`."""
    found = diff(made(*((x, 1) for x in a)), made(*((x, 1) for x in b)))
    return " ".join(("" if p.a and p.b else "-" if p.a else "+") + p.label for p in found.pairs)


@pytest.mark.parametrize(("a", "b", "pairs"), [
    ("abc", "abc", "a b c"),
    ("ac", "abc", "a +b c"),
    ("abc", "ac", "a -b c"),
    ("abc", "axc", "a -b +x c"),
    ("ab", "ba", "+b a -b"),
    ("ab", "cd", "-a -b +c +d"),
    ("aab", "ab", "-a a b"),
])
def test_pairs(a: str, b: str, pairs: str) -> None:
    assert labels(a, b) == pairs


def test_pairs_keep_both_orders() -> None:
    draw = random.Random(0)
    for _ in range(300):
        a, b = ("".join(draw.choices("abcdef", k=draw.randrange(8))) for _ in range(2))
        pairs = diff(made(*((x, 1) for x in a)), made(*((x, 1) for x in b))).pairs
        assert "".join(p.a.label for p in pairs if p.a) == a
        assert "".join(p.b.label for p in pairs if p.b) == b


def test_json() -> None:
    a, b = report(load("resnet152")), report(load("torchvision/vgg16"))
    found = diff(a, b)
    document = json.loads(to_json(found))
    schema, other = (json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")) for name in ("diff", "report"))
    registry = Registry().with_resource("report.schema.json", Resource.from_contents(other))
    jsonschema.Draft202012Validator(schema, registry=registry).validate(document)
    assert document["same"] is False
    assert document["totals"]["params"] == {"a": 60_192_808, "b": 138_357_544, "delta": 78_164_736}
    assert document["totals"]["layers"] == {"a": 152, "b": 16, "delta": -136}
    for side, whole in (("a", a), ("b", b)):
        rows = [row[side] for row in document["rows"] if row[side]]
        assert [row["label"] for row in rows] == [row.label for row in whole.rows]
        assert sum(row["macs"] for row in rows) == whole.totals.macs


def test_same_means_the_same_hash() -> None:
    one, other = made(("a", 5)), made(("b", 7))
    assert diff(one, other).same
    assert not diff(one, made(("a", 5), digest="1" * 64)).same




def test_table() -> None:
    a = made(("stem", 100), ("old", 2000), ("head", 4000))._replace(network="plain")
    b = made(("stem", 100), ("new", 12_000), ("head", 50_000), digest="1" * 64)._replace(network="net[green]")
    lines = to_table(diff(a, b)).splitlines()
    assert lines[0] == "a  plain        input 3x8x8   hash 0000000000000000"
    assert lines[1] == "b  net[green]   input 3x8x8   hash 1111111111111111"
    assert [line.split() for line in lines[5:9]] == [
        ["stem", "100", "100", "8", "1"],
        ["-", "old", "2000", "2000", "8", "1"],
        ["+", "new", "12.0K", "12.0K", "8", "1"],
        ["head", "4000", "→", "50.0K", "4000", "→", "50.0K", "8", "1"],
    ]
    assert ["params", "6,100", "62,100", "+56,000", "+918.03%"] in [line.split() for line in lines]
    assert ["layers", "3", "3"] in [line.split() for line in lines]
    assert lines[-1] == "different networks"


@pytest.mark.parametrize(("b", "verdict"), [
    (made(("a", 5)), "the same network"),
    (made(("a", 5), digest="1" * 64), "of equal figures"),
    (made(("a", 6), digest="1" * 64), "different networks"),
])
def test_verdict(b: Report, verdict: str) -> None:
    assert verdict in to_table(diff(made(("a", 5)), b)).splitlines()[-1]


@pytest.mark.parametrize("width", [30, 80, 200])
def test_table_fits_and_says_nothing_to_the_terminal(width: int) -> None:
    a = made(("x" * 300, 10**20), ("\x1b[2J", 0))
    b = made(("y\u202e", 3), digest="1" * 64)._replace(network="\x1b]0;x\x07")
    text = to_table(diff(a, b), width=width)
    assert max(map(cell_len, text.splitlines())) <= max(width, 80)
    assert all(line.isprintable() for line in text.split("\n"))
    assert "100,000,000,000,000,000,000" in text


def test_nothing_is_divided_by_nothing() -> None:
    assert "-100.00%" in to_table(diff(made(("a", 5)), made(("a", 0))))
    assert "+5" in to_table(diff(made(("a", 0)), made(("a", 5))))
