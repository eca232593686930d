"""Each planted defect makes its test fail, and the test passes without it.

`pytest tests/campaign/test_sabotage.py -k NAME` plants some of them.
"""

from functools import cache
from pathlib import Path

import pytest

from tests.sabotage.defects import Defect, copied, is_noticed, passes, why_stale
from tests.sabotage.test_defects import DEFECTS


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("sabotage"))


@cache
def passes_without(test: str, copy: Path) -> bool:
    return passes(test, copy)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_planted_defect_is_noticed(defect: Defect, copy: Path) -> None:
    assert not why_stale(defect, copy)
    assert passes_without(defect.test, copy)
    assert is_noticed(defect, copy)
