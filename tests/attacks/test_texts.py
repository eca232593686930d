"""Specs made to explode are refused at once, in little memory, by one located diagnostic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attacks.confined import Taken
from tests.attacks.limits import assert_refused
from tests.attacks.texts import BYTES, TEXTS

ATTACKS = TEXTS | BYTES


@pytest.mark.parametrize("name", ATTACKS)
def test_refused_at_once(name: str, tmp_path: Path, check: Callable[[str], Taken]) -> None:
    text, code = ATTACKS[name]
    path = tmp_path / "bomb.res"
    path.write_bytes(text)
    assert_refused(check(str(path)), code)
