"""Damaged reports and IRs give `diff` a mistake with its place in the file, not a traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from resspec import cli
from resspec.backends.report import report
from resspec.backends.report.json import to_json as report_to_json
from resspec.compiler import load
from resspec.ir.document import DocumentError, find, parse, places
from resspec.ir.json import to_json as ir_to_json
from tests.commands.typed import Captured
from tests.limits import soon

pytestmark = pytest.mark.usefixtures("here")

SPEC = """
block unit(width) { residual conv 3x3, width, /stride -> bn -> relu; shortcut B; after relu }
shortcut B { same: identity; change: conv 1x1, out, /stride }
network net {
    input 3x16x16
    init conv: kaiming_normal
    stem conv 3x3, 8 -> gn groups=4 -> relu -> maxpool 3x3, /2
    stage a: 3 x unit 8
    stage b: unit 16, /2 -> add { identity | dropout 0.5 } -> concat { bn | relu } -> mul { identity | avgpool -> sigmoid }
    head avgpool -> fc 10
}
"""
ODD: list[Any] = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    7,
    10**30,
    1 << 63,
    0.5,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    "x",
    "1/0",
    "1e999999",
    "9" * 5000,
    "0x0",
    "-3x4",
    "99999999x99999999",
    "Ünï\x1b[2J",
    [],
    [1],
    [1, 2],
    ["1/2", "x"],
    [[[]]],
    {},
    {"node": "op"},
    {"kind": "conv"},
    {"": 1},
]
TEXTS = Path(__file__).parents[1] / "diagnostics" / "saved"
FORMATS = ["table", "markdown", "json", "html"]


@pytest.fixture
def documents() -> dict[str, str]:
    Path("net.res").write_text(SPEC, encoding="utf-8")
    network = load("net.res")
    return {
        "ir": ir_to_json(network),
        "report": report_to_json(report(network, memory=10**9, like="thop")),
    }


def told(text: str | bytes, form: str, capsys: Captured) -> tuple[int, str]:
    """The exit code of a diff with a file of this text, and what is said on stderr."""
    Path("odd.json").write_bytes(
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    )
    code = cli.run(["diff", "odd.json", "net.res", "--format", form])
    err = capsys.readouterr().err
    assert code in (0, 1, 2) and "E0615" not in err and "\x1b" not in err
    if code == 2 and not re.match(
        "error: the report of|error: net was counted with", err
    ):  # which are whole
        assert re.match(
            r"error\[E0402\]: this is not a resspec\.(?:ir|report)/1 document: .+\n +--> odd\.json:\d+:\d+\n",
            err,
        )
    return code, err


def inner(value: Any) -> Iterator[tuple[Any, Any]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in list(items):
        yield value, key
        yield from inner(part)


def another_value(document: Any, random: Random) -> str:
    for _ in range(random.choice([1, 1, 2, 5])):
        container, key = random.choice(list(inner(document)))
        container[key] = deepcopy(random.choice(ODD))
    return json.dumps(document, indent=random.choice([None, 1]))


def less_or_more(document: Any, random: Random) -> str:
    container, key = random.choice(list(inner(document)))
    if random.random() < 0.5:
        del container[key]
    elif isinstance(container, list):
        container.insert(key, deepcopy(container[key]))
    else:
        container[f"{key}x"] = container.pop(key)
    return json.dumps(document, indent=1)


def swapped(document: Any, random: Random) -> str:
    """Two values that are each right somewhere."""
    (a, i), (b, j) = random.choices(list(inner(document)), k=2)
    a[i], b[j] = deepcopy(b[j]), deepcopy(a[i])
    return json.dumps(document)


def twice(document: Any, random: Random) -> str:
    lines = json.dumps(document, indent=1).split("\n")
    i = random.choice(
        [i for i, line in enumerate(lines) if re.fullmatch(r' *"\w+": [^{\[]*,?', line)]
    )
    line = lines[i].removesuffix(",")
    lines[i : i + 1] = [f"{line},", lines[i]]
    return "\n".join(lines)


def cut(document: Any, random: Random) -> str:
    text = json.dumps(document, indent=1)
    return text[: random.randrange(len(text))]


def letters(document: Any, random: Random) -> str:
    text = list(json.dumps(document, indent=1))
    for _ in range(random.choice([1, 1, 3, 20])):
        text[random.randrange(len(text))] = random.choice('"\\{}[],:019eE-+.xnNtI \n\0é\u202e')
    return "".join(text)


DAMAGES: list[Callable[[Any, Random], str]] = [
    another_value,
    less_or_more,
    swapped,
    twice,
    cut,
    letters,
]


@pytest.mark.parametrize("kind", ["ir", "report"])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_random_damage_is_a_located_mistake_or_harmless(
    kind: str, damage: Callable[[Any, Random], str], documents: dict[str, str], capsys: Captured
) -> None:
    refused = 0
    for seed in range(20):
        random = Random(f"{kind} {damage.__name__} {seed}")
        text = damage(json.loads(documents[kind]), random)
        refused += told(text, FORMATS[seed % 4], capsys)[0] == 2
    assert refused > 5


NODE = '{"node": "series", "input": "3x8x8", "output": "3x8x8", "span": "a:1:1-1:2", "children": ['
WHOLE = {
    "empty": ("", "it is not JSON"),
    "a list": ("[]", "it is not an object"),
    "a text": ('"resspec.ir/1"', "it is not an object"),
    "an object": ("{}", "has no `schema`"),
    "another schema": ('{"schema": "resspec.run/1"}', "it must be one of resspec.report/1"),
    "not UTF-8": (b"\xff\xfe{}", "it is not JSON"),
    "a byte-order mark": (b"\xef\xbb\xbf{}", "JSON"),
    "nested lists": ("[" * 100_000, "levels deep"),
    "nested objects": ('{"a": ' * 200_000, "levels deep"),
    "nested but whole": ("[" * 900 + "]" * 900, "not an object"),
    "deep": ('{"schema": "resspec.ir/1", "a": ' + "[" * 900 + "]" * 900 + "}", "levels deep"),
    "deep nodes": (
        '{"schema": "resspec.ir/1", "name": "n", "input": "3x8x8", "output": "3x8x8", "span": "a:1:1-1:2", "sections": '
        '[{"kind": "stem", "label": "stem", "span": "a:1:1-1:2", "body": '
        + NODE * 190
        + "]}" * 190
        + "}]}",
        "",
    ),
    "digits": ('{"schema": ' + "9" * 5000 + "}", "too many digits"),
    "a constant": ('{"schema":\n  NaN}', "NaN is not a JSON number"),
    "twice": (
        '{"schema": "resspec.ir/1",\n "schema": "resspec.report/1"}',
        "`schema` is given twice",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_not_a_document_is_refused_soon(
    name: str, documents: dict[str, str], capsys: Captured
) -> None:
    del documents
    text, says = WHOLE[name]
    with soon():
        code, err = told(text, "table", capsys)  # type: ignore[arg-type]
    assert code == (1 if not says else 2) and says in err


CHANGED = {  # in the IR: what is changed to what, the marked text, and what is said
    "no paths": ("paths", [], "[", "a merge has at least two paths"),
    "a huge residual": ("residual", 10**30, str(10**30), f"there is no path {10**30} of 2"),
    "a residual below zero": ("residual", -1, "-1", "there is no path -1 of 2"),
    "a residual of a half": ("residual", 0.5, "0.5", "not a whole number"),
    "a count of zero": ("count", 0, "0", "a repeat has a count from 1"),
    "a huge count": ("count", 10**18, str(10**18), "a repeat has a count from 1"),
    "channels": (
        "out_channels",
        9,
        '"8x16x16"',
        "the output of this `conv` is 9x16x16, not 8x16x16",
    ),
    "a huge number of channels": ("out_channels", 10**30, "{", f"{10**30} is not a Count"),
    "groups": ("num_groups", 3, "3", "8 channels cannot be split into 3 equal groups"),
    "a number without end": ("eps", "1e99999", "{", "'1e99999' is not a number"),
    "a shape": ("output", "0x8x8", '"0x8x8"', "a shape has one to three dimensions"),
    "a large shape": (
        "output",
        "16777216x16777216x16777216",
        '"16777216x',
        "more elements than torch can count",
    ),
    "a shape of letters": ("output", "3x8xx", '"3x8xx"', "'3x8xx' is not a shape"),
    "a name": ("name", "a.b", '"a.b"', "a name consists of letters, digits"),
    "a law": ("init", "kaiming_normal", '"kaiming_normal"', "is not an initialization"),
    "no sections": ("sections", [], "[", "a network has at least one section"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_is_told_at_its_place(
    name: str, documents: dict[str, str], capsys: Captured
) -> None:
    key, value, marked, says = CHANGED[name]
    document = json.loads(documents["ir"])
    first = next(
        container
        for container, each in inner(
            document["sections"] if key in ("name", "output") else document
        )
        if each == key and container[key] is not None
    )
    first[key] = value
    text = json.dumps(document, indent=1)
    code, err = told(text, "table", capsys)
    assert code == 2 and says in err
    line, column = map(int, re.findall(r"odd\.json:(\d+):(\d+)", err)[0])
    assert text.split("\n")[line - 1][column - 1 :].startswith(marked)


def test_every_value_of_a_document_has_its_place(documents: dict[str, str]) -> None:
    """The text at each place is the value at its path, as Python's own JSON reader has it."""
    for text in documents.values():
        document, found = json.loads(text), 0
        for place in places(text):
            value = document
            for key in place.path:
                value = value[key]
            assert json.JSONDecoder().raw_decode(text, place.start)[0] == value
            found += 1
        assert found == 1 + sum(1 for _ in inner(document))


def test_a_missing_value_is_told_at_its_object() -> None:
    text = '{"schema": "resspec.ir/1",\n "a": {"b": [1, {"c": 2}]}}'
    assert find(text, DocumentError("resspec.ir/1", "", ("a", "b", 1, "d"))) == (
        text.index('{"c"'),
        text.index('{"c"') + 1,
    )
    with pytest.raises(DocumentError):
        parse("{", "resspec.ir/1")


def test_a_saved_file_has_its_text(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(TEXTS)
    assert cli.run(["diff", "E0402-figure.json", "digits"]) == 2
    assert capsys.readouterr().err.rstrip("\n") == Path("E0402-figure.txt").read_text(
        encoding="utf-8"
    ).rstrip("\n")
