"""Every row of the tables still fits the code. The campaign plants them: that takes minutes."""

from tests.sabotage import (
    data,
    diagnostics,
    formatter,
    front_end,
    imports,
    meaning,
    preflight,
    runs,
    trainer,
)
from tests.sabotage.defects import why_stale

DEFECTS = [
    *data.DEFECTS,
    *diagnostics.DEFECTS,
    *formatter.DEFECTS,
    *front_end.DEFECTS,
    *imports.DEFECTS,
    *meaning.DEFECTS,
    *preflight.DEFECTS,
    *runs.DEFECTS,
    *trainer.DEFECTS,
]


def test_names_are_distinct() -> None:
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)


def test_every_defect_can_be_planted() -> None:
    stale = {defect.name: why for defect in DEFECTS if (why := why_stale(defect))}
    assert not stale
