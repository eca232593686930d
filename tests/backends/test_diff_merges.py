"""A diff names merges, and takes their paths in another order as one change."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from resspec.backends.diff import DiffSide, diff
from resspec.backends.diff.sentences import verdict
from resspec.backends.report import report
from tests.backends.diff_networks import HEAD, found, network, said


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("stem add { relu | bn }", "stem mul { relu | bn }", ["~ mul in stem: merge add → mul"]),
        (
            "stem add { relu | bn } -> add { relu | bn }",
            "stem add { relu | bn } -> concat { relu | bn }",
            ["~ concat in stem: merge add → concat"],
        ),
        (
            "stem add { relu | bn } -> add { relu | bn }",
            "stem add { relu | bn } -> add { silu | bn }",
            ["~ relu2 of add 2 in stem: relu → silu"],
        ),
        ("stem relu", "stem relu -> add { relu | bn }", ["+ add in stem: add of 2 paths"]),
        (
            "stage layer1: add { relu | bn }",
            "stage layer1: mul { relu | bn }",
            ["~ layer1: merge add → mul"],
        ),
    ],
)
def test_a_merge_that_has_no_name_is_called_by_its_section(
    tmp_path: Path, a: str, b: str, expected: list[str]
) -> None:
    changes = found(network(tmp_path, "a", a, HEAD), network(tmp_path, "b", b, HEAD))
    assert said(changes) == expected


@pytest.mark.parametrize("seed", range(20))
def test_paths_in_another_order_are_one_change(tmp_path: Path, seed: int) -> None:
    """Wherever the merge stands, and however its steps are numbered for it."""
    choose = random.Random(seed)
    paths = [
        "conv 3x3, 8 -> bn -> relu",
        "bn -> conv 1x1, 8",
        "conv 5x5, 8",
        "conv 1x1, 8 -> bn",
        "conv 3x3, 8, bias=true",
    ]
    chosen = choose.sample(paths, choose.randint(2, 5))
    moved = choose.sample(chosen, len(chosen))
    place = choose.choice(
        ["stem MERGE", "stage layer1: { conv 1x1, 4 -> MERGE }", "stage layer1: 3 x unit"]
    )
    merge = choose.choice(["add", "concat"])
    sides = []
    for name, order in (("a", chosen), ("b", moved)):
        text = f"{merge} {{ {' | '.join(order)} }}"
        clauses = [place.replace("MERGE", text), HEAD]
        sides.append(
            network(tmp_path, name, *clauses, blocks=f"block unit {{ {text} -> conv 1x1, 8 }}")
        )
    if chosen == moved:
        a, b = (DiffSide(report(side), side) for side in sides)
        assert diff(a, b).same
        return
    notes = said(found(*sides))
    before = " ".join(str(i + 1) for i in range(len(chosen)))
    after = " ".join(str(moved.index(path) + 1) for path in chosen)
    assert len(notes) == 1 and notes[0].endswith(f": the order of the paths {before} → {after}")


def test_a_path_that_moved_and_one_that_changed_are_two_changes(tmp_path: Path) -> None:
    a = network(tmp_path, "a", "stem concat { conv 3x3, 8 | conv 1x1, 8 -> bn | bn }", HEAD)
    b = network(tmp_path, "b", "stem concat { bn | conv 1x1, 8 -> bn | conv 3x3, 9 }", HEAD)
    assert said(found(a, b)) == [
        "~ concat in stem: the order of the paths 1 2 3 → 3 2 1",
        "~ conv1 of concat in stem: out_channels 8 → 9",
    ]


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        (
            "a: conv 3x3, 8 | identity",
            "identity | a: conv 3x3, 8",
            "the same network: equal hashes",
        ),
        ("a: conv 3x3, 8 | b: bn", "b: bn | a: conv 3x3, 8", "the same network up to the order"),
        ("dropout 0.5 | dropout 0.2", "dropout 0.2 | dropout 0.5", "the same network up to the"),
        ("conv 3x3, 8 | conv 1x1, 8", "conv 1x1, 8 | conv 3x3, 8", "different networks"),
        ("a: conv 3x3, 8 | b: bn", "b: bn | a: conv 5x5, 8", "different networks"),
    ],
)
def test_the_order_of_operands_is_told_apart(
    tmp_path: Path, one: str, other: str, says: str
) -> None:
    """It changes random initial values, or numbers, where both draw some."""
    a, b = (
        network(tmp_path, name, f"stem conv 1x1, 8 -> add {{ {paths} }}", HEAD)
        for name, paths in (("a", one), ("b", other))
    )
    difference = diff(DiffSide(report(a), a), DiffSide(report(b), b))
    assert verdict(difference).startswith(says)
    assert difference.same == ("equal" in says)
