"""Sizes and times as text."""

import pytest

from resspec.units import duration, size_of


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1:00"), (185, "3:05"), (39751, "11:02:31"), (float("nan"), "?")],
)
def test_durations_are_minutes_and_seconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_600, "1 MB"),
        (312_000_000, "312 MB"),
        (1_404_000_000, "1.4 GB"),
        (5 * 10**12, "5 TB"),
        (10**18, "1,000 PB"),
    ],
)
def test_sizes_have_units_of_a_thousand(count: int, text: str) -> None:
    assert size_of(count) == text
