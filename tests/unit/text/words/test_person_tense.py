"""Persons, tenses and readability on lines that one can count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.measures.size import Counts, readability
from rapray.text.words.person_tense import narrative


def test_narrative_hand_counted_story() -> None:
    """He, he, his: third. Walked, was … running, said: past; will: future."""
    found = narrative(
        [line.split() for line in ("he walked home", "he was running with his dog", "said i will")]
    )
    assert (found["person"], found["pronouns"]) == ("third", 4)
    assert found["third_share"] == 0.75
    assert (found["tense"], found["tense_marks"]) == ("past", 5)
    assert found["past_share"] == pytest.approx(0.8)
    assert found["future_share"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("line", "tense"),
    [
        ("runnin' through the city", "present"), ("we're here", "present"), ("finna leave", "future"),
        ("going to win", "future"), ("going home", "present"), ("she begged", "past"), ("a hundred wicked beds", None),
        ("need the seed", None), ("the king and the thing", None), ("were driving", "past"),
    ],
)  # fmt: skip
def test_narrative_tense_markers(line: str, tense: str | None) -> None:
    """Words that only look like a past or a progressive mark nothing."""
    assert narrative([line.split()])["tense"] == tense


def test_narrative_without_pronouns() -> None:
    """None, not a default."""
    found = narrative([["light", "night"]])
    assert (found["person"], found["pronouns"], found["first_singular_share"]) == (None, 0, 0.0)


@given(
    st.lists(
        st.lists(
            st.sampled_from(["i", "we", "you", "she", "was", "will", "is", "walked", "going", "to", "light"]),
            max_size=8,
        ),
        max_size=6,
    )
)
def test_narrative_share_sums(lines: list[list[str]]) -> None:
    """Or to zero where there is nothing to share."""
    found = narrative(lines)
    persons = sum(found[f"{name}_share"] for name in ("first_singular", "first_plural", "second", "third"))  # type: ignore[literal-required]
    tenses = sum(found[f"{name}_share"] for name in ("past", "present", "future"))  # type: ignore[literal-required]
    assert persons == pytest.approx(1 if found["pronouns"] else 0)
    assert tenses == pytest.approx(1 if found["tense_marks"] else 0)


def test_readability_matches_published_formula() -> None:
    """Ten words and fourteen syllables in two lines: 206.835 - 5.075 - 118.44; 1.95 + 16.52 - 15.59."""
    found = readability(Counts(sections=1, lines=2, words=10, syllables=14, characters=50))
    assert found["flesch_reading_ease"] == pytest.approx(83.32)
    assert found["flesch_kincaid_grade"] == pytest.approx(2.88)


def test_readability_unpronounceable_text() -> None:
    """A script that cannot be pronounced has no syllables to count."""
    found = readability(Counts(sections=1, lines=1, words=3, syllables=0, characters=9))
    assert found == {"flesch_reading_ease": None, "flesch_kincaid_grade": None}
