"""Specs made to explode: each is refused at once, at a place, and one that only looks like it is read at once."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from time import process_time

import pytest

from resspec.backends.expand import expand
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.json import from_json, to_json
from resspec.passes.measure import measure
from tests.texts import chain, check_text, load_text, written

SECONDS = 2  # of CPU, where the promise is one on a quiet machine


def blocks(n: int, body: str, last: str) -> str:
    """Blocks a0 … an: each has this body, where NEXT is the next one, and N its number."""
    declared = [f"block a{i}" + body.replace("NEXT", f"a{i + 1}").replace("N", str(i)) for i in range(n)]
    return "\n".join([*declared, f"block a{n}{last}"])


def constants(n: int, value: str) -> str:
    """Constants c0 … c(n-1): each but the first has this value, where LAST is the one before it."""
    return "\n".join(["let c0 = 1", *(f"let c{i} = {value.replace('LAST', f'c{i - 1}')}" for i in range(1, n))])


OPTION = "shortcut B { same: identity; change: conv 1x1, out, /stride }\n"
BOMBS = {
    "repeats": ("1000 x a", "block a { 1000 x b }\nblock b { 1000 x c }\nblock c { relu }", "E0310"),
    "one repeat": ("1_000_001 x relu", "", "E0310"),
    "abbreviations that double": ("a0", blocks(40, " = NEXT -> NEXT", " = relu"), "E0314"),
    "modules that double": ("a0", blocks(30, " { NEXT -> NEXT }", " = relu"), "E0310"),
    "blocks handed over that double": ("a0 relu", blocks(40, "(f) { NEXT f -> NEXT f }", "(f) = f"), "E0310"),
    "merges that double": ("a0", blocks(25, " { add { NEXT | NEXT } }", " = relu"), "E0310"),
    "residuals that double": ("a0", blocks(25, " { residual NEXT -> NEXT; shortcut identity }", " = bn"), "E0310"),
    "distinct modules": ("a0 2", blocks(30, "(w) { NEXT 2 * w -> NEXT 2 * w + 1 }", "(w) = conv 1x1, w"), "E0314"),
    "distinct steps": ("a0 2", blocks(15, "(w) = NEXT 2 * w -> NEXT 2 * w + 1", "(w) = conv 1x1, w // 9999 + 1"), "E0314"),
    "growth": ("1_000_000 x d 2", "block d(g) { concat { identity | conv 1x1, g } }", "E0314"),
    "growth in growth": ("1000 x e", "block d(g) { concat { identity | conv 1x1, g } }\nblock e { 1000 x d 1 }", "E0314"),
    "growth around a repeat": ("100_000 x { g -> 100 x relu }", "block g { pad_channels in + 1 }", "E0310"),
    "index": ("100_000 x u", "block u { residual bn -> drop_path 1 / (1 + index * index); shortcut identity }", "E0314"),
    "shortcuts in shortcuts": ("a0 /2", OPTION + blocks(
        40, " { residual NEXT /stride; shortcut SN }\nshortcut SN { same: NEXT; change: NEXT /stride }",
        " = conv 1x1, in, /stride"), "E0313"),
    "a block that calls itself": ("o", "block o { o }", "E0219"),
    "a block handed to itself": ("o o", "block o(f) { f f }", "E0219"),
    "a constant of constants": ("conv 1x1, c99", constants(100, "LAST"), "E0313"),
    "labels in a repeat": ("500_000 x { a: relu }", "", "E0235"),
    "deep blocks": ("a0", blocks(200, " { relu -> NEXT }", " = relu"), "E0313"),
    "deep braces": ("{" * 65 + "relu" + "}" * 65, "", "E0110"),
    "deep braces in deep blocks": ("a0", blocks(60, " { " + "{ " * 50 + "NEXT" + " }" * 50 + " }", " = relu"), "E0313"),
    "deep repeats": ("1 x " * 65 + "relu", "", "E0110"),
    "deep sums": ("conv 1x1, " + "1 + " * 65 + "1", "", "E0110"),
    "deep parentheses": ("conv 1x1, " + "(" * 9999 + "1" + ")" * 9999, "", "E0110"),
    "deep signs": ("conv 1x1, " + "-" * 9999 + "1", "", "E0110"),
    "braces that close nothing": ("relu" + "\n}" * 400_000, "", "E0105"),
    "digits": ("conv 1x1, " + "9" * 100_000, "", "E0111"),
    "an exponent": ("conv 1x1, 1e-999999999", "", "E0111"),
    "a size of many sides": ("conv " + "1x" * 100_000 + "1, 3", "", "E0112"),
    "a product": ("conv 1x1, " + " * ".join(["999_999_999"] * 60), "", "E0223"),
    "dots": (".".join("a" * 100_000) + ": relu", "", "E0234"),
    "typos": (" -> ".join(f"reluu{i}" for i in range(500)), "\n".join(f"block relu{i}x = relu" for i in range(500)), "E0201"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_refused_at_once(tmp_path: Path, name: str) -> None:
    steps, before, code = BOMBS[name]
    path = written(tmp_path, chain(steps, before))
    start = process_time()
    found = check(path)
    assert process_time() - start < SECONDS
    assert code in {diagnostic.code for diagnostic in found}
    assert all(diagnostic.labels[0].span.text for diagnostic in found)


doubling = ", ".join(f"c{i}=c{i - 1} + c{i - 1} - 1" for i in range(1, 60))
HARMLESS = {
    "constants that double": ("conv 1x1, c50", constants(51, "LAST + LAST - 1")),
    "defaults that double": ("b", f"block b(c0=1, {doubling}) {{ conv 1x1, c59 }}"),
    "semicolons": ("relu" + ";" * 300_000, ""),
    "blank lines": ("relu" + " \n#\n" * 50_000 + "-> relu", ""),
    "a long comment": ("relu #" + "->" * 200_000 + "\n", ""),
    "repeats of repeats": (" ".join(["1 x"] * 60) + " relu", ""),
    "equal blocks": ("1000 x a", "block a { 10 x b }\nblock b { 10 x c }\nblock c { conv 1x1, in }"),
    "huge layers": ("conv 1x1, 16_000_000 -> conv 1x1, 16_000_000 -> flatten -> fc 16_000_000", ""),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_read_at_once(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, chain(*HARMLESS[name]))
    start = process_time()
    assert check(path) == []
    assert process_time() - start < SECONDS


def test_libraries_that_double(tmp_path: Path) -> None:
    """Each of 60 files uses the next two: as many paths as 2 to the 30th lead to the last."""
    for i in range(30):
        for side in "ab":
            written(tmp_path, f"use l{i + 1}a\nuse l{i + 1}b\nblock b{i}{side} = relu", f"l{i}{side}.res")
    written(tmp_path, "block last = relu", "l30a.res")
    written(tmp_path, "let other = 1", "l30b.res")
    start = process_time()
    assert check(written(tmp_path, chain("last", "use l0a\nuse l0b"))) == []
    assert process_time() - start < SECONDS


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
    texts = [chain("a0", options + blocks(n, DEEP[name], " = conv 1x1, in -> bn")) for n in range(10, 70)]
    too_deep = bisect_left(texts, True, key=lambda text: bool(check_text(tmp_path, text)))
    assert {d.code for d in check_text(tmp_path, texts[too_deep])} == {"E0313"}
    network = load_text(tmp_path, texts[too_deep - 1])
    assert from_json(to_json(network)) == network
    assert measure(network).params > 0
    assert fingerprint(load(written(tmp_path, expand(network)))) == fingerprint(network)
