"""Diagnostics as an editor gets them: those of `check`, at the places that an editor counts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from resspec.compiler import examine
from resspec.diagnostics import Diagnostic
from resspec.lsp.positions import ENCODINGS, Lines
from tests.lsp.editor import Editor
from tests.texts import chain

WRONG = chain("conv 3x3, 16 -> rleu -> fc 10")
LIBRARY = "block unit(width) { conv 3x3, width -> bn -> relu }\n"
USER = "use blocks\nnetwork n { input 3x8x8; stem unit 16; head avgpool -> fc 10 }\n"
FIXTURES = sorted(Path("tests/diagnostics").glob("*.res"))


def checked(path: Path) -> list[Diagnostic]:
    """Return the diagnostics that `resspec check` prints about a file."""
    examined = examine(str(path))
    return [*examined.diagnostics, *examined.warnings()]


def marked(problem: dict[str, Any], text: str, encoding: str = "utf-16") -> str:
    """Return the text that a problem underlines."""
    lines = Lines(text, encoding)
    start, end = (lines.offset(problem["range"][side]) for side in ("start", "end"))
    return text[start:end]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_an_editor_gets_what_check_prints(path: Path) -> None:
    path = path.absolute()
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        pytest.skip("no editor sends this")
    editor = Editor(path.parent)
    uri = editor.open(path.name, text)
    expected = checked(path)
    assert editor.codes(uri) == [each.code for each in expected]
    for problem, diagnostic in zip(editor.problems[uri], expected, strict=True):
        first = diagnostic.labels[0].span
        assert problem["message"].startswith(diagnostic.message)
        if first.source.name == path.as_posix() and first.source.text:
            assert marked(problem, text).replace("\r\n", "\n") == first.text


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places_are_right_beside_all_that_is_counted_in_different_ways(
    tmp_path: Path, encoding: str, end: str, mark: str
) -> None:
    text = f"{mark}# 🙂 é{end}network n {{ input 3x8x8 # 🙂{end}\thead conv 3x3, 16 # é 🙂{end}-> rleu -> fc 1 }} # 🙂"
    editor = Editor(tmp_path, encoding)
    assert editor.capabilities["positionEncoding"] == encoding
    uri = editor.open("a.res", text)
    assert [marked(each, text, encoding) for each in editor.problems[uri]] == ["rleu"]
    (problem,) = editor.problems[uri]
    assert problem["range"]["start"] == {"line": 3, "character": 3}
    editor.change(uri, {"range": problem["range"], "text": "relu # 🙂🙂"})
    assert editor.server.session.documents[uri].text == text.replace("rleu", "relu # 🙂🙂")


def test_columns_count_in_the_units_that_were_agreed_on(tmp_path: Path) -> None:
    columns = {}
    for encoding in ENCODINGS:
        editor = Editor(tmp_path, encoding)
        uri = editor.open("a.res", 'use "🙂é.res"; use bloks')
        columns[encoding] = [p["range"]["start"]["character"] for p in editor.problems[uri]]
    assert columns == {"utf-16": [4, 19], "utf-8": [4, 22], "utf-32": [4, 18]}


def test_a_problem_has_related_places_a_page_and_a_fix(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    uri = editor.open("a.res", WRONG)
    (problem,) = editor.problems[uri]
    page = Path(problem["codeDescription"]["href"].removeprefix("file://"))
    assert page.read_text().startswith("# E0201")
    found = editor.ask(
        "textDocument/codeAction",
        textDocument={"uri": uri},
        range=problem["range"],
        context={"diagnostics": [problem]},
    )
    quick, everything = found
    assert (quick["title"], quick["kind"]) == ("Replace `rleu` with `relu`", "quickfix")
    assert quick["diagnostics"] == [problem]
    edit = quick["edit"]["changes"][uri]
    editor.change(uri, {"range": edit[0]["range"], "text": edit[0]["newText"]})
    assert editor.codes(uri) == []
    assert everything["kind"] == "source.fixAll.resspec"


def test_fix_all_fixes_what_other_mistakes_hide_and_keeps_line_ends(tmp_path: Path) -> None:
    text = "\ufeff" + WRONG.replace("3x3", "3×3").replace("avgpool", "avgpol").replace("\n", "\r\n")
    editor = Editor(tmp_path)
    uri = editor.open("a.res", text)
    (action,) = editor.ask(
        "textDocument/codeAction",
        textDocument={"uri": uri},
        range={"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
        context={"diagnostics": [], "only": ["source.fixAll"]},
    )
    edits = action["edit"]["changes"][uri]
    for edit in reversed(edits):
        editor.change(uri, {"range": edit["range"], "text": edit["newText"]})
    assert editor.codes(uri) == []
    assert editor.server.session.documents[uri].text == "\ufeff" + chain(
        "conv 3x3, 16 -> relu -> fc 10"
    ).replace("\n", "\r\n")


def test_unused_names_are_tagged(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    uri = editor.open("a.res", "let unused = 3\n" + chain("fc 1"))
    (problem,) = editor.problems[uri]
    assert (problem["code"], problem["severity"], problem["tags"]) == ("W0201", 2, [1])


# --- several files ---


def test_a_change_of_an_open_library_is_seen_in_its_users(tmp_path: Path) -> None:
    (tmp_path / "blocks.res").write_text(LIBRARY)
    editor = Editor(tmp_path)
    user = editor.open("n.res", USER)
    assert editor.codes(user) == []
    library = editor.open("blocks.res", LIBRARY)
    editor.change(library, {"text": LIBRARY.replace("unit", "other")})
    assert editor.codes(user) == ["E0201"]
    editor.change(library, {"text": LIBRARY.replace("width ->", "width, groups=5 ->")})
    (problem,) = editor.problems[user]
    assert marked(problem, USER) == "unit 16"  # the call that leads to the mistake
    (related,) = problem["relatedInformation"]
    assert related["location"]["uri"] == library
    editor.tell("textDocument/didClose", textDocument={"uri": library})
    assert editor.codes(user) == []  # the file is as it was
    assert editor.problems[library] == []


def test_a_library_that_is_only_a_buffer(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    user = editor.open("n.res", USER)
    assert editor.codes(user) == ["E0217"]
    editor.open("blocks.res", LIBRARY)
    assert editor.codes(user) == []


def test_a_mistake_in_a_library_is_shown_where_it_is_used(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    library = editor.open("blocks.res", LIBRARY.replace("(width)", "(width"))
    user = editor.open("n.res", USER)
    assert editor.codes(user) == editor.codes(library) != []
    assert {marked(each, USER) for each in editor.problems[user]} == {"use blocks"}


def test_an_unsaved_buffer_is_a_spec_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "blocks.res").write_text(LIBRARY)
    editor = Editor(tmp_path)
    uri = editor.open("untitled:Untitled-1", USER)
    assert editor.codes(uri) == []
    editor.change(uri, {"text": USER.replace("16", "16, 17")})
    assert editor.codes(uri) == ["E0205"]


# --- any text, any edits ---


def edits(draw: random.Random, text: str, encoding: str) -> tuple[dict[str, Any], str]:
    """A random change as an editor sends it, and the text after it."""
    pieces = [
        "",
        " ",
        "\n",
        "\r\n",
        "{",
        "}",
        "->",
        "🙂",
        "é",
        "\t",
        "x",
        "3x3",
        "conv",
        "#",
        '"',
        "\ud800",
    ]
    start = draw.randrange(len(text) + 1)
    end = min(len(text), start + draw.choice([0, 0, 1, 3, 40]))
    lines, new = Lines(text, encoding), draw.choice(pieces) * draw.choice([1, 1, 2])
    place = {"start": lines.position(start), "end": lines.position(end)}
    start, end = lines.offset(place["start"]), lines.offset(place["end"])
    return {"range": place, "text": new}, text[:start] + new + text[end:]


REQUESTS = (
    "completion", "definition", "documentHighlight", "hover", "prepareRename", "references",
    "signatureHelp", "documentSymbol", "foldingRange", "inlayHint", "codeLens", "selectionRange",
    "semanticTokens/full", "codeAction",
)  # fmt: skip


def ask_anything(draw: random.Random, editor: Editor, uri: str, text: str) -> None:
    """Ask for something at a random place; no answer is an error."""
    lines = Lines(text, editor.capabilities["positionEncoding"])
    position = lines.position(draw.randrange(len(text) + 1))
    if draw.random() < 0.1:
        position = {"line": draw.randrange(1000), "character": draw.randrange(1000)}
    editor.ask(
        f"textDocument/{draw.choice(REQUESTS)}",
        textDocument={"uri": uri},
        position=position,
        positions=[position],
        range={"start": position, "end": position},
        context={"diagnostics": []},
    )


def scramble(folder: Path, seed: int, changes: int) -> None:
    """Make random edits; in the end the editor has the diagnostics of `check` on the final text."""
    draw = random.Random(seed)
    shipped = sorted(Path("specs").rglob("*.res"))
    text = draw.choice(shipped).read_bytes().decode()
    encoding = draw.choice(ENCODINGS)
    editor = Editor(folder, encoding)
    uri = editor.open("scrambled.res", text)
    for _ in range(changes):
        change, text = edits(draw, text, encoding)
        editor.change(uri, change)
        ask_anything(draw, editor, uri, text)
    assert editor.server.session.documents[uri].text == text
    path = folder / "scrambled.res"
    path.write_bytes(text.encode(errors="surrogatepass"))
    expected = checked(path)
    assert editor.codes(uri) == [each.code for each in expected], seed
    messages = [each["message"] for each in editor.problems[uri]]
    assert all(m.startswith(d.message) for m, d in zip(messages, expected, strict=True)), seed


@pytest.mark.parametrize("seed", range(20))
def test_any_edits_end_in_the_diagnostics_of_check(tmp_path: Path, seed: int) -> None:
    scramble(tmp_path, seed, 15)


def test_a_file_whose_name_has_a_percent_sign_is_found(tmp_path: Path) -> None:
    (tmp_path / "100%25").mkdir()
    (tmp_path / "100%25" / "blocks.res").write_text(LIBRARY)
    editor = Editor(tmp_path)
    assert editor.codes(editor.open("100%25/n.res", USER)) == []
