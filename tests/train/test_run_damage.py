"""Damaged files of a run: each is named in a sentence, and nothing waits, overflows or ends in a
traceback.
"""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from resspec import cli
from resspec.training.run import checkpoint, compare, differing
from tests.train.damage import (
    DAMAGE,
    FILES,
    NEEDED,
    TRAIN,
    at_random,
    check,
    lay_out,
    resealed,
    restore,
)
from tests.train.small import SPEC

NEWEST = Path("checkpoints/step-00000004")
SAVED = ("manifest.sha256", "state.json", "tensors.safetensors", "metrics.jsonl")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, `a` and `b`, that have ended."""
    folder = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lay_out(folder)
    return folder


@pytest.fixture
def runs(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with both of them in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.res").write_text(SPEC)
    for name in ("a", "b"):
        restore(tmp_path / name, good / name)
    return tmp_path


def compared() -> tuple[str, str]:
    """The table of both runs, and what was said of their files."""
    said: list[str] = []
    found = compare.load_all([Path("a"), Path("b")], lambda text, _: said.append(text))
    differing.to_table([run.name for run in found], [run.facts for run in found], 200, color=False)
    return compare.to_table(found, 200, color=False), "\n".join(said)


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_comparison_names_what_is_damaged_and_shows_the_others(
    kind: str, good: Path, runs: Path
) -> None:
    for name in FILES:
        path = runs / "a" / name
        before = path.read_bytes()
        DAMAGE[kind](path)
        table, said = compared()
        assert re.search(r"^b +tiny", table, re.MULTILINE), name
        output = (
            "run.json",
            "metrics.jsonl",
            "timings.jsonl",
            *(["result.json"] if kind != "removed" else []),
        )
        if name in output and not _is(path, before):
            assert str(path) in said or "a/run.json is missing" in said, (name, said)
        restore(runs / "a", good / "a")


def _is(path: Path, content: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content


@pytest.mark.parametrize("name", FILES)
def test_a_command_names_what_it_cannot_do_without(name: str, good: Path, runs: Path) -> None:
    kinds, commands = list(DAMAGE), ("eval", "probe", "train")
    for number in range(FILES.index(name), len(kinds), 7):
        DAMAGE[kinds[number]](runs / "a" / name)
        check(commands[number % 3], name, kinds[number])
        restore(runs / "a", good / "a")


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_checkpoint_is_named(kind: str, runs: Path) -> None:
    folder = runs / "a" / NEWEST
    job = folder.joinpath("manifest.sha256").read_text().splitlines()[-2].split()[-1]
    assert set(checkpoint.read(folder, job)) == {*SAVED} - {"manifest.sha256"}
    for name in SAVED:
        path = folder / name
        before = path.read_bytes()
        DAMAGE[kind](path)
        if not _is(path, before):
            with pytest.raises(checkpoint.DamagedCheckpoint, match=re.escape(str(path))):
                checkpoint.read(folder, job)
        if path.is_dir():
            (path / "inside").rmdir()
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        path.write_bytes(before)


@pytest.mark.parametrize(
    ("target", "kind", "code"),
    [
        (NEWEST / "state.json", "a pipe", 0),
        (NEWEST / "tensors.safetensors", "a device", 0),
        (NEWEST, "a link to itself", 0),
        ("checkpoints", "a dangling link", 2),
        ("timings.jsonl", "a pipe", 2),
        ("metrics.jsonl", "a pipe", 0),
    ],
)
def test_a_run_resumes_from_what_is_left(
    target: Path | str,
    kind: str,
    code: int,
    good: Path,
    runs: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("result.json", "weights.safetensors"):
        (runs / "a" / name).unlink()
    path = runs / "a" / target
    if path.is_dir():
        path.rename(runs / "away")
        path.write_bytes(b"")
    DAMAGE[kind](path)
    assert cli.run(TRAIN) == code
    assert target == "metrics.jsonl" or str(target) in capsys.readouterr().err
    if code == 0:
        for name in ("weights.safetensors", "metrics.jsonl", "result.json"):
            assert (runs / "a" / name).read_bytes() == (good / "a" / name).read_bytes()


@pytest.mark.parametrize("name", ["run.json", "result.json"])
def test_other_facts_under_a_right_checksum_are_named_too(
    name: str, good: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: dict[str, Any] = json.loads((good / "a" / name).read_bytes())
    for key in sorted(found.keys() - {"sha256", "versions", "top5"}):
        values: list[Any] = [None, [], {}, "x", -1, {"a": {"b": []}}, [[]], [{"what": "data.test"}]]
        for value in values:
            resealed(runs / "a" / name, key, value)
            compared()
            if key in ("recipe", "machine", "data", "preprocessing", "test") and value == {}:
                assert cli.run(["eval", "a"]) == 2
                assert f"a/{name}" in capsys.readouterr().err
            restore(runs / "a", good / "a")


def test_a_damaged_line_costs_that_line(
    good: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = runs / "a" / "metrics.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, b'{"step": 2, \n', *rest]))
    table, said = compared()
    why = "Expecting property name enclosed in double quotes: line 1 column 13 (char 12)"
    assert said == f"{path}, line 2, is damaged and left out: it is not JSON: {why}"
    restore(runs / "a", good / "a")
    assert compared() == (table, "")
    path.write_bytes(b"x\n" * 10 + path.read_bytes())
    assert cli.run(["compare", "a", "b", "--out", "out"]) == 0
    out, err = capsys.readouterr()
    assert [line.partition(": ")[2] for line in err.splitlines()][
        3
    ] == f"7 more lines of {path} are damaged and left out"
    assert out.split()[: len(table.split())] == table.split()


def test_random_damage_is_named(good: Path, runs: Path) -> None:
    rng = Random(0)
    for _ in range(8):  # the campaign takes 5,000
        name, command = rng.choice(FILES), rng.choice(list(NEEDED))
        at_random(runs / "a" / name, rng)
        check(command, name, "at random")
        restore(runs / "a", good / "a")
