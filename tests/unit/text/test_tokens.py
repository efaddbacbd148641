"""Words and offsets of a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapray.text.tokens import spans, words
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Runnin' through the city", ["runnin'", "through", "the", "city"]),
        (
            "I told ’em don’t stop at ten o’clock",
            ["i", "told", "'em", "don't", "stop", "at", "ten", "o'clock"],
        ),
        ("a 99-mile, low-key ride", ["a", "99", "mile", "low", "key", "ride"]),
        ("'hello world' he said", ["hello", "world", "he", "said"]),
        ("“quoted” – words…", ["quoted", "words"]),
        ("1,000 times 24/7", ["1000", "times", "24", "7"]),
        ("naïve café Größe привет 日本", ["naïve", "café", "größe", "привет", "日本"]),
        ("f*** that sh*t a$ap", ["f", "that", "sh*t", "a$ap"]),
        ("😀🔥 (!!!) ---", []),
        ("", []),
    ],
)
def test_words_case_and_apostrophes(line: str, expected: list[str]) -> None:
    """Apostrophes that belong to a word stay, quotation marks and punctuation go, hyphens separate."""
    assert words(line) == expected


def test_words_with_combining_marks() -> None:
    """Vowel signs of Hindi and decomposed accents do not split a word."""
    assert words("नमस्ते cafe\u0301") == ["नमस्ते", "cafe\u0301"]


def test_spans_match_line_offsets() -> None:
    """Offsets cover exactly the characters of the token in the line, curly quotes included."""
    line = "‘Round the block, runnin’"
    assert [line[token.start : token.end] for token in spans(line)] == ["‘Round", "the", "block", "runnin’"]


@given(st.text(max_size=200))
def test_spans_are_ordered(line: str) -> None:
    """Ranges never overlap, stay inside the line, and contain at least one letter or digit."""
    end = 0
    for token in spans(line):
        assert end <= token.start < token.end <= len(line)
        assert any(map(str.isalnum, token.text))
        end = token.end


@pytest.mark.parametrize("unit", ["x", "ab ", "'", "a'", "1,"])
def test_words_take_linear_time(unit: str) -> None:
    """Splitting a long line into words takes linear time: the pattern does not backtrack."""
    assert_linear(lambda size: words(unit * size), 400_000 // len(unit))
