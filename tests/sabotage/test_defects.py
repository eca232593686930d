"""Every planted defect can still be planted. That each is noticed is for the campaign to see: it takes minutes."""

import pytest

from tests.sabotage import (
    data,
    diagnostics,
    formatter,
    front_end,
    meaning,
    preflight,
    runs,
    trainer,
)
from tests.sabotage.defects import ROOT, Defect

DEFECTS = [
    *data.DEFECTS,
    *diagnostics.DEFECTS,
    *formatter.DEFECTS,
    *front_end.DEFECTS,
    *meaning.DEFECTS,
    *preflight.DEFECTS,
    *runs.DEFECTS,
    *trainer.DEFECTS,
]


def test_names_are_distinct() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_can_be_planted(defect: Defect) -> None:
    assert (ROOT / defect.file).read_text(encoding="utf-8").count(defect.old) == 1
    assert defect.old != defect.new
    assert (ROOT / defect.test.partition("::")[0]).exists()
