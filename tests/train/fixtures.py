"""Fixtures of all tests that train."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.train import shortcuts
from tests.train.launch import Server, start_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Start the server of trainers, once for all tests."""
    with start_server() as found:
        yield found


@pytest.fixture
def complete() -> None:
    """Draw figures and sync files in the test that requests this."""


@pytest.fixture(autouse=True)
def shortcut(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take the shortcuts of trainers, but for tests that request `complete`."""
    if "complete" not in request.fixturenames:
        shortcuts.take()
    yield
    shortcuts.leave()
