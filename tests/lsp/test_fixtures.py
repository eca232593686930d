"""Answers at cursors: texts with marks, and golden files with what the server says there.

A fixture is `fixtures/FEATURE/NAME.res`; each `§` in it is a cursor.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resspec.ir.ops import OPS
from tests.lsp.editor import Editor

FOLDER = Path(__file__).parent / "fixtures"
FIXTURES = sorted(FOLDER.rglob("*.res"))
MARK = "§"


def hovered(found: Any) -> str:
    return str(found["contents"]["value"]) if found else "nothing"


def completed(found: Any) -> str:
    """The items; layers, and what else comes with resspec and grows, on a line each."""
    lines: dict[str, None] = {}
    for each in found:
        insert = f"  ({each['insertText']!r})" if "insertText" in each else ""
        says = each.get("documentation", {}).get("value", "")
        if each["label"] in OPS:
            line = "LAYERS" + ("  ('LAYER: ')" if insert else "")
        elif "comes with resspec" in (each.get("detail", ""), says.split(" that ")[-1].rstrip(".")):
            line = "SHIPPED"
        else:
            line = f"{each['label']:16} {each.get('detail', '')}".rstrip() + insert
        lines[line] = None
    return "\n".join(lines) or "nothing"


def signed(found: Any) -> str:
    if not found:
        return "nothing"
    shown = found["signatures"][0]
    labels = [each["label"] for each in shown["parameters"]]
    active = found["activeParameter"]
    chosen = labels[active] if active < len(labels) else "none"
    return f"{shown['label']}\nat: {chosen}\n{shown['documentation']['value']}"


FEATURES: dict[str, tuple[str, Callable[[Any], str]]] = {
    "hover": ("textDocument/hover", hovered),
    "completion": ("textDocument/completion", completed),
    "signature": ("textDocument/signatureHelp", signed),
}


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_answers_at_the_cursors(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    marked = path.read_text(encoding="utf-8")
    parts = marked.split(MARK)
    text = "".join(parts)
    editor = Editor(tmp_path)
    uri = editor.open(path.name, text)
    method, shown = FEATURES[path.parent.name]
    answers: list[str] = []
    for i in range(1, len(parts)):
        before = "".join(parts[:i])
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        answer = shown(editor.ask(method, **editor.at(uri, line, column)))
        source = text.split("\n")[line]
        answers.append(f"=== {line + 1}: {source[:column]}{MARK}{source[column:]}\n{answer}\n")
    golden = path.with_suffix(".txt")
    found = "\n".join(answers).replace(tmp_path.as_posix(), "FOLDER")
    found = re.sub(r"(specs/\S+\.res):\d+", r"\1:LINE", found)
    if request.config.getoption("--update"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")
