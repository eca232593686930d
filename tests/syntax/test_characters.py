"""Whatever character stands in a text, it may stand there, or it is named."""

import unicodedata

from tests.syntax.characters import SURROGATES, assert_named, boundaries


def test_each_category_and_boundary() -> None:
    points = {*boundaries(), *range(0x100)}
    assert {unicodedata.category(chr(point)) for point in points} == {
        unicodedata.category(chr(point)) for point in range(0x110000) if point not in SURROGATES
    }
    for point in sorted(points):
        assert_named(point)
