"""Syllables a second, on lines small enough to count by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section, Timing
from rapray.text.measures.pace import LONGEST_LINE_S, pace
from rapray.text.reading import Reading, read


def _reading(*lines: str) -> Reading:
    return read([Section("verse", None, "", (), lines[:1]), Section("verse", None, "", (), lines[1:])])


def test_pace_synced_lines() -> None:
    """6 syllables in 2 s and 5 in 1 s; a pause of 20 s and the last line are left out, their syllables too."""
    reading = _reading("city never money", "light light the money", "city", "money")
    timings = [Timing(10, 12), Timing(12, 13), Timing(30, 50), Timing(50, None)]
    assert pace(reading, timings, 200) == {
        "syllables_per_second": pytest.approx(11 / 3),
        "syllables_per_second_from": "synced",
        "fastest_syllables_per_second": pytest.approx(5),
    }


def test_pace_fastest_excludes_adlibs() -> None:
    """A line of less than a second counts, but not as the fastest."""
    figures = pace(_reading("city", "light"), [Timing(1, 1.1), Timing(1.1, 2.1)], None)
    assert figures["fastest_syllables_per_second"] == pytest.approx(1)  # type: ignore[typeddict-item]
    assert figures["syllables_per_second"] == pytest.approx(3 / 1.1)
    assert "fastest_syllables_per_second" not in pace(_reading("city", "light"), [Timing(1, 1.1), None], None)


def test_pace_duration_fallback() -> None:
    """Without times it is all syllables over the length of the song, and the result says so."""
    by_duration = {"syllables_per_second": 0.5, "syllables_per_second_from": "duration"}
    assert pace(_reading("city", "city never"), [], 12) == by_duration
    assert pace(_reading("city", "city never"), [None, Timing(3, None)], 12) == by_duration


def test_pace_without_times() -> None:
    """The result of a plain text has no other keys."""
    assert pace(_reading("city", "money"), [], None) == {"syllables_per_second": None}


_TWO_LINES = _reading("city", "money")  # read once: each reading asks the pronouncing dictionary


@given(
    st.lists(st.none() | st.tuples(st.floats(0, 1e5), st.none() | st.floats(0, 1e5)), min_size=2, max_size=2)
)
def test_pace_rate_is_positive(
    times: list[tuple[float, float | None] | None],
) -> None:
    """Times in any order never give a slower pace than the longest line allows."""
    figures = pace(_TWO_LINES, [time and Timing(*time) for time in times], None)
    rate = figures["syllables_per_second"]
    assert rate is None or rate >= 2 / LONGEST_LINE_S - 1e-9
