"""A headless Chromium, driven over the pipe of its DevTools protocol.

It reports a page's network requests and console messages, clicks and types, and reads the result.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE = 60.0  # seconds for an answer
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}


class Browser:
    """One tab."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._left = b""
        self._asked = 0
        self.events: list[dict[str, Any]] = []
        target = self._call("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        self._session = self._call(
            "Target.attachToTarget", {"targetId": target, "flatten": True}, None
        )["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def open(
        self, page: Path | str, width: int = 1400, height: int = 900, dark: bool = False
    ) -> None:
        """A file or an address, when it has loaded; nothing of the page before is known any more."""
        address = page.as_uri() if isinstance(page, Path) else page
        self.size(width, height)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.events.clear()
        loaded = {
            "name": "load",
            "loaderId": self.call("Page.navigate", url=address)["loaderId"],
        }
        while not any(
            loaded.items() <= event["params"].items()
            for event in self.events
            if event["method"] == "Page.lifecycleEvent"
        ):
            self._hear()

    def size(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def complaints(self) -> list[Any]:
        """Errors, warnings and all else that stands on the console."""
        return [
            event["params"]
            for event in self.events
            if event["method"]
            in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        ]

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def hover(self, selector: str) -> None:
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}}); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str) -> None:
        code, text = KEYS[key], {"Enter": "\r", " ": " "}.get(key, "")
        known = {"key": key, "code": {" ": "Space"}.get(key, key), "windowsVirtualKeyCode": code}
        self.call(
            "Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **known
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **known)

    def names(self, role: str) -> list[str]:
        """What a screen reader is told of everything of a role."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            node.get("name", {}).get("value", "")
            for node in nodes
            if node.get("role", {}).get("value") == role
        ]

    def picture(self, path: Path, whole: bool = False) -> None:
        path.write_bytes(
            base64.b64decode(
                self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
            )
        )

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._call(method, parameters, self._session)

    def _call(self, method: str, parameters: dict[str, Any], session: str | None) -> dict[str, Any]:
        self._asked += 1
        number = self._asked
        message = {
            "id": number,
            "method": method,
            "params": parameters,
            **({"sessionId": session} if session else {}),
        }
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._hear()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select([self._read], [], [], PATIENCE)
            assert ready, "Chromium does not answer"
            got = os.read(self._read, 1 << 20)
            assert got, "Chromium has ended"
            self._left += got
        text, _, self._left = self._left.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """Start a Chromium, and end it with all its processes."""
    profile = tempfile.mkdtemp()
    (to_read, written), (read, to_write) = os.pipe(), os.pipe()
    moves = [
        (os.POSIX_SPAWN_DUP2, to_read, 3),
        (os.POSIX_SPAWN_DUP2, to_write, 4),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    command = [program, *FLAGS, f"--user-data-dir={profile}"]
    environment = {
        **os.environ,
        "TMPDIR": profile,
    }  # it is killed, and leaves its own temporary folders behind
    process = os.posix_spawn(program, command, environment, file_actions=moves, setpgroup=0)
    try:
        os.close(to_read)
        os.close(to_write)
        yield Browser(read, written)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(read)
        os.close(written)
        shutil.rmtree(profile, ignore_errors=True)


# The texts of a page that do not stand out from their ground: a contrast of less than 4.5, as WCAG
# 2 counts it.
POOR = """(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
    const over = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); };
    const light = (rgb) => rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const pixel = () => light([...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3));
    const found = [];
    for (const element of document.querySelectorAll("body *:not(script, title, desc, style)")) {
        const words = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim()).map((n) => n.data).join("");
        if (!words || !element.checkVisibility() || element.closest(".unseen, .skip, noscript")) continue;
        const around = [];
        for (let e = element; e; e = e.parentElement) around.unshift(e);
        for (const e of around) over(getComputedStyle(e).backgroundColor);
        const svg = element.ownerSVGElement;
        if (svg) over(getComputedStyle(svg.querySelector(".page")).fill);
        const box = svg && element.parentElement.querySelector(":scope > rect.box");
        if (box) over(getComputedStyle(box).fill);
        const ground = pixel();
        over(element.ownerSVGElement ? getComputedStyle(element).fill : getComputedStyle(element).color);
        const ink = pixel();
        const contrast = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
        if (contrast < 4.5) found.push([words, contrast, element.outerHTML]);
    }
    return found;
})()"""
