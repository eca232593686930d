"""What starts trainers, once for all tests."""

from collections.abc import Iterator

import pytest

from tests.train.launch import Server, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as found:
        yield found
