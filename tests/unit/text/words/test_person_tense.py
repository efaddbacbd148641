"""Persons and tenses on lines that are easy to count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.words.person_tense import narrative


def test_narrative_hand_counted_story() -> None:
    """He, he, his: third. Walked, was … running, said: past; will: future."""
    result = narrative(
        [line.split() for line in ("he walked home", "he was running with his dog", "said i will")]
    )
    assert (result["person"], result["pronouns"]) == ("third", 4)
    assert result["third_share"] == 0.75
    assert (result["tense"], result["tense_marks"]) == ("past", 5)
    assert result["past_share"] == pytest.approx(0.8)
    assert result["future_share"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("line", "tense"),
    [
        ("runnin' through the city", "present"), ("we're here", "present"), ("finna leave", "future"),
        ("going to win", "future"), ("going home", "present"), ("she begged", "past"), ("a hundred wicked beds", None),
        ("need the seed", None), ("the king and the thing", None), ("were driving", "past"),
    ],
)  # fmt: skip
def test_narrative_tense_markers(line: str, tense: str | None) -> None:
    """Words that only look like past tense or participles mark no tense."""
    assert narrative([line.split()])["tense"] == tense


def test_narrative_without_pronouns() -> None:
    """Without pronouns there is no person."""
    result = narrative([["light", "night"]])
    assert (result["person"], result["pronouns"], result["first_singular_share"]) == (None, 0, 0.0)


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
    """Shares sum to one, or to zero without pronouns or marks."""
    result = narrative(lines)
    persons = sum(result[f"{name}_share"] for name in ("first_singular", "first_plural", "second", "third"))  # type: ignore[literal-required]
    tenses = sum(result[f"{name}_share"] for name in ("past", "present", "future"))  # type: ignore[literal-required]
    assert persons == pytest.approx(1 if result["pronouns"] else 0)
    assert tenses == pytest.approx(1 if result["tense_marks"] else 0)
