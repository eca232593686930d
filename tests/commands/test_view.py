"""`resspec view`: what its server answers, and to whom."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import pytest

import resspec
from resspec.commands.view import Viewed, serve

TEXT = "network net(width=8) { input 3x8x8; stem conv 3x3, width; head avgpool -> fc 10 }\n"


class Client:
    """Requests to the server of one file."""

    def __init__(self, viewed: Viewed, port: int) -> None:
        self.viewed, self.port = viewed, port

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self._request("GET", path, None, headers)

    def post(self, name: str, request: Any) -> dict[str, Any]:
        status, text = self.send(name, json.dumps(request))
        assert status == 200
        answer: dict[str, Any] = json.loads(text)
        return answer

    def send(self, name: str, body: str, **headers: str) -> tuple[int, str]:
        return self._request("POST", f"/{self.viewed.secret}/{name}", body, headers)

    def _request(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.res"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def client(spec: Path) -> Iterator[Client]:
    viewed = Viewed(spec, None)
    with serve(viewed, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Client(viewed, server.server_port)
        server.shutdown()


def test_the_page_and_its_files_are_behind_the_secret(client: Client) -> None:
    status, page = client.get(f"/{client.viewed.secret}/")
    assert status == 200 and "net.res" in page
    for name in ("style.css", "view.js", "panes.js"):
        assert client.get(f"/{client.viewed.secret}/{name}")[0] == 200
    assert client.get("/")[0] == 404
    assert client.get("/guess/")[0] == 404
    assert client.get(f"/{client.viewed.secret}/../view.py")[0] == 404
    assert client.get(f"/{client.viewed.secret}/", Host="evil.example")[0] == 404


def test_a_pane_is_of_the_text_as_it_is_now(client: Client, spec: Path) -> None:
    source = client.post("pane", {"kind": "source"})["source"]
    assert source == resspec.compile(resspec.load(spec))
    spec.write_text(TEXT.replace("width=8", "width=16"), encoding="utf-8")
    assert "width: int = 16" in client.post("pane", {"kind": "source"})["source"]
    wide = client.post("pane", {"kind": "source", "values": {"width": "32"}})
    assert "width: int = 32" in wide["source"]


def test_a_change_is_noticed(client: Client, spec: Path) -> None:
    state = client.post("changed", {"seen": None})["state"]
    spec.write_text(TEXT.replace("avgpool", "avgpol"), encoding="utf-8")
    assert client.post("changed", {"seen": state})["state"] != state
    problem = client.post("pane", {"kind": "report"})["problem"]
    assert "did you mean `avgpool`?" in problem


def test_a_change_of_a_used_file_is_noticed(client: Client, spec: Path) -> None:
    text = "use blocks\nnetwork net { input 3x8x8; stem unit 16; head avgpool -> fc 10 }\n"
    spec.write_text(text, encoding="utf-8")
    state = client.post("changed", {"seen": None})["state"]
    (spec.parent / "blocks.res").write_text("block unit(w) { conv 3x3, w }\n", encoding="utf-8")
    made = client.post("changed", {"seen": state})["state"]
    assert made != state
    (spec.parent / "blocks.res").write_text("block unit(w) { conv 5x5, w }\n", encoding="utf-8")
    assert client.post("changed", {"seen": made})["state"] != made


def test_a_file_that_is_gone_is_a_problem(client: Client, spec: Path) -> None:
    spec.unlink()
    assert "net.res" in client.post("pane", {"kind": "report"})["problem"]


def test_a_file_that_is_not_utf8_is_a_problem_as_in_check(client: Client, spec: Path) -> None:
    spec.write_bytes(b"# caf\xe9\n" + TEXT.encode())
    assert "0xE9) is not UTF-8" in client.post("pane", {"kind": "report"})["problem"]


BAD = [
    "{",
    "[1]",
    "5",
    "[" * 50_000,
    '{"values": [1]}',
    '{"values": {"width": 3}}',
    '{"network": ["net"]}',
]


@pytest.mark.parametrize("body", BAD, ids=lambda body: body[:20])
def test_what_no_page_sends_is_refused(
    client: Client, body: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert client.send("pane", body)[0] == 400
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("length", ["x", "-5", "0", "1" * 5_000, str(1 << 40)])
def test_no_length_is_trusted(
    client: Client, length: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert client.send("pane", "{}", **{"Content-Length": length})[0] == 400
    assert capfd.readouterr().err == ""


def test_a_page_that_is_closed_early_leaves_no_traceback(
    client: Client, spec: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    state = client.post("changed", {"seen": None})["state"]
    body = json.dumps({"seen": state}).encode()
    head = f"POST /{client.viewed.secret}/changed HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.port)) as page:
        page.sendall(head.encode() + body)
        sleep(0.3)
        page.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    spec.write_text(TEXT.replace("width=8", "width=16"), encoding="utf-8")
    assert client.post("changed", {"seen": state})["state"] != state
    sleep(0.5)
    assert capfd.readouterr().err == ""


def test_the_diff_is_from_the_last_commit(client: Client, spec: Path) -> None:
    assert "problem" in client.post("pane", {"kind": "diff"})
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], cwd=spec.parent, check=True)
    spec.write_text(TEXT.replace("width=8", "width=16"), encoding="utf-8")
    page = client.post("pane", {"kind": "diff"})["html"]
    assert "net, before" in page and "net, now" in page
