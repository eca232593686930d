"""`resspec view`: a page about a file that is being edited, in the browser."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from hashlib import sha256
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from time import monotonic, sleep
from typing import Any

from resspec.commands import numbers
from resspec.commands.panes import pane, policy
from resspec.diagnostics import ResspecError, UsageError
from resspec.opening import locate, open_spec
from resspec.revision import Revision
from resspec.texts import DISK, Overlay, real_path

SUMMARY = "show a spec in the browser while it is being edited"
EXAMPLES = """\
  resspec view net.res                 report, drawing, PyTorch source, and the
                                       diff against the last commit
  resspec view net.res --port 8000     on a port of your choice
  resspec view net.res --no-browser    only print the URL

The page is served only to this machine, at a URL that contains a secret.
Ctrl-C stops it.
"""
_FOLDER = Path(__file__).resolve().parents[1] / "viewer"
_TYPES = {
    "style.css": "text/css; charset=utf-8",
    "panes.js": "text/javascript; charset=utf-8",
    "view.js": "text/javascript; charset=utf-8",
}
_LONGEST_REQUEST = 1 << 20  # bytes
_LOOK = 0.15  # seconds between two looks at the file
_HOLD = 20.0  # seconds until "has it changed?" is answered with no


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("spec", metavar="SPEC", help="a file, or the name of a spec")
    parser.add_argument(
        "--port",
        type=numbers.whole(0, 65_535),
        default=0,
        metavar="N",
        help="the port of the page (default 0, a free one)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="do not open the page in the browser"
    )


def run(arguments: Namespace) -> int:
    path, network = locate(arguments.spec)
    viewed = Viewed(path, network)
    try:
        server = serve(viewed, arguments.port)
    except OSError as error:
        raise UsageError(f"port {arguments.port} cannot be used: {error}") from None
    address = f"http://127.0.0.1:{server.server_port}/{viewed.secret}/"
    print(f"{path} at {address} (Ctrl-C stops it)", file=sys.stderr)
    if not arguments.no_browser:
        _open(address)
    with server:
        server.serve_forever()
    return 0


def _open(address: str) -> None:
    """Open a page, in a process whose output is discarded."""
    command = [sys.executable, "-m", "webbrowser", address]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.Popen(command, **quiet)  # type: ignore[call-overload]  # noqa: S603


class Viewed:
    """A file that a page shows.

    Attributes:
        secret: The first part of every address, which no other page can guess.
    """

    def __init__(self, path: Path, network: str | None) -> None:
        self.secret = secrets.token_urlsafe(16)
        self.path = path
        self._network = network

    def pane(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a pane of the text as it is now."""
        about = {
            "kind": request.get("kind"),
            "network": request.get("network") or self._network,
            "values": request.get("values"),
        }
        try:
            text = DISK.read(self.path)
            base = self._committed() if request.get("kind") == "diff" else b""
        except UsageError as error:
            return {"networks": {}, "problem": str(error)}
        name = str(self.path)
        return pane({**about, "name": name, "text": text, "base": base, "baseName": name})

    def changed(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the state of the files once it differs from the one seen, or after a while."""
        end, files = monotonic() + _HOLD, self._files()
        while (state := _state(files)) == request.get("seen") and monotonic() < end:
            sleep(_LOOK)
        return {"state": state}

    def page(self) -> bytes:
        text = (_FOLDER / "view.html").read_text(encoding="utf-8")
        panes = (_FOLDER / "panes.html").read_text(encoding="utf-8")
        return Template(text).substitute(title=escape(str(self.path)), panes=panes).encode()

    def _files(self) -> list[Path]:
        """Return the file and those that it uses, also where they are only looked for."""
        texts = Overlay({})
        with suppress(ResspecError):
            open_spec(self.path, texts)
        return [Path(path) for path in sorted({real_path(self.path), *texts.asked})]

    def _committed(self) -> bytes:
        """Return the text in the last commit. Raises UsageError where there is none."""
        revision = Revision("HEAD", self.path.absolute().parent)
        real = Path(os.path.realpath(self.path))
        if not revision.is_file(real):
            raise UsageError(f"{self.path} is not in the last commit, so there is no diff")
        return revision.read(real)


def _state(files: list[Path]) -> str:
    """Return a digest of what files hold, and of which of them are missing."""
    found = sha256()
    for path in files:
        try:
            found.update(sha256(DISK.read(path)).digest())
        except UsageError as error:
            found.update(str(error).encode(errors="surrogatepass"))
    return found.hexdigest()


def serve(viewed: Viewed, port: int) -> ThreadingHTTPServer:
    """Return a server of a page, for this machine alone. Raises OSError."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self._name()
            if name == "":
                self._send(viewed.page(), "text/html; charset=utf-8")
            elif name in _TYPES:
                self._send((_FOLDER / name).read_bytes(), _TYPES[name])
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            answers = {"pane": viewed.pane, "changed": viewed.changed}
            answer = answers.get(self._name() or "")
            if answer is None:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            try:
                request = _request(self._body())
            except (ValueError, RecursionError):
                self.send_error(HTTPStatus.BAD_REQUEST)
                return
            self._send(json.dumps(answer(request)).encode(), "application/json")

        def _body(self) -> bytes:
            """Return what was sent. Raises ValueError where its length is missing or too large."""
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 < length <= _LONGEST_REQUEST:
                raise ValueError(length)
            return self.rfile.read(length)

        def _name(self) -> str | None:
            """Return the address after the secret; None if the secret or the host is wrong."""
            own = {f"127.0.0.1:{self.server.server_port}", f"localhost:{self.server.server_port}"}  # type: ignore[attr-defined]
            start = f"/{viewed.secret}/"
            is_ours = self.headers.get("Host") in own and self.path.startswith(start)
            return self.path.removeprefix(start) if is_ours else None

        def _send(self, content: bytes, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", policy())
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing: the page shows all that matters."""

    return _PageServer(("127.0.0.1", port), Handler)


class _PageServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing where the page was closed before its answer came."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _request(body: bytes) -> dict[str, Any]:
    """Return the request of a page. Raises ValueError or RecursionError where it is none."""
    request = json.loads(body)
    values = request.get("values") or {} if isinstance(request, dict) else None
    if not isinstance(values, dict):
        raise ValueError("a request is an object, and so are its values")
    texts = [*values.values(), *(request.get(name) for name in ("kind", "network", "seen"))]
    if not all(isinstance(text, str | None) for text in texts):
        raise ValueError("what a request has is text")
    return dict(request)
