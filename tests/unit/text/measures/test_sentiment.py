"""Sentiment by VADER, a line as a sentence, with and without profanity."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rapray.text.measures.sentiment import UNKNOWN, score_lines, sentiment
from rapray.text.reading import read_line
from tests.support.growth import assert_linear


def _sentiment(*lines: str) -> dict[str, float]:
    return sentiment(score_lines(map(read_line, lines)))  # type: ignore[return-value]


def test_sentiment_is_vader_mean() -> None:
    """The figures are averages of the library's compound scores."""
    lines = ["I love this happy day", "I hate the sad rain", "The table has four legs"]
    vader = SentimentIntensityAnalyzer()
    expected = sum(vader.polarity_scores(line)["compound"] for line in lines) / 3
    figures = _sentiment(*lines)
    assert figures["without_profanity"] == figures["with_profanity"] == pytest.approx(expected)
    assert (figures["positive_line_share"], figures["negative_line_share"]) == (
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
    )


def test_sentiment_without_profanity() -> None:
    """A swear word changes only the figure with profanity."""
    figures = _sentiment("We had a good time, shit, bitch")
    assert figures["without_profanity"] > 0.3
    assert figures["with_profanity"] < 0


def test_sentiment_curly_apostrophes_negate() -> None:
    """To "don’t love" is negative, however its apostrophe is typed."""
    assert _sentiment("I don’t love it") == _sentiment("I don't love it")
    assert _sentiment("I don’t love it")["without_profanity"] < 0


def test_sentiment_empty_text() -> None:
    """Without a line all figures are None."""
    assert _sentiment() == UNKNOWN


def test_sentiment_takes_linear_time() -> None:
    """Long lines take linear time; VADER's own time grows with the square of a sentence's words."""
    figures = _sentiment("love hate " * 100_000)
    assert -1 <= figures["without_profanity"] <= 1
    assert_linear(lambda size: _sentiment("love hate " * size), 8_000)


_WORDS = st.sampled_from(
    [
        "love",
        "hate",
        "not",
        "never",
        "very",
        "LOVE",
        "the",
        "street",
        "but",
        "kind",
        "of",
        ":)",
        "no",
        "killed!!",
        "(sad)",
        "fine,",
        "night",
        "ain't",
        "😂",
        "least",
        "n't",
    ]
)


@settings(deadline=None)
@given(st.lists(_WORDS, min_size=1, max_size=12))
def test_score_lines_match_vader(words: list[str]) -> None:
    """The shortcut for lines without a word of the lexicon changes no score."""
    text = " ".join(words)
    (score,) = score_lines([read_line(text)])
    assert score.whole == round(SentimentIntensityAnalyzer().polarity_scores(text)["compound"] * 10_000)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_sentiment_within_bounds(lines: list[str]) -> None:
    """Both figures lie in [-1, 1], shares in [0, 1]."""
    figures = _sentiment(*lines)
    assert all(-1 <= figures[name] <= 1 for name in ("without_profanity", "with_profanity"))
    assert 0 <= figures["positive_line_share"] + figures["negative_line_share"] <= 1
