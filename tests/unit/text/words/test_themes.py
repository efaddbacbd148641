"""Themes: which words indicate which theme, and how much they weigh."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.words.themes import themes
from rapray.text.words.wordlists import groups


def test_theme_lists_minimum_size() -> None:
    """There are at least twelve themes of 25 words and more."""
    assert len(groups("themes")) >= 12
    assert {name: len(set(words)) for name, words in groups("themes").items() if len(set(words)) < 25} == {}


def test_themes_hand_weighed_song() -> None:
    """Hits: cash 3 (of four: the cap), dollar 1; content words 4 + 1 + 3 = 8: 50 in a hundred, 50 / 54."""
    song_themes = themes(
        ["the", "cash", "cash", "cash", "cash", "and", "the", "dollars", "keep", "talking", "slowly"]
    )
    assert [theme["theme"] for theme in song_themes] == ["money"]
    assert song_themes[0]["weight"] == pytest.approx(50 / 54)
    assert song_themes[0]["share"] == 1
    assert song_themes[0]["words"] == [{"word": "cash", "count": 4}, {"word": "dollar", "count": 1}]


def test_themes_ignore_single_words() -> None:
    """A single word of a list makes no theme, however often it occurs."""
    assert themes(["cash"] * 40) == []


def test_themes_share_a_word() -> None:
    """Rent belongs to money and to struggle; each theme needs a second word."""
    song_themes = {theme["theme"] for theme in themes(["rent", "dollar", "hungry"])}
    assert {"money", "struggle"} <= song_themes


@given(
    st.lists(
        st.sampled_from(["cash", "dollar", "god", "pray", "gun", "the", "walking", "sun", "rain"]),
        max_size=80,
    )
)
def test_themes_weights_within_bounds(words: list[str]) -> None:
    """Weights fall, stay below one, and the shares of all themes sum to one."""
    song_themes = themes(words)
    weights = [theme["weight"] for theme in song_themes]
    assert weights == sorted(weights, reverse=True)
    assert all(0 < weight < 1 for weight in weights)
    assert not song_themes or sum(theme["share"] for theme in song_themes) == pytest.approx(1)
