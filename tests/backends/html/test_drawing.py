"""The text of a drawing has enough contrast in a real browser, on dark and light pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.backends.draw.svg import to_svg
from resspec.compiler import load
from tests.backends.draw.test_layout import drawn
from tests.browser import POOR, Browser


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("color_by", [None, "macs", "saved"])
def test_words_stand_out(
    color_by: str | None, dark: bool, tmp_path: Path, chromium: Browser
) -> None:
    networks = [load(name) for name in ("vgg19", "regnet_y_400mf")]
    page = tmp_path / "drawing.html"
    page.write_text(
        f"<!DOCTYPE html><body>{to_svg(drawn(*networks, layers=True, color_by=color_by))}",
        encoding="utf-8",
    )
    chromium.open(page, dark=dark)
    assert chromium.evaluate("document.querySelectorAll('svg text').length") > 100
    assert chromium.evaluate(POOR) == []


def test_it_opens_alone(tmp_path: Path, chromium: Browser) -> None:
    path = tmp_path / "drawing.svg"
    path.write_text(to_svg(drawn(load("resnet152"), unfold=True)), encoding="utf-8")
    chromium.open(path)
    assert chromium.requests == [path.as_uri()]
    assert chromium.complaints == []
    room = """Math.min(...[...document.querySelectorAll(".layer")].map((layer) => {
        const [box, words] = ["rect", "text"].map((name) => layer.querySelector(name).getBoundingClientRect());
        return box.width - words.width;
    }))"""
    assert chromium.evaluate(room) >= 16
