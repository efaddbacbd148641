"""Stress, line lengths and breaks on lines small enough to scan by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.measures.stress import steadiness, stress
from rapray.text.reading import Reading, read


def _reading(*stanzas: tuple[str, ...]) -> Reading:
    return read([Section("verse", None, "", (), lines) for lines in stanzas])


def test_stress_trochees_alternate_throughout() -> None:
    """City, never, money: / x / x / x. Two intervals of two syllables: as regular as can be."""
    found = stress(_reading(("city never money",)))
    assert found["stressed_share"] == 0.5
    assert found["alternation"] == 1
    assert (found["mean_interval"], found["regularity"]) == (2, 1)


def test_stress_uneven_intervals() -> None:
    """Light light the money (/ / x / x): intervals 1 and 2, mean 1.5, deviation 0.5, 1 / (1 + 1/3)."""
    found = stress(_reading(("light light the money",)))
    assert found["mean_interval"] == 1.5
    assert found["regularity"] == pytest.approx(0.75)
    assert found["alternation"] == pytest.approx(3 / 4)
    assert found["stressed_share"] == pytest.approx(3 / 5)


def test_stress_neighbour_agreement() -> None:
    """Same pattern: 1; turned round: 0; across sections: not compared."""
    assert stress(_reading(("city never", "money ever")))["line_agreement"] == 1
    assert stress(_reading(("city", "ago")))["line_agreement"] == 0
    assert stress(_reading(("city",), ("ago",)))["line_agreement"] == 0


def test_stress_single_syllable() -> None:
    """None is said where nothing is to be measured."""
    found = stress(_reading(("light",)))
    assert (found["mean_interval"], found["regularity"]) == (None, None)


def test_steadiness_growth_and_shrinkage() -> None:
    """Syllables 2, 4 (grown), 4 (even), 1 (shrunk)."""
    found = steadiness(_reading(("city", "city city", "money money", "light")))
    shares = [found["even_line_share"], found["grown_line_share"], found["shrunk_line_share"]]
    assert shares == [pytest.approx(1 / 3)] * 3


def test_steadiness_alternating_lengths() -> None:
    """A long and a short line in turn come back after two; equal lines have no period."""
    assert steadiness(_reading(("city city city", "light") * 8))["length_period"] == 2
    assert steadiness(_reading(("city",) * 16))["length_period"] is None
    assert steadiness(_reading(("city city city", "light")))["length_period"] is None


def test_steadiness_breaks_inside_lines() -> None:
    """Two commas and a dash inside lines, none at their ends; hyphens and apostrophes are no breaks."""
    found = steadiness(_reading(("Stop, look, listen,", "half-built bars don't break", "one - two")))
    assert found["breaks_per_line"] == 1
    assert found["broken_line_share"] == pytest.approx(2 / 3)
    assert found["break_position"] == pytest.approx((1 / 3 + 2 / 3 + 1 / 2) / 3)


@given(st.lists(st.lists(st.text(max_size=30), max_size=5).map(tuple), max_size=4))
def test_stress_within_bounds(stanzas: list[tuple[str, ...]]) -> None:
    """Shares in [0, 1], regularity in (0, 1], intervals of a syllable and more."""
    reading = _reading(*stanzas)
    found, steady = stress(reading), steadiness(reading)
    assert all(0 <= found[name] <= 1 for name in ("stressed_share", "alternation", "line_agreement"))
    assert found["regularity"] is None or 0 < found["regularity"] <= 1
    assert found["mean_interval"] is None or found["mean_interval"] >= 1
    total = steady["even_line_share"] + steady["grown_line_share"] + steady["shrunk_line_share"]
    assert math.isclose(total, 1) or total == 0
