"""Themes: which words lead to which, and how much they weigh."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.words.themes import themes
from rapray.text.words.wordlists import groups


def test_theme_lists_minimum_size() -> None:
    """What the analyzer promises."""
    assert len(groups("themes")) >= 12
    assert {name: len(set(words)) for name, words in groups("themes").items() if len(set(words)) < 25} == {}


def test_themes_hand_weighed_song() -> None:
    """Hits: cash 3 (of four: the cap), dollar 1; content words 4 + 1 + 3 = 8: 50 in a hundred, 50 / 54."""
    found = themes(
        ["the", "cash", "cash", "cash", "cash", "and", "the", "dollars", "keep", "talking", "slowly"]
    )
    assert [theme["theme"] for theme in found] == ["money"]
    assert found[0]["weight"] == pytest.approx(50 / 54)
    assert found[0]["share"] == 1
    assert found[0]["words"] == [{"word": "cash", "count": 4}, {"word": "dollar", "count": 1}]


def test_themes_ignore_single_words() -> None:
    """One word of a list, however often, makes no theme."""
    assert themes(["cash"] * 40) == []


def test_themes_share_a_word() -> None:
    """Rent is of money and of struggle; each needs a second word."""
    found = {theme["theme"] for theme in themes(["rent", "dollar", "hungry"])}
    assert {"money", "struggle"} <= found


@given(
    st.lists(
        st.sampled_from(["cash", "dollar", "god", "pray", "gun", "the", "walking", "sun", "rain"]),
        max_size=80,
    )
)
def test_themes_weights_within_bounds(words: list[str]) -> None:
    """Weights fall, stay below one, and the shares of all themes sum to one."""
    found = themes(words)
    weights = [theme["weight"] for theme in found]
    assert weights == sorted(weights, reverse=True)
    assert all(0 < weight < 1 for weight in weights)
    assert not found or sum(theme["share"] for theme in found) == pytest.approx(1)
