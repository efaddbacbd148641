"""Diversity against the reference program, and at its edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lexicalrichness import LexicalRichness

from rapray.text.words.vocabulary import hdd, mtld, vocabulary

WORDS = st.lists(st.sampled_from([f"w{number}" for number in range(30)]), min_size=50, max_size=200)


def _reference(words: list[str]) -> LexicalRichness:
    return LexicalRichness(words, preprocessor=None, tokenizer=None)


@given(WORDS)
def test_mtld_matches_reference(words: list[str]) -> None:
    """MTLD equals the reference in both directions, with the last run in part."""
    assert mtld(words) == pytest.approx(_reference(words).mtld(threshold=0.72))


@given(WORDS)
def test_hdd_matches_reference(words: list[str]) -> None:
    """HD-D equals the hypergeometric distribution of the reference."""
    assert hdd(words) == pytest.approx(_reference(words).hdd(draws=42))


def test_vocabulary_empty_text() -> None:
    """An empty song has no diversity and no HD-D."""
    assert vocabulary([]) == {
        "types": 0,
        "type_token_ratio": 0.0,
        "hapax_share": 0.0,
        "mtld": 0.0,
        "hdd": None,
    }


def test_hdd_too_few_words() -> None:
    """With 41 words there is no draw of 42, so HD-D is None."""
    assert hdd(["a"] * 41) is None
    assert hdd(["a"] * 42) == pytest.approx(1 / 42)


def test_mtld_all_words_unique() -> None:
    """Without a repeated word MTLD is the length of the text."""
    assert mtld(["one", "two", "three"]) == 3.0


def test_vocabulary_single_use_words() -> None:
    """Two of five words occur once."""
    measured = vocabulary(["a", "a", "a", "b", "c"])
    assert (measured["types"], measured["hapax_share"], measured["type_token_ratio"]) == (3, 0.4, 0.6)
