"""The highlighters color every shipped spec as the parser's tokens say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from editors.highlighters import CODEMIRROR, CONSTANTS, TEXTMATE, VARIABLES, VIM, files
from resspec.highlighting import TOKENS, ResLexer
from resspec.ir.ops import OPS
from resspec.source import Source
from resspec.syntax.parse import tokens

ROOT = Path(__file__).resolve().parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.res"))
TEXTS = [path.read_text(encoding="utf-8") for path in SPECS]
SIGNS = "{}()[],|;"
WORDS = {"NAME", "PATH", "POINT"}

Kinds = list[str]  # of each character; a blank for what has no color


def expected(text: str) -> Kinds:
    """Return the kind of each character, by the tokens of the parser and the comments between."""
    kinds = [" "] * len(text)
    found = [token for token in tokens(Source("spec", text)) if token.type != "_NL"]
    end = 0
    for i, token in enumerate(found):
        assert token.start_pos is not None and token.end_pos is not None
        _comments(text, end, token.start_pos, kinds)
        before = found[i - 1].type if i else ""
        after = str(found[i + 1]) if i + 1 < len(found) else ""
        end = token.end_pos
        kinds[token.start_pos : end] = [_kind(token.type, str(token), before, after)] * len(token)
    _comments(text, end, len(text), kinds)
    return [" " if text[i].isspace() and k != "comment" else k for i, k in enumerate(kinds)]


def _comments(text: str, start: int, end: int, kinds: Kinds) -> None:
    for found in re.finditer(r"#[^\n]*|;", text[start:end]):
        kind = "punctuation" if found[0] == ";" else "comment"
        kinds[start + found.start() : start + found.end()] = [kind] * len(found[0])


def _kind(type: str, text: str, before: str, after: str) -> str:
    fixed = {"STRING": "string", "LABEL": "label", "NUMBER": "number", "SIZE": "number"}
    if type in {*fixed, "BYTES"}:
        return fixed.get(type, "number")
    if type in WORDS or type == "IN":
        if before in {"BLOCK", "NETWORK", "LET"}:
            return "declared"
        if text in VARIABLES:
            return "variable"
        if text in CONSTANTS:
            return "constant"
        return "layer" if text in OPS and after != "=" else "name"
    if text.isalpha():
        return "keyword"
    return "punctuation" if text in SIGNS else "operator"


def compare(text: str, colored: Kinds, name: str) -> None:
    wanted = expected(text)
    for i, (ours, theirs) in enumerate(zip(wanted, colored, strict=True)):
        line = text.count("\n", 0, i) + 1
        excerpt = text[max(0, i - 20) : i + 20]
        assert text[i].isspace() or ours == theirs, (name, line, excerpt, ours, theirs)


def by_lines(text: str, rows: list[list[tuple[int, int, str | None]]]) -> Kinds:
    """Return the kinds of a text of whose lines parts are colored."""
    kinds: Kinds = []
    for line, parts in zip(text.split("\n"), rows, strict=True):
        here = [" "] * len(line)
        for start, end, kind in parts:
            here[start:end] = [kind or " "] * (end - start)
        kinds += [*here, " "]
    return kinds[:-1]


def test_the_committed_files_are_what_the_grammar_gives() -> None:
    for path, text in files().items():
        assert path.read_text(encoding="utf-8") == text, "run: python editors/highlighters.py"


def test_pygments() -> None:
    kinds_by_token = {token: kind for kind, token in TOKENS.items()}
    for path, text in zip(SPECS, TEXTS, strict=True):
        kinds: Kinds = []
        for token, part in ResLexer(ensurenl=False, stripnl=False).get_tokens(text):
            kinds += [kinds_by_token.get(token, " ")] * len(part)
        compare(text, kinds, path.name)


def test_textmate() -> None:
    """Interpreted as editors do: in each line, the match that begins first, then the first rule."""
    grammar = json.loads(files()[ROOT / "editors/vscode/syntaxes/resspec.tmLanguage.json"])
    kinds = {f"{scope}.resspec": kind for kind, scope in TEXTMATE.items()}
    rules = [(kinds[each["name"]], re.compile(each["match"])) for each in grammar["patterns"]]

    def parts(line: str) -> list[tuple[int, int, str | None]]:
        found: list[tuple[int, int, str | None]] = []
        position = 0
        while position < len(line):
            matches = [(kind, rule.search(line, position)) for kind, rule in rules]
            sound = [
                (each.start(), i, each, kind) for i, (kind, each) in enumerate(matches) if each
            ]
            if not sound:
                break
            _, _, match, kind = min(sound, key=lambda entry: entry[:2])
            found.append((match.start(), match.end(), kind))
            position = match.end()
        return found

    for path, text in zip(SPECS, TEXTS, strict=True):
        colored = [parts(line) for line in text.split("\n")]
        compare(text, by_lines(text, colored), path.name)


NODE = """
import { readFileSync } from "node:fs";
const { resspec } = await import(process.argv[2]);
const parts = (line) => {
  const found = [];
  const stream = { string: line, pos: 0, next() { this.pos++; } };
  while (stream.pos < line.length) {
    const start = stream.pos;
    const style = resspec.token(stream);
    found.push([start, stream.pos, style]);
  }
  return found;
};
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => text.split("\\n").map(parts))));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_codemirror(tmp_path: Path) -> None:
    mode, script = tmp_path / "resspec.mjs", tmp_path / "run.mjs"
    mode.write_text(files()[ROOT / "editors/codemirror/resspec.js"], encoding="utf-8")
    script.write_text(NODE, encoding="utf-8")
    command: list[Any] = ["node", script, mode]
    done = subprocess.run(
        command, input=json.dumps(TEXTS), capture_output=True, text=True, check=True
    )
    kinds = {style: kind for kind, style in CODEMIRROR.items()}
    for path, text, rows in zip(SPECS, TEXTS, json.loads(done.stdout), strict=True):
        named = [[(a, b, kinds.get(style)) for a, b, style in row] for row in rows]
        compare(text, by_lines(text, named), path.name)


VIM_SCRIPT = """
set nocompatible encoding=utf-8
source {syntax}
let rows = []
for number in range(1, line('$'))
  let row = []
  for column in range(1, strlen(getline(number)))
    call add(row, synIDattr(synID(number, column, 1), 'name'))
  endfor
  call add(rows, row)
endfor
call writefile([json_encode(rows)], '{out}')
qall!
"""


@pytest.mark.skipif(shutil.which("vim") is None, reason="needs vim")
def test_vim(tmp_path: Path) -> None:
    text = "\n".join(text for text in TEXTS if text.isascii())
    spec, script, out = tmp_path / "all.txt", tmp_path / "run.vim", tmp_path / "out.json"
    spec.write_text(text, encoding="utf-8")
    syntax = ROOT / "editors/vim/syntax/resspec.vim"
    script.write_text(VIM_SCRIPT.format(syntax=syntax, out=out), encoding="utf-8")
    command: list[Any] = ["vim", "-u", "NONE", "-es", "-c", "syntax on", "-S", script, spec]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    kinds = {f"res{kind.title()}": kind for kind in VIM}
    colored: Kinds = []
    for row in json.loads(out.read_text(encoding="utf-8")):
        colored += [*(kinds.get(name, " ") for name in row), " "]
    lines = text.split("\n")
    wanted = [kind for part in TEXTS if part.isascii() for kind in [*expected(part), " "]]
    for i, (ours, theirs) in enumerate(zip(wanted, colored, strict=False)):
        line = text.count("\n", 0, i)
        assert text[i].isspace() or ours == theirs, (lines[line], text[i - 3 : i + 3], ours, theirs)
