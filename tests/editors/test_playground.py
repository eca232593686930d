"""The playground in Chromium, from a local server. `make playground` builds it and runs this."""

from __future__ import annotations

import functools
import json
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import resspec
from tests.browser import POOR, Browser, browser

SITE = Path(__file__).resolve().parents[2] / "build" / "playground"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
PATIENCE = 300.0  # seconds to load, on a machine that does much else
MOST_BYTES = 10_000_000  # of the first visit, compressed

pytestmark = [
    pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="make playground builds it"),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]


class Quiet(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012, as the base class declares it
        **SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Browser]:
    assert CHROMIUM is not None
    with browser(CHROMIUM) as tab:
        tab.open(address)
        wait(tab, "document.body.dataset.ready === 'yes'")
        yield tab


def wait(tab: Browser, condition: str) -> None:
    """Wait until a condition holds in the page."""
    end = time.monotonic() + PATIENCE
    while not tab.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < end, tab.evaluate("document.body.innerText")


def choose(tab: Browser, example: str, kind: str) -> None:
    """Open an example in a pane."""
    tab.evaluate(
        f"""(() => {{
            document.getElementById("tab-{kind}").click();
            const input = document.getElementById("example");
            input.value = {json.dumps(example)};
            input.dispatchEvent(new Event("change"));
        }})()"""
    )
    wait(tab, "document.getElementById('pane').classList.contains('stale') === false")


def write(tab: Browser, old: str, new: str) -> None:
    """Replace words in the editor, as if they had been typed."""
    tab.evaluate(
        f"""(() => {{
            const {{ editor }} = globalThis.playground;
            editor.text = editor.text.replace({json.dumps(old)}, {json.dumps(new)});
        }})()"""
    )


def test_the_report_of_resnet152_has_its_hash(page: Browser) -> None:
    choose(page, "resnet152", "report")
    digest = resspec.report(resspec.load("resnet152")).hash[:16]
    wait(page, f"document.querySelector('#pane iframe')?.srcdoc.includes('{digest}')")


def test_the_source_is_what_compile_prints(page: Browser) -> None:
    choose(page, "resnet18", "source")
    source = resspec.compile(resspec.load("resnet18"))
    wait(page, f"document.querySelector('#pane pre')?.textContent === {json.dumps(source)}")


def test_a_mistake_is_listed_and_goes_with_its_fix(page: Browser) -> None:
    choose(page, "digits", "drawing")
    wait(page, "document.querySelector('#pane svg')")
    write(page, "relu", "rleu")
    wait(page, "document.querySelector('#problems .error b')?.textContent.startsWith('E0201')")
    assert "did you mean `relu`?" in page.evaluate("document.getElementById('problems').innerText")
    write(page, "rleu", "relu")
    wait(page, "document.getElementById('count').textContent === '– none'")
    wait(page, "document.querySelector('#pane svg')")


def test_a_link_holds_the_text(page: Browser) -> None:
    choose(page, "digits", "source")
    write(page, "relu", "gelu")
    page.evaluate("document.getElementById('share').click()")
    wait(page, "location.hash.startsWith('#1')")
    link = page.evaluate("location.href")
    page.open("about:blank")
    page.open(link)
    wait(page, "document.body.dataset.ready === 'yes'")
    assert "gelu" in page.evaluate("playground.editor.text")


def test_a_link_holds_values_of_parameters(page: Browser) -> None:
    page.evaluate("document.getElementById('tab-source').click()")
    page.evaluate(
        "playground.editor.text = 'network net(classes=10) { input 3x8x8; head avgpool -> fc classes }'"
    )
    wait(page, "document.querySelector('#parameters input')?.name === 'classes'")
    page.evaluate(
        """(() => {
            const field = document.querySelector("#parameters input");
            field.value = "77";
            field.dispatchEvent(new Event("change", { bubbles: true }));
            history.replaceState(null, "", location.pathname);
            document.getElementById("share").click();
        })()"""
    )
    wait(page, "location.hash.startsWith('#1')")
    link = page.evaluate("location.href")
    page.open("about:blank")
    page.open(link)
    wait(page, "document.body.dataset.ready === 'yes'")
    page.evaluate("document.getElementById('tab-source').click()")
    wait(page, "document.querySelector('#pane pre')?.textContent.includes('classes: int = 77')")
    assert page.evaluate("document.querySelector('#parameters input').value") == "77"


def test_nothing_is_requested_from_elsewhere(page: Browser, address: str) -> None:
    assert all(each.startswith((address, "data:", "blob:")) for each in page.requests)
    assert not [each for each in page.complaints if "Content Security" in str(each)]


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_stands_out(page: Browser, dark: bool) -> None:
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    page.call("Emulation.setEmulatedMedia", features=scheme)
    assert page.evaluate(POOR) == []


def test_the_first_visit_is_small(tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "site"), "gztar", SITE)
    assert Path(archive).stat().st_size <= MOST_BYTES
