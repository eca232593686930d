from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import system
from tests.browser import Browser, browser


@pytest.fixture(scope="session")
def chromium(font: str) -> Iterator[Browser]:
    """A browser, in which text is seen only where there is a font."""
    del font
    with browser(system.required(system.chromium)) as opened:
        yield opened
