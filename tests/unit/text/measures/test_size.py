"""Counts, flow, readability and repetition on songs small enough to count by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.domain import Section
from rapray.text.measures.repetition import repetition
from rapray.text.measures.size import Counts, counts, deviation, end_vowel_agreement, flow, readability
from rapray.text.reading import Reading, read, read_line


def _reading(*lines: str) -> Reading:
    return read([Section("verse", None, "", (), lines), Section("outro", None, "", (), ())])


def test_counts_small_song() -> None:
    """Empty lines and sections do not count; ad-libs do."""
    measured = counts(_reading("Running the city (yeah)", "", "Go"))
    assert measured == {"sections": 1, "lines": 2, "words": 5, "syllables": 7, "characters": 25}


def test_flow_small_song() -> None:
    """Lines of 6 and 2 syllables: mean 4, deviation 2; of 4 and 2 words: 3 and 1; one word in six is an ad-lib."""
    measured = flow(_reading("Running the city (yeah)", "Go slow"))
    assert measured["syllables_per_line"] == 4
    assert measured["syllables_per_line_deviation"] == 2
    assert (measured["words_per_line"], measured["words_per_line_deviation"]) == (3, 1)
    assert measured["adlib_share"] == pytest.approx(1 / 6)
    assert measured["syllables_per_word"] == pytest.approx(8 / 6)


def test_flow_empty_song() -> None:
    """A song without lines gives zeros."""
    assert set(flow(_reading()).values()) == {0.0}


@pytest.mark.parametrize(
    ("ends", "share"),
    [("light night", 1.0), ("light bed book night", 0.0), ("light bed night", 2 / 3), ("", 0.0)],
)
def test_end_vowel_agreement_reach(ends: str, share: float) -> None:
    """The third line before is out of reach."""
    assert end_vowel_agreement([read_line(f"The {end}") for end in ends.split()]) == pytest.approx(share)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40))
def test_deviation_matches_definition(values: list[int]) -> None:
    """Root of the mean squared distance from the mean."""
    middle = sum(values) / len(values)
    assert deviation(values) ** 2 == pytest.approx(
        sum((v - middle) ** 2 for v in values) / len(values), abs=1e-9
    )


def test_repetition_repeated_hook() -> None:
    """Two of four lines repeat an earlier line."""
    hook = [["all", "night", "we", "ride"], ["until", "the", "morning", "light"]]
    assert repetition(hook + hook)["repeated_line_share"] == 0.5
    assert repetition(hook)["repeated_line_share"] == 0.0


@given(st.lists(st.lists(st.sampled_from(["la", "da", "di", "dum"]), min_size=1, max_size=6), max_size=20))
def test_repetition_shares_within_bounds(lines: list[list[str]]) -> None:
    """All figures lie in [0, 1]."""
    assert all(0 <= share <= 1 for share in repetition(lines).values())


def test_repetition_chant_compresses_better() -> None:
    """A repeated word needs few LZ78 phrases."""
    chant = repetition([["la"] * 200])["compression"]
    prose = repetition([[f"word{number}" for number in range(200)]])["compression"]
    assert chant > 0.8 > prose == 0.0


@pytest.mark.parametrize(
    ("line", "sung"),
    [
        ("I ride (skrt) all night", ["i", "ride", "all", "night"]),
        ("(skrt (skrt) skrt) go", ["go"]),
        ("go [laughs] on", ["go", "on"]),
        ("go (never closed", ["go"]),
        ("go) on", ["go", "on"]),
    ],
)
def test_read_line_bracketed_adlibs(line: str, sung: list[str]) -> None:
    """Nested, square and unclosed brackets mark ad-libs."""
    assert [word.text for word in read_line(line).sung] == sung


def test_readability_matches_published_formula() -> None:
    """Ten words and fourteen syllables in two lines: 206.835 - 5.075 - 118.44; 1.95 + 16.52 - 15.59."""
    result = readability(Counts(sections=1, lines=2, words=10, syllables=14, characters=50))
    assert result["flesch_reading_ease"] == pytest.approx(83.32)
    assert result["flesch_kincaid_grade"] == pytest.approx(2.88)


def test_readability_unpronounceable_text() -> None:
    """A script that cannot be pronounced has no syllables to count."""
    result = readability(Counts(sections=1, lines=1, words=3, syllables=0, characters=9))
    assert result == {"flesch_reading_ease": None, "flesch_kincaid_grade": None}
