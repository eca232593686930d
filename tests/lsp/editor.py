"""An editor that talks to the server: in this process, or to `resspec lsp` over pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from resspec.lsp.server import Server
from resspec.lsp.streams import read_message, write_message

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {
        "workspaceEdit": {"documentChanges": True},
        "inlayHint": {"refreshSupport": True},
        "codeLens": {"refreshSupport": True},
    },
}


class Editor:
    """A server in this process, all jobs of which are done after each message."""

    def __init__(self, folder: Path, encoding: str = "utf-16") -> None:
        self.server = Server()
        self.folder = folder
        self.problems: dict[str, list[dict[str, Any]]] = {}
        self.asked = 0
        self.versions: dict[str, int] = {}
        capabilities = CAPABILITIES | {"general": {"positionEncodings": [encoding]}}
        folders = [{"uri": folder.as_uri(), "name": "here"}]
        given = {"capabilities": capabilities, "workspaceFolders": folders}
        self.capabilities = self.ask("initialize", **given)["capabilities"]
        self.tell("initialized")

    def uri(self, name: str) -> str:
        return name if ":" in name else (self.folder / name).as_uri()

    def tell(self, method: str, **params: Any) -> None:
        self._hear({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        """Return the result of a request. Raises AssertionError with the error of one that failed."""
        self.asked += 1
        message = {"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}
        found = next(each for each in self._hear(message) if each.get("id") == self.asked)
        assert "error" not in found, found["error"]
        return found["result"]

    def open(self, name: str, text: str) -> str:
        uri = self.uri(name)
        item = {"uri": uri, "languageId": "resspec", "version": 1, "text": text}
        self.versions[uri] = 1
        self.tell("textDocument/didOpen", textDocument=item)
        return uri

    def change(self, uri: str, *changes: dict[str, Any]) -> None:
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=[*changes])

    def at(self, uri: str, line: int, character: int) -> dict[str, Any]:
        return {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
        }

    def codes(self, uri: str) -> list[str]:
        return [each.get("code", "") for each in self.problems.get(uri, [])]

    def _hear(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        text = json.dumps(message)  # what cannot be sent is noticed here
        found = [*self.server.handle(json.loads(text)), *self.server.settle()]
        for each in found:
            assert each.get("method") != "window/logMessage", each["params"]["message"]
            if each.get("method") == "textDocument/publishDiagnostics":
                self.problems[each["params"]["uri"]] = each["params"]["diagnostics"]
        json.dumps(found)
        return found


class Process:
    """`resspec lsp` over pipes."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "resspec", "lsp", "--stdio"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe)
        self.asked = 0
        self.heard: list[dict[str, Any]] = []

    def tell(self, method: str, **params: Any) -> None:
        assert self.process.stdin
        write_message(self.process.stdin, {"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        assert self.process.stdin
        self.asked += 1
        message = {"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}
        write_message(self.process.stdin, message)
        return self.wait(lambda each: each.get("id") == self.asked and "method" not in each)

    def wait(self, is_meant: Any) -> dict[str, Any]:
        """Return the next message of a kind; those before it are `heard`."""
        assert self.process.stdout
        while True:
            message: dict[str, Any] = read_message(self.process.stdout)
            assert message is not None, "the server has ended"
            self.heard.append(message)
            if is_meant(message):
                return message

    def problems(self, version: int) -> list[dict[str, Any]]:
        """Return the diagnostics of a version, once they come."""

        def is_meant(message: dict[str, Any]) -> bool:
            of_version = message.get("params", {}).get("version") == version
            return message.get("method") == "textDocument/publishDiagnostics" and of_version

        found: list[dict[str, Any]] = self.wait(is_meant)["params"]["diagnostics"]
        return found

    def seconds(self) -> float:
        """Return the CPU time of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def mebibytes(self) -> float:
        """Return the resident memory of the process."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def end(self) -> int:
        """Shut the server down, and return its exit code."""
        self.ask("shutdown")
        self.tell("exit")
        return self.closed()

    def closed(self) -> int:
        """Close the pipes, and return the exit code of the server."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        code = self.process.wait(60)
        self.process.stdout.close()
        return code
