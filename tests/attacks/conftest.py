from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.attacks.confined import Taken, confined


@pytest.fixture(scope="session")
def check() -> Iterator[Callable[[str], Taken]]:
    with confined() as check:
        yield check
