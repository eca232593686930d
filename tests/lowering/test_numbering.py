"""`index` and `count`: which residual block this is, of how many."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from resspec.compiler import check, load
from resspec.diagnostics import SpecError
from resspec.ir.ops.regularize import DropPathOp
from tests.specs.tensors import operations


def probabilities(
    tmp_path: Path, blocks: str, stages: str = "stage s: 3 x outer"
) -> list[Fraction]:
    """What every `drop_path` of a network drops, in its order."""
    text = f"{blocks}\nnetwork numbered {{ input 8x6x6; {stages}; head avgpool -> fc 4 }}"
    path = tmp_path / "numbered.res"
    path.write_text(text, encoding="utf-8")
    layers = [op.layer for _, op in operations(load(path))]
    return [Fraction(layer.p) for layer in layers if isinstance(layer, DropPathOp)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "stages",
    [
        "stage s: 5 x outer",
        "stage s: 2 x outer -> relu -> 3 x outer",
        "stage a: outer; stage b: 4 x outer",
    ],
)
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


@pytest.mark.parametrize("word", ["index", "count"])
@pytest.mark.parametrize(
    "blocks",
    [
        "block outer { let v = 16 + 8 * WORD; conv 3x3, v }",
        "block outer { let v = 16 + w; let w = 8 * WORD; conv 3x3, v }",
        "block outer { conv 3x3, 16 + 8 * WORD }",
        "block outer(v=16 + 8 * WORD) { conv 3x3, v }",
        "block outer = conv 3x3, 16 + 8 * WORD",
        "block outer { inner }; block inner(v=1 + WORD) = conv 3x3, v",
        "block outer { wide 1 + WORD }; block wide(v) { residual conv 3x3, v; shortcut none }",
        "block outer { inner -> wide }; block inner { conv 3x3, 1 + WORD }; block wide { residual conv 3x3, 8; shortcut none }",
        "block outer { (1 + WORD) x relu }",
        "block outer { add { identity | conv 3x3, in + WORD } }",
        "block outer { given rest }; block given(f) { f }; block rest { conv 3x3, 1 + WORD }",
    ],
)
def test_outside_of_residual_blocks_there_is_no_number(
    tmp_path: Path, blocks: str, word: str
) -> None:
    """Neither a number nor a mistake that would follow from one."""
    with pytest.raises(SpecError) as found:
        probabilities(
            tmp_path,
            blocks.replace("WORD", word).replace("; block", "\nblock"),
            "stage s: 4 x outer",
        )
    assert {each.code for each in found.value.diagnostics} == {"E0220"}
    assert all(each.labels[0].span.text == word for each in found.value.diagnostics)


def test_a_template_has_no_number_outside_of_residual_blocks_either(tmp_path: Path) -> None:
    path = tmp_path / "template.res"
    path.write_text(
        "block w { conv 3x3, 1 + index }; network t(n) { input 3x8x8; head n x w -> fc 2 }",
        encoding="utf-8",
    )
    assert {each.code for each in check(path)} == {"E0220"}


@pytest.mark.parametrize(
    "block",
    [
        "block outer(p=index / 10) { residual conv 1x1, in -> drop_path p; shortcut identity }",
        "block outer { let p = q / 10; let q = index; residual conv 1x1, in -> drop_path p; shortcut identity }",
        "block outer { residual conv 1x1, in; shortcut identity; after drop_path index / 10 }",
        "block outer { preact drop_path index / 10; residual conv 1x1, in; shortcut identity }",
        "block outer { residual conv 1x1, in; shortcut S }\nshortcut S { same: drop_path index / 10 }",
        "block outer { residual inner index; shortcut identity }\nblock inner(i) { drop_path i / 10 -> conv 1x1, in }",
        "block outer { part }\nblock part { residual conv 1x1, in -> drop_path index / 10; shortcut identity }",
    ],
)
def test_inside_of_a_residual_block_there_is_a_number(tmp_path: Path, block: str) -> None:
    assert probabilities(tmp_path, block) == [Fraction(i, 10) for i in range(3)]


def test_a_layer_that_only_fits_the_right_count(tmp_path: Path) -> None:
    """Before the blocks are counted, the first one does not fit; the turns after it count
    nevertheless.
    """
    block = "block outer { residual conv 1x1, 8 + (count - 6) -> drop_path count / 6; shortcut identity }"
    assert probabilities(tmp_path, block, "stage s: 2 x { 3 x outer }") == [Fraction(1)] * 6


def test_a_block_without_shortcut_counts_and_drops_nothing(tmp_path: Path) -> None:
    blocks = """
        block outer(width) { residual conv 1x1, width -> drop_path index / count; shortcut M }
        shortcut M { same: identity; widen: none }
    """
    assert probabilities(tmp_path, blocks, "stage s: outer 16 -> 3 x outer 16") == [
        Fraction(i, 4) for i in (1, 2, 3)
    ]


def test_a_number_of_blocks_that_their_count_changes(tmp_path: Path) -> None:
    blocks = """
        block unit { residual conv 1x1, 8 * count; shortcut none }
        block outer { unit -> (in // 8) x unit }
    """
    with pytest.raises(SpecError, match="E0241"):
        probabilities(tmp_path, blocks)


def test_what_depends_on_the_count_is_right_in_a_library_too(tmp_path: Path) -> None:
    path = tmp_path / "library.res"
    path.write_text(
        """
        block unit { residual conv 1x1, in -> drop_path 0.02 * count; shortcut identity }
        network template(n) { input 8x4x4; head n x unit }
    """,
        encoding="utf-8",
    )
    assert check(path) == []
