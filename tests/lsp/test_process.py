"""`resspec lsp` as editors run it: over pipes, with what it takes of the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.lsp.editor import CAPABILITIES, Process
from tests.texts import chain

WORK = 0.13  # seconds of CPU that the fixed piece of work takes where the limits are meant
PIECE = "import time; s = time.process_time(); sorted(str(i * i % 99_991) for i in range(300_000)); print(time.process_time() - s)"
CHANGES = 30
START, CHANGE, LARGEST, ANSWER, MEMORY = 0.8, 0.030, 0.050, 0.010, 60.0


def slowness() -> float:
    """How many times as long as where the limits are meant a piece of work takes now."""
    times = [
        float(subprocess.run([sys.executable, "-c", PIECE], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    return max(1.0, median(times) / WORK)


def begun(folder: Path) -> Process:
    process = Process(folder)
    folders = [{"uri": folder.as_uri(), "name": "here"}]
    process.ask("initialize", capabilities=CAPABILITIES, workspaceFolders=folders)
    process.tell("initialized")
    return process


def opened(process: Process, folder: Path, text: str) -> str:
    uri = (folder / "a.res").as_uri()
    item = {"uri": uri, "languageId": "resspec", "version": 1, "text": text}
    process.tell("textDocument/didOpen", textDocument=item)
    return uri


def test_a_session_from_start_to_exit(tmp_path: Path) -> None:
    process = begun(tmp_path)
    uri = opened(process, tmp_path, chain("rleu -> fc 1"))
    (problem,) = process.problems(1)
    assert problem["code"] == "E0201"
    change: dict[str, Any] = {"range": problem["range"], "text": "relu"}
    document = {"uri": uri, "version": 2}
    process.tell("textDocument/didChange", textDocument=document, contentChanges=[change])
    assert process.problems(2) == []
    assert process.end() == 0


def test_what_is_no_message_ends_nothing(tmp_path: Path) -> None:
    process = begun(tmp_path)
    assert process.process.stdin
    for body in (
        b"{",
        b"5",
        b"[" * 100_000,
        b"[1, 2]",
        b'{"id": 3}',
        b'{"method": "nothing", "params": []}',
    ):
        process.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    process.tell("textDocument/didOpen", textDocument=None)
    opened(process, tmp_path, chain("fc 1"))
    assert process.problems(1) == []
    assert process.end() == 0


def test_a_long_request_is_answered_without_another_message(tmp_path: Path) -> None:
    process = begun(tmp_path)
    uri = opened(process, tmp_path, chain("rleu -> fc 1"))
    (problem,) = process.problems(1)
    document, context = {"uri": uri}, dict[str, Any](diagnostics=[])
    answers = [
        process.ask(
            "textDocument/codeAction",
            textDocument=document,
            range=problem["range"],
            context=context,
        )
        for _ in range(2)  # the first may still be done with the check
    ]
    assert all("relu" in answer["result"][0]["title"] for answer in answers)
    assert process.end() == 0


def test_the_end_of_the_stream_ends_it(tmp_path: Path) -> None:
    process = begun(tmp_path)
    assert process.closed() == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="CPU time is read from /proc")
@pytest.mark.parametrize(("spec", "limit"), [("resnet152", CHANGE), ("densenet121", LARGEST)])
def test_it_takes_little_of_the_machine(tmp_path: Path, spec: str, limit: float) -> None:
    text = next(Path("specs").rglob(f"{spec}.res")).read_text()
    before = slowness()
    process = begun(tmp_path)
    started = process.seconds()
    uri = opened(process, tmp_path, text)
    process.problems(1)
    opening = process.seconds()
    for i in range(CHANGES):
        change = {"text": f"{text}# {i}\n"}
        document = {"uri": uri, "version": 2 + i}
        process.tell("textDocument/didChange", textDocument=document, contentChanges=[change])
        process.problems(2 + i)
    changed = (process.seconds() - opening) / CHANGES
    answered = {}
    for method in ("hover", "completion"):
        before_asking = process.seconds()
        for line in range(CHANGES):
            position = {"line": line % 12, "character": 20}
            process.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=position)
        answered[method] = (process.seconds() - before_asking) / CHANGES
    memory = process.mebibytes()
    assert process.end() == 0
    slow = max(before, slowness())
    figures = {"start": started, "change": changed, **answered, "MiB": memory, "slowness": slow}
    print(json.dumps(figures))
    assert started <= START * slow
    assert changed <= limit * slow
    assert max(answered.values()) <= ANSWER * slow
    assert memory <= MEMORY


def test_a_file_of_ten_thousand_blocks_does_not_block_a_hover(tmp_path: Path) -> None:
    process = begun(tmp_path)
    uri = opened(process, tmp_path, chain("conv 3x3, 16 -> fc 1"))
    process.problems(1)
    blocks = "".join(f"block b{i}(w) {{ conv 3x3, w -> bn -> relu }}\n" for i in range(10_000))
    steps = " -> ".join(f"b{i} 8" for i in range(10_000))
    large = f"{blocks}network n {{ input 3x8x8; stem {steps}; head fc 1 }}\n"
    item = {
        "uri": (tmp_path / "large.res").as_uri(),
        "languageId": "resspec",
        "version": 7,
        "text": large,
    }
    process.tell("textDocument/didOpen", textDocument=item)
    for _ in range(5):
        position = {"line": 1, "character": 31}
        answer = process.ask("textDocument/hover", textDocument={"uri": uri}, position=position)
        assert "conv 3x3, 16" in answer["result"]["contents"]["value"]
    is_checked = any(each.get("params", {}).get("version") == 7 for each in process.heard)
    assert not is_checked
    process.problems(7)
    assert process.end() == 0


def test_a_request_with_half_its_parameters_does_not_stop_the_checks(tmp_path: Path) -> None:
    process = begun(tmp_path)
    uri = opened(process, tmp_path, chain("rleu -> fc 1"))
    document: dict[str, Any] = {"uri": uri}
    failed = process.ask("textDocument/inlayHint", textDocument=document)  # without its range
    assert "range" in failed["error"]["message"]
    change = {"text": chain("relu -> fc 1")}
    document |= {"version": 2}
    process.tell("textDocument/didChange", textDocument=document, contentChanges=[change])
    assert process.problems(2) == []
    assert process.end() == 0
