"""Explicitness by category, and the kinds of words a song uses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.words.diction import daniels, diction
from rapray.text.words.explicit import explicitness, is_profanity
from rapray.text.words.wordlists import groups


def test_explicitness_hand_scored_text() -> None:
    """A damn (1), a pistol (1) and a shit (2) in twenty words: 4 in 20 is 20 in a hundred, 20 / 25."""
    found = explicitness([*["damn", "pistols", "shit"], *["word"] * 17])
    assert found["score"] == pytest.approx(0.8)
    assert found["word_share"] == pytest.approx(3 / 20)
    assert (found["mild"], found["violence"], found["profanity"], found["slurs"]) == (1, 1, 1, 0)


def test_explicitness_hides_slurs() -> None:
    """The result has figures alone."""
    slur = groups("explicit")["slurs"][0].removeprefix("=")
    found = explicitness([slur, "light"])
    assert found["slurs"] == 1
    assert slur not in json.dumps(found)


@pytest.mark.parametrize(
    "word", ["hello", "class", "assume", "cocktail", "shitake", "spices", "grape", "scunthorpe", "therapist"]
)
def test_explicitness_ignores_innocent_words(word: str) -> None:
    """Whole words count, not letters inside them."""
    assert explicitness([word])["score"] == 0
    assert not is_profanity(word)


def test_is_profanity_inflections() -> None:
    """Every form that a rapper gives a swear word."""
    assert all(map(is_profanity, ["fuckin'", "fucking", "shits", "goddamn", "motherfuckers"]))
    assert not is_profanity("pistol")


@given(st.lists(st.sampled_from(["damn", "gun", "light", "weed", "hoe", "the"]), max_size=50))
def test_explicitness_score_within_bounds(words: list[str]) -> None:
    """More explicit words never lower the score below zero or lift it to one."""
    assert 0 <= explicitness(words)["score"] < 1


def test_diction_distinguishes_word_kinds() -> None:
    """One slang word, one clipped form, one swear word, one coinage, one rare word in ten; inflections are not rare."""
    found = diction(
        ["finna", "runnin'", "damn", "xqblorv", "metonym", "asked", "went", "houses", "the", "louder"]
    )
    assert found["slang_share"] == pytest.approx(0.2)
    assert found["profanity_share"] == pytest.approx(0.1)
    assert found["unknown_word_share"] == pytest.approx(0.1)
    assert found["rare_word_share"] == pytest.approx(len(found["rare_words"]) / 10)
    assert not {"asked", "went", "houses", "louder", "the"} & set(found["rare_words"])


def test_diction_empty_text() -> None:
    """An empty list is no error."""
    assert diction([]) == {
        "rare_word_share": 0.0, "unknown_word_share": 0.0, "slang_share": 0.0, "profanity_share": 0.0, "rare_words": [],
    }  # fmt: skip


def test_daniels_unique_window_words() -> None:
    """Apostrophes go (runnin' is runnin), what lies behind the window does not count, too few words give none."""
    words = ["runnin'", "runnin", "light", "night", "dark"]
    assert daniels(words, window=4) == 3
    assert daniels(words, window=6) is None
    assert daniels([f"w{number % 9000}" for number in range(40_000)]) == 9000
