"""Specs that only look as if they would explode, and are read at once; `tests/attacks` has those
that would.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path

import pytest

from resspec.backends.expand import expand
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.json import from_json, to_json
from resspec.passes.measure import measure
from tests.attacks.texts import OPTION, blocks, constants
from tests.limits import soon
from tests.texts import chain, check_text, load_text, written


def test_braces_that_close_nothing(tmp_path: Path) -> None:
    """Mistakes of their own, of which no more than some are looked for."""
    path = written(tmp_path, chain("relu" + "\n}" * 400_000))
    with soon():
        found = check(path)
    assert {diagnostic.code for diagnostic in found} == {"E0105"} and len(found) <= 100


doubling = ", ".join(f"c{i}=c{i - 1} + c{i - 1} - 1" for i in range(1, 60))
HARMLESS = {
    "constants that double": ("conv 1x1, c50", constants(51, "LAST + LAST - 1")),
    "defaults that double": ("b", f"block b(c0=1, {doubling}) {{ conv 1x1, c59 }}"),
    "semicolons": ("relu" + ";" * 300_000, ""),
    "blank lines": ("relu" + " \n#\n" * 50_000 + "-> relu", ""),
    "a long comment": ("relu #" + "->" * 200_000 + "\n", ""),
    "repeats of repeats": (" ".join(["1 x"] * 60) + " relu", ""),
    "equal blocks": (
        "1000 x a",
        "block a { 10 x b }\nblock b { 10 x c }\nblock c { conv 1x1, in }",
    ),
    "huge layers": ("conv 1x1, 16_000_000 -> conv 1x1, 16_000_000 -> flatten -> fc 16_000_000", ""),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_read_at_once(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, chain(*HARMLESS[name]))
    with soon():
        assert check(path) == []


def test_libraries_that_double(tmp_path: Path) -> None:
    """Each of 60 files uses the next two: as many paths as 2 to the 30th lead to the last."""
    for i in range(30):
        for side in "ab":
            written(
                tmp_path,
                f"use l{i + 1}a\nuse l{i + 1}b\nblock b{i}{side} = relu",
                f"l{i}{side}.res",
            )
    written(tmp_path, "block last = relu", "l30a.res")
    written(tmp_path, "let other = 1", "l30b.res")
    path = written(tmp_path, chain("last", "use l0a\nuse l0b"))
    with soon():
        assert check(path) == []


def test_libraries_in_a_row(tmp_path: Path) -> None:
    for i in range(100):
        written(tmp_path, f"use c{i + 1}", f"c{i}.res")
    written(tmp_path, "let last = 1", "c100.res")
    assert [d.code for d in check_text(tmp_path, chain("conv 1x1, last", "use c0"))] == ["E0313"]


DEEP = {
    "residual": " { residual conv 1x1, in -> NEXT; shortcut B; after relu }",
    "preactivated": " { preact bn; residual conv 1x1, in -> NEXT; shortcut C; after relu }",
    "labels": " { own.more: { NEXT -> relu } -> relu }",
    "merges": " { concat { bn -> NEXT -> conv 1x1, 3 | bn } -> conv 1x1, 3 }",
    "repeats": " { 1 x 1 x { NEXT -> relu } -> relu }",
    "arms": " { residual bn; shortcut SN }\nshortcut SN { same: bn -> NEXT }",
}


@pytest.mark.parametrize("name", DEEP)
def test_whatever_is_not_too_deep_can_be_walked_over(tmp_path: Path, name: str) -> None:
    """At the greatest depth that is allowed, every walk over the IR and its JSON form ends well."""
    options = OPTION + "shortcut C { same: conv 1x1, out; change: conv 1x1, out, /stride }\n"
    texts = [
        chain("a0", options + blocks(n, DEEP[name], " = conv 1x1, in -> bn")) for n in range(10, 70)
    ]
    too_deep = bisect_left(texts, True, key=lambda text: bool(check_text(tmp_path, text)))
    assert {d.code for d in check_text(tmp_path, texts[too_deep])} == {"E0313"}
    network = load_text(tmp_path, texts[too_deep - 1])
    assert from_json(to_json(network)) == network
    assert measure(network).params > 0
    assert fingerprint(load(written(tmp_path, expand(network)))) == fingerprint(network)
