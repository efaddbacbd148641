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
    result = explicitness([*["damn", "pistols", "shit"], *["word"] * 17])
    assert result["score"] == pytest.approx(0.8)
    assert result["word_share"] == pytest.approx(3 / 20)
    assert (result["mild"], result["violence"], result["profanity"], result["slurs"]) == (1, 1, 1, 0)


def test_explicitness_hides_slurs() -> None:
    """The result contains only figures."""
    slur = groups("explicit")["slurs"][0].removeprefix("=")
    result = explicitness([slur, "light"])
    assert result["slurs"] == 1
    assert slur not in json.dumps(result)


@pytest.mark.parametrize(
    "word", ["hello", "class", "assume", "cocktail", "shitake", "spices", "grape", "scunthorpe", "therapist"]
)
def test_explicitness_ignores_innocent_words(word: str) -> None:
    """Explicit words inside other words do not count."""
    assert explicitness([word])["score"] == 0
    assert not is_profanity(word)


def test_is_profanity_inflections() -> None:
    """Inflected and clipped forms of swear words count."""
    assert all(map(is_profanity, ["fuckin'", "fucking", "shits", "goddamn", "motherfuckers"]))
    assert not is_profanity("pistol")


@given(st.lists(st.sampled_from(["damn", "gun", "light", "weed", "hoe", "the"]), max_size=50))
def test_explicitness_score_within_bounds(words: list[str]) -> None:
    """The score lies in [0, 1) for any words."""
    assert 0 <= explicitness(words)["score"] < 1


def test_diction_distinguishes_word_kinds() -> None:
    """One slang word, one clipped form, one swear word, one coinage, one rare word in ten; inflections are not rare."""
    result = diction(
        ["finna", "runnin'", "damn", "xqblorv", "metonym", "asked", "went", "houses", "the", "louder"]
    )
    assert result["slang_share"] == pytest.approx(0.2)
    assert result["profanity_share"] == pytest.approx(0.1)
    assert result["unknown_word_share"] == pytest.approx(0.1)
    assert result["rare_word_share"] == pytest.approx(len(result["rare_words"]) / 10)
    assert not {"asked", "went", "houses", "louder", "the"} & set(result["rare_words"])


def test_diction_empty_text() -> None:
    """An empty list gives zeros."""
    assert diction([]) == {
        "rare_word_share": 0.0, "unknown_word_share": 0.0, "slang_share": 0.0, "profanity_share": 0.0, "rare_words": [],
    }  # fmt: skip


def test_daniels_unique_window_words() -> None:
    """Apostrophes are ignored (runnin' is runnin), words beyond the window do not count, too few words give None."""
    words = ["runnin'", "runnin", "light", "night", "dark"]
    assert daniels(words, window=4) == 3
    assert daniels(words, window=6) is None
    assert daniels([f"w{number % 9000}" for number in range(40_000)]) == 9000
