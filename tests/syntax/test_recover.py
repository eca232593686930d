"""Every mistake of syntax in one run: those that were planted, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from resspec.diagnostics import Diagnostic, SpecError
from resspec.source import Source
from resspec.syntax.parse import parse
from tests.random_specs import random_spec
from tests.texts import check_text

PLANTS = [
    (", (?=/)", " "),
    (r"(?<=3x3), (?=\d)", " "),
    ("->", "→"),
    ("->", ">"),
    (r"^(    stage [\w.-]+):", r"\1"),
    ("conv", "çonv"),
    (r"\b1x1\b", "1×1"),
    (r" -> ", " => "),
    (r"\|", "/"),
    (r"= ", "== "),
    (r"\bstage ", "stagee "),
    (r"(\w) x ", r"\1 * "),
]


def mistakes(text: str) -> list[Diagnostic]:
    with pytest.raises(SpecError) as error:
        parse(Source("t.res", text))
    return list(error.value.diagnostics)


def test_planted_mistakes_are_all_found_and_no_other() -> None:
    missed, surplus, total, files = 0, 0, 0, 100
    for seed in range(files):
        random = Random(seed)
        lines = random_spec(seed).split("\n")
        choices = [
            i
            for i, line in enumerate(lines)
            if line.strip() and not line.startswith(("network", "}"))
        ]
        planted = set()
        for i in random.sample(choices, min(len(choices), random.randint(2, 8))):
            possible = [(old, new) for old, new in PLANTS if re.search(old, lines[i])]
            if possible:
                lines[i] = re.sub(*random.choice(possible), lines[i], count=1)
                if broken(lines[i]):
                    planted.add(i + 1)
        if planted:
            found = [
                each.labels[0].span.source.place(each.labels[0].span.start)[0]
                for each in mistakes("\n".join(lines))
            ]
            total += len(planted)
            missed += len(planted - set(found))
            surplus += (
                len([line for line in found if line not in planted]) + len(found) - len(set(found))
            )
    assert total > 250 and (missed, surplus) == (0, 0)


def broken(line: str) -> bool:
    """Whether the line alone is wrong: some changes make another program, not a mistake."""
    try:
        parse(Source("t.res", f"network n {{\n{line}\n}}" if line.startswith(" ") else line))
    except SpecError:
        return True
    return False


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("let a = ; let b = 3 4; let c = é", ["E0108", "E0108", "E0103"]),
        (
            "block b = conv 3x3 64\nblock c {\n    residual conv 3x3, → bn\n    after relu |\n}\nlet d =",
            ["E0107", "E0103", "E0108", "E0109"],
        ),
        ("let a = 3 +\nnetwork m { input 3x8x8 }", ["E0108"]),
        (
            "network n { stem (conv; head fc 10 }\nlet a = ",
            ["E0104"],
        ),  # where it ends, nobody knows
    ],
)
def test_what_follows(text: str, codes: list[str]) -> None:
    assert [each.code for each in mistakes(text)] == codes


NET = "network n {{ input 8x8x8; shortcut S; {} head fc 2 }}\nshortcut S {{ same: identity; change: conv 1x1, out, /stride }}"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (
            NET.format("stem conv 3x3 16; stage a: chunk 16, 0 -> cnov;"),
            ["E0107", "E0201"],
        ),  # of what the stem leaves nobody knows
        (NET.format("stme conv 3x3, 16; stage a: chunk 16, 0;"), ["E0115"]),
        (NET.format("let w = 3 4; stem conv 3x3, w -> relu q;"), ["E0108", "E0205"]),
        ("let w = 3 4\n" + NET.format("stem conv 3x3, w -> relu q;"), ["E0108", "E0205"]),
        (
            "block b(a a) { relu -> foo }\n" + NET.format("stem b 3, c=bar -> chunk 16, 0;"),
            ["E0107", "E0202"],
        ),
        (
            "block b { residual conv 3x3, in 3; shortcut Q }\n"
            + NET.format("stem b -> chunk 16, 0;"),
            ["E0107", "E0224"],
        ),
        (
            "block r { residual conv 1x1, 4, /stride }\n"
            + NET.replace("out, /", "out /").format("stem r /2; stage a: cnov;"),
            ["E0107", "E0201"],
        ),
        (NET.replace("8x8x8", "8 8").format("stem chunk 16, 0 -> cnov;"), ["E0107", "E0201"]),
        (
            NET.replace("shortcut S;", "shortcut S S;").format("stem r;")
            + "\nblock r { residual cnov 1x1, 4 }",
            ["E0201", "E0205"],
        ),
        (NET.format("stem { conv 3x3, 16; stage a: chunk 16, 0 -> cnov;"), ["E0104", "E0201"]),
        (NET.format("stem conv 3x3, 16 }; stage a: cnov;"), ["E0105", "E0201"]),
        (
            "us he2015\nnetwork n { input 8x8x8; shortcut B; stem basic 8 -> basik 8; head fc 2 }",
            ["E0115", "E0201"],
        ),
        (
            "use he201\nnetwork n { input 8x8x8; stem basic 8 -> nothing 8; head cf 2 }",
            ["E0217"],
        ),  # two libraries are meant
        ("network n(a { input 3x8x8 }\nnetwork m = n a=3\nnetwork o = nothing", ["E0104", "E0225"]),
    ],
)
def test_what_does_not_follow(text: str, codes: list[str], tmp_path: Path) -> None:
    assert [
        each.code for each in sorted(check_text(tmp_path, text), key=lambda each: each.code)
    ] == codes


def test_a_long_text_of_mistakes_takes_a_moment_only() -> None:
    assert len(mistakes("let a = =\n" * 50)) == 50
    assert len(mistakes("let a = =\n" * 100_000)) == 4
