"""What starts trainers, once for all tests."""

from collections.abc import Iterator

import pytest

from tests.train.launch import Server, start_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with start_server() as found:
        yield found
