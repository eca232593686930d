"""Navigation, structure, formatting, tokens and hints."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from resspec.compiler import load
from resspec.lsp.positions import Lines
from resspec.lsp.tokens import TYPES
from resspec.passes.quantities import Facts
from tests.lsp.editor import Editor

BLOCKS = "# Two layers\nblock unit(width, act=relu) { conv 3x3, width -> bn -> act }\n"
NET = """\
use blocks

let wide = 32
network n(classes=10) {
    input 3x32x32
    stem unit 16
    stage layer1: unit wide, act=silu
      -> unit width=wide
    head avgpool -> fc classes
}
network m = n classes=5
"""
HERE = {"start": {"line": 0, "character": 0}, "end": {"line": 100, "character": 0}}


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    (tmp_path / "blocks.res").write_text(BLOCKS)
    made = Editor(tmp_path)
    made.open("n.res", NET)
    return made


def place(text: str, word: str, nth: int = 0) -> tuple[int, int]:
    """The line and character of the nth time that a word stands in a text."""
    at = -1
    for _ in range(nth + 1):
        at = text.index(word, at + 1)
    return text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1


def under(location: dict[str, Any], texts: dict[str, str]) -> str:
    """The text at a location."""
    lines = Lines(texts[location["uri"]])
    start, end = (lines.offset(location["range"][side]) for side in ("start", "end"))
    return lines.text[start:end]


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    lines = Lines(text)
    for edit in sorted(edits, key=lambda each: lines.offset(each["range"]["start"]), reverse=True):
        start, end = (lines.offset(edit["range"][side]) for side in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


# --- names ---


@pytest.mark.parametrize(
    ("word", "nth", "file", "line"),
    [
        ("unit", 0, "blocks.res", 1),
        ("wide", 1, "n.res", 2),
        ("classes", 1, "n.res", 3),
        ("classes", 2, "n.res", 3),
        ("act=", 0, "blocks.res", 1),
        ("blocks", 0, "blocks.res", 0),
        ("n classes", 0, "n.res", 3),
    ],
)
def test_a_name_leads_to_its_declaration(
    editor: Editor, word: str, nth: int, file: str, line: int
) -> None:
    uri = editor.uri("n.res")
    found = editor.ask("textDocument/definition", **editor.at(uri, *place(NET, word, nth)))
    assert (found["uri"], found["range"]["start"]["line"]) == (editor.uri(file), line)


def test_all_places_of_a_name_in_all_files(editor: Editor) -> None:
    uri = editor.uri("n.res")
    position = editor.at(uri, *place(NET, "unit"))
    found = editor.ask("textDocument/references", **position, context={"includeDeclaration": True})
    texts = {uri: NET, editor.uri("blocks.res"): BLOCKS}
    assert [under(each, texts) for each in found] == ["unit"] * 4
    inside = editor.ask("textDocument/documentHighlight", **position)
    assert len(inside) == 3


@pytest.mark.parametrize(
    ("word", "new"),
    [
        ("unit", "cell"),
        ("wide", "broad"),
        ("classes", "n_classes"),
        ("layer1", "first.0"),
        ("width=", "channels"),
    ],
)
def test_a_rename_keeps_the_network(editor: Editor, word: str, new: str, tmp_path: Path) -> None:
    uri = editor.uri("n.res")
    (tmp_path / "n.res").write_text(NET)
    before = load(tmp_path / "n.res", network="n")
    position = editor.at(uri, *place(NET, word))
    assert editor.ask("textDocument/prepareRename", **position)["placeholder"] == word.rstrip("=")
    changes = editor.ask("textDocument/rename", **position, newName=new)["changes"]
    for name in ("n.res", "blocks.res"):
        path = tmp_path / name
        path.write_text(edited(path.read_text(), changes.get(editor.uri(name), [])))
    assert new in (tmp_path / "n.res").read_text()
    after = load(tmp_path / "n.res", network="n")
    if word != "layer1":
        assert [section.body for section in after.sections] == [s.body for s in before.sections]


@pytest.mark.parametrize(
    ("word", "new", "says"),
    [
        ("wide", "conv", "word of the language"),
        ("wide", "3x", "not a name"),
        ("wide", "n", "cannot be used here"),
        ("avgpool", "pool", "no name here"),
    ],
)
def test_what_cannot_be_renamed(editor: Editor, word: str, new: str, says: str) -> None:
    position = editor.at(editor.uri("n.res"), *place(NET, word))
    with pytest.raises(AssertionError, match=says):
        editor.ask("textDocument/rename", **position, newName=new)


def test_what_comes_with_resspec_is_not_renamed(editor: Editor) -> None:
    text = "use he2015\nnetwork n { input 3x8x8; shortcut B; stem basic 16; head fc 1 }\n"
    uri = editor.open("he.res", text)
    with pytest.raises(AssertionError, match="comes with resspec"):
        editor.ask("textDocument/rename", **editor.at(uri, *place(text, "basic")), newName="x")


# --- structure ---


def test_the_symbols_of_a_document_have_shapes(editor: Editor) -> None:
    uri = editor.uri("n.res")
    symbols = editor.ask("textDocument/documentSymbol", textDocument={"uri": uri})
    assert [each["name"] for each in symbols] == ["use blocks", "wide", "n", "m"]
    assert symbols[2]["detail"] == "3x32x32 -> 10"
    inside = [(each["name"], each["detail"]) for each in symbols[2]["children"]]
    assert inside == [("stem", "-> 16x32x32"), ("layer1", "-> 32x32x32"), ("head", "-> 10")]


def test_the_symbols_of_the_workspace(editor: Editor) -> None:
    found = editor.ask("workspace/symbol", query="ut")
    assert [each["name"] for each in found] == ["unit"]
    assert found[0]["location"]["uri"] == editor.uri("blocks.res")


def test_folds_and_selections(editor: Editor) -> None:
    uri = editor.uri("n.res")
    folds = editor.ask("textDocument/foldingRange", textDocument={"uri": uri})
    assert folds == [{"startLine": 3, "endLine": 8}]
    line, character = place(NET, "act=silu")
    position = {"line": line, "character": character}
    (found,) = editor.ask(
        "textDocument/selectionRange", textDocument={"uri": uri}, positions=[position]
    )
    texts = []
    while found:
        texts.append(under({"uri": uri, "range": found["range"]}, {uri: NET}))
        found = found.get("parent")
    assert texts[0] == "act" and texts[-1] == NET
    assert "unit wide, act=silu" in texts
    assert all(inner in outer for inner, outer in pairwise(texts))


# --- layout ---


def test_formatting_is_that_of_fmt_and_keeps_what_the_file_has(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    text = "\ufeffnetwork n {\r\n  input 3x8x8\r\n    head   fc 1\r\n}\r\n"
    uri = editor.open("n.res", text)
    options = {"tabSize": 4, "insertSpaces": True}
    edits = editor.ask("textDocument/formatting", textDocument={"uri": uri}, options=options)
    assert edited(text, edits) == "\ufeffnetwork n {\r\n    input 3x8x8\r\n    head fc 1\r\n}\r\n"
    some = editor.ask(
        "textDocument/rangeFormatting",
        textDocument={"uri": uri},
        range={"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 3}},
        options=options,
    )
    assert "head fc 1" in edited(text, some)


def test_a_mistake_of_syntax_keeps_a_text_as_it_is(editor: Editor) -> None:
    uri = editor.open("broken.res", "network {")
    with pytest.raises(AssertionError, match="syntax error"):
        editor.ask("textDocument/formatting", textDocument={"uri": uri}, options={})


# --- colors ---


def test_tokens_say_what_each_name_is(editor: Editor) -> None:
    uri = editor.uri("n.res")
    data = editor.ask("textDocument/semanticTokens/full", textDocument={"uri": uri})["data"]
    lines, found = Lines(NET), dict[tuple[str, str], None]()
    line = character = 0
    for i in range(0, len(data), 5):
        move, shift, length, kind, _ = data[i : i + 5]
        line, character = line + move, shift if move else character + shift
        start = lines.offset({"line": line, "character": character})
        found[NET[start : start + length], TYPES[kind]] = None
    expected = {
        ("use", "keyword"), ("blocks", "namespace"), ("wide", "variable"), ("32", "number"),
        ("n", "class"), ("classes", "parameter"), ("3x32x32", "number"), ("unit", "function"),
        ("layer1", "property"), ("act", "parameter"), ("silu", "type"), ("->", "operator"),
        ("avgpool", "type"), ("head", "keyword"),
    }  # fmt: skip
    assert expected <= set(found)


# --- costs ---


def test_hints_stand_at_the_end_of_lines_with_shapes(editor: Editor) -> None:
    uri = editor.uri("n.res")
    hints = editor.ask("textDocument/inlayHint", textDocument={"uri": uri}, range=HERE)
    assert [(each["position"]["line"], each["label"]) for each in hints] == [
        (5, "-> 16x32x32 · 464"),
        (6, "-> 32x32x32 · 4.67K"),
        (7, "-> 32x32x32 · 9.28K"),
        (8, "-> 10 · 330"),
    ]
    ends = [len(line) for line in NET.split("\n")]
    assert all(each["position"]["character"] == ends[each["position"]["line"]] for each in hints)


def test_a_lens_over_each_network(editor: Editor, tmp_path: Path) -> None:
    uri = editor.uri("n.res")
    (tmp_path / "n.res").write_text(NET)
    lenses = editor.ask("textDocument/codeLens", textDocument={"uri": uri})
    titles = [each["command"]["title"] for each in lenses]
    facts = Facts(load(tmp_path / "n.res", network="n"))
    assert facts.total("params") == 14_746
    assert titles[0].startswith("14.7K params · ")
    assert len(titles) == 2 and "HEAD" not in titles[0]
    assert lenses[0]["range"]["start"] == {"line": 3, "character": 8}


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
def test_a_lens_compares_with_the_last_commit(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "blocks.res").write_text(BLOCKS)
    (tmp_path / "n.res").write_text(NET)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    editor = Editor(tmp_path)
    uri = editor.open("n.res", NET)
    lenses = editor.ask("textDocument/codeLens", textDocument={"uri": uri})
    assert lenses[0]["command"]["title"].endswith("HEAD: the same")
    editor.change(uri, {"text": NET.replace("unit 16", "unit 32")})
    lenses = editor.ask("textDocument/codeLens", textDocument={"uri": uri})
    now, then = 464 * 2 + 9_280 * 2 + 330, 14_746
    share = 100 * (now - then) / then
    assert lenses[0]["command"]["title"].endswith(f"HEAD: {share:+.1f}%")


def test_a_refreshed_user_is_asked_for_again(editor: Editor) -> None:
    uri = editor.open("blocks.res", BLOCKS)
    document = {"uri": uri, "version": 2}
    change = {"text": BLOCKS.replace("bn", "gn 4")}
    server = editor.server
    said = [
        *server.handle(
            {
                "jsonrpc": "2.0",
                "method": "textDocument/didChange",
                "params": {"textDocument": document, "contentChanges": [change]},
            }
        ),
        *server.settle(),
    ]
    asked = {each["method"] for each in said if "id" in each}
    assert asked == {"workspace/inlayHint/refresh", "workspace/codeLens/refresh"}


# --- the live page ---


def test_the_page_of_the_network_under_the_cursor(editor: Editor) -> None:
    uri = editor.uri("n.res")
    found = editor.ask("resspec/page", **editor.at(uri, *place(NET, "layer1")))
    assert found["network"] == "n"
    assert found["html"].startswith("<!") and found["svg"].startswith("<svg")
    assert set(found["files"].values()) == {uri, editor.uri("blocks.res")}
    texts = {uri: NET, editor.uri("blocks.res"): BLOCKS}
    shown = [(each["path"], under(each, texts)) for each in found["places"]]
    assert ("layer1.0.conv1", "conv 3x3, width") in shown
    assert ("fc", "fc classes") in shown
    other = editor.ask("resspec/page", textDocument={"uri": uri}, network="m")
    assert other["network"] == "m"


def test_a_network_with_mistakes_has_no_page(editor: Editor) -> None:
    uri = editor.open("wrong.res", "network n { input 3x8x8; head rleu -> fc 1 }")
    with pytest.raises(AssertionError, match="without errors"):
        editor.ask("resspec/page", **editor.at(uri, 0, 9))
