"""`index` and `count`: which residual block this is, of how many."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from resspec.compiler import check, load
from resspec.diagnostics import SpecError
from resspec.ir.ops.regularize import DropPath
from tests.specs.tensors import operations


def probabilities(tmp_path: Path, blocks: str, stages: str = "stage s: 3 x outer") -> list[Fraction]:
    """What every `drop_path` of a network drops, in its order."""
    text = f"{blocks}\nnetwork numbered {{ input 8x6x6; {stages}; head avgpool -> fc 4 }}"
    path = tmp_path / "numbered.res"
    path.write_text(text, encoding="utf-8")
    layers = [op.layer for _, op in operations(load(path).body)]
    return [Fraction(layer.p) for layer in layers if isinstance(layer, DropPath)]  # type: ignore[arg-type]


@pytest.mark.parametrize("stages", [
    "stage s: 5 x outer",
    "stage s: 2 x outer -> relu -> 3 x outer",
    "stage a: outer; stage b: 4 x outer",
])
def test_the_last_block_knows_that_it_is_the_last(tmp_path: Path, stages: str) -> None:
    outer = "block outer { residual conv 1x1, in -> drop_path index / (count - 1) / 2; shortcut identity }"
    assert probabilities(tmp_path, outer, stages) == [Fraction(i, 8) for i in range(5)]


def test_blocks_inside_a_residual_block_have_its_number(tmp_path: Path) -> None:
    blocks = """
        block inner { conv 1x1, in -> drop_path 0.1 * index }
        block wrapper { inner }
        block outer { residual inner -> wrapper; shortcut identity }
    """
    assert probabilities(tmp_path, blocks) == [Fraction(i, 10) for i in (0, 0, 1, 1, 2, 2)]


def test_without_residual_blocks_nothing_can_be_divided_by_their_count(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="E0222"):
        probabilities(tmp_path, "block outer { drop_path index / count }")


def test_a_block_without_shortcut_counts_and_drops_nothing(tmp_path: Path) -> None:
    blocks = """
        block outer(width) { residual conv 1x1, width -> drop_path index / count; shortcut M }
        shortcut M { same: identity; widen: none }
    """
    assert probabilities(tmp_path, blocks, "stage s: outer 16 -> 3 x outer 16") == [Fraction(i, 4) for i in (1, 2, 3)]


def test_a_number_of_blocks_that_their_count_changes(tmp_path: Path) -> None:
    blocks = """
        block unit { residual conv 1x1, in; shortcut identity }
        block outer { (count - 2 * (count // 2) + 1) x unit }
    """
    with pytest.raises(SpecError, match="E0241"):
        probabilities(tmp_path, blocks, "stage s: outer")


def test_what_depends_on_the_count_is_right_in_a_library_too(tmp_path: Path) -> None:
    path = tmp_path / "library.res"
    path.write_text("""
        block unit { residual conv 1x1, in -> drop_path 0.02 * count; shortcut identity }
        network template(n) { input 8x4x4; head n x unit }
    """, encoding="utf-8")
    assert check(path) == []
