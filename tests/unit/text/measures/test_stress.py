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
    figures = stress(_reading(("city never money",)))
    assert figures["stressed_share"] == 0.5
    assert figures["alternation"] == 1
    assert (figures["mean_interval"], figures["regularity"]) == (2, 1)


def test_stress_uneven_intervals() -> None:
    """Light light the money (/ / x / x): intervals 1 and 2, mean 1.5, deviation 0.5, 1 / (1 + 1/3)."""
    figures = stress(_reading(("light light the money",)))
    assert figures["mean_interval"] == 1.5
    assert figures["regularity"] == pytest.approx(0.75)
    assert figures["alternation"] == pytest.approx(3 / 4)
    assert figures["stressed_share"] == pytest.approx(3 / 5)


def test_stress_neighbour_agreement() -> None:
    """The same pattern gives 1, the inverse 0; lines of different sections are not compared."""
    assert stress(_reading(("city never", "money ever")))["line_agreement"] == 1
    assert stress(_reading(("city", "ago")))["line_agreement"] == 0
    assert stress(_reading(("city",), ("ago",)))["line_agreement"] == 0


def test_stress_single_syllable() -> None:
    """Figures without a value are None."""
    figures = stress(_reading(("light",)))
    assert (figures["mean_interval"], figures["regularity"]) == (None, None)


def test_steadiness_growth_and_shrinkage() -> None:
    """Syllables 2, 4 (grown), 4 (even), 1 (shrunk)."""
    figures = steadiness(_reading(("city", "city city", "money money", "light")))
    shares = [figures["even_line_share"], figures["grown_line_share"], figures["shrunk_line_share"]]
    assert shares == [pytest.approx(1 / 3)] * 3


def test_steadiness_alternating_lengths() -> None:
    """Alternating long and short lines have a period of two; equal lines have none."""
    assert steadiness(_reading(("city city city", "light") * 8))["length_period"] == 2
    assert steadiness(_reading(("city",) * 16))["length_period"] is None
    assert steadiness(_reading(("city city city", "light")))["length_period"] is None


def test_steadiness_breaks_inside_lines() -> None:
    """Two commas and a dash inside lines, none at their ends; hyphens and apostrophes are no breaks."""
    figures = steadiness(_reading(("Stop, look, listen,", "half-built bars don't break", "one - two")))
    assert figures["breaks_per_line"] == 1
    assert figures["broken_line_share"] == pytest.approx(2 / 3)
    assert figures["break_position"] == pytest.approx((1 / 3 + 2 / 3 + 1 / 2) / 3)


@given(st.lists(st.lists(st.text(max_size=30), max_size=5).map(tuple), max_size=4))
def test_stress_within_bounds(stanzas: list[tuple[str, ...]]) -> None:
    """Shares in [0, 1], regularity in (0, 1], intervals of a syllable and more."""
    reading = _reading(*stanzas)
    figures, steady = stress(reading), steadiness(reading)
    assert all(0 <= figures[name] <= 1 for name in ("stressed_share", "alternation", "line_agreement"))
    assert figures["regularity"] is None or 0 < figures["regularity"] <= 1
    assert figures["mean_interval"] is None or figures["mean_interval"] >= 1
    total = steady["even_line_share"] + steady["grown_line_share"] + steady["shrunk_line_share"]
    assert math.isclose(total, 1) or total == 0
