"""How positive the words of a song are, by the VADER lexicon (Hutto & Gilbert 2014), with and without its profanity.

VADER knows words and negations but no rap: it reads "I killed it" and every swear word as negative. Use the figure
without profanity; the other is there for comparison. English only.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from rapray.text.measures.size import mean
from rapray.text.reading import ReadLine
from rapray.text.tokens import straighten
from rapray.text.words.explicit import is_profanity

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_POLAR = 0.05  # VADER's own threshold for positive and negative
_LONGEST_PIECE = 50  # words scored at once: VADER's time grows with the square of them
_DIGITS = 4  # VADER rounds to these; sums of whole ten-thousandths are exact
_UNIT = 10**_DIGITS
_NEUTRAL = "thing"  # stands for a swear word, so that "not a fucking good day" keeps its distances


class Sentiment(TypedDict):
    """Means over the lines of VADER's compound score, each in [-1, 1]; a line is a sentence.

    `without_profanity`: every swear word and slur replaced by a neutral word; `with_profanity`: VADER's own score.
    `deviation` (population) of the lines without profanity. `positive_line_share` and `negative_line_share` in [0,
    1]: lines of +0.05 and more, of -0.05 and less, without profanity. All None for other languages than English.
    """

    without_profanity: float | None
    with_profanity: float | None
    deviation: float | None
    positive_line_share: float | None
    negative_line_share: float | None


class LineScore(NamedTuple):
    """A line's compound scores, in ten-thousandths."""

    clean: int
    whole: int


UNKNOWN = Sentiment(
    without_profanity=None,
    with_profanity=None,
    deviation=None,
    positive_line_share=None,
    negative_line_share=None,
)


def score_lines(lines: Iterable[ReadLine]) -> list[LineScore]:
    """Score the lines in order; a repeated line is scored once."""
    score_of: dict[str, LineScore] = {}
    scores: list[LineScore] = []
    for line in lines:
        score = score_of.get(line.text)
        if score is None:
            score = score_of[line.text] = _score(line)
        scores.append(score)
    return scores


def sentiment(scores: Sequence[LineScore]) -> Sentiment:
    """Summarise the scores of a song's lines; unknown without a line."""
    if not scores:
        return UNKNOWN.copy()
    clean = [score.clean for score in scores]
    squares = len(clean) * sum(score * score for score in clean) - sum(clean) ** 2
    return Sentiment(
        without_profanity=mean_of(clean),
        with_profanity=mean_of([score.whole for score in scores]),
        deviation=math.sqrt(squares) / len(clean) / _UNIT,
        positive_line_share=sum(score >= _POLAR * _UNIT for score in clean) / len(clean),
        negative_line_share=sum(score <= -_POLAR * _UNIT for score in clean) / len(clean),
    )


def mean_of(scores: Sequence[int]) -> float:
    """Return the mean in [-1, 1] of scores in ten-thousandths."""
    return mean(scores) / _UNIT


def _score(line: ReadLine) -> LineScore:
    text = straighten(line.text)
    whole = _compound(text)
    swearing = [word for word in line.words if is_profanity(word.text)]
    if not swearing:
        return LineScore(whole, whole)
    parts, done = list[str](), 0
    for word in swearing:
        parts += [text[done : word.start], _NEUTRAL]
        done = word.end
    return LineScore(_compound("".join([*parts, text[done:]])), whole)


def _compound(text: str) -> int:
    """Return VADER's compound score of a text; for a text longer than any line the mean of its pieces."""
    tokens = text.split()
    if len(tokens) <= _LONGEST_PIECE:
        return _compound_of_piece(text)
    pieces = [
        " ".join(tokens[start : start + _LONGEST_PIECE]) for start in range(0, len(tokens), _LONGEST_PIECE)
    ]
    return round(sum(map(_compound_of_piece, pieces)) / len(pieces))


def _compound_of_piece(text: str) -> int:
    if not _may_be_polar(text):
        return 0
    return round(_vader().polarity_scores(text)["compound"] * _UNIT)


def _may_be_polar(text: str) -> bool:
    """Return False if VADER's score must be 0, because its lexicon has none of the words; saves the full analysis.

    Characters beyond ASCII may be emoji, which VADER reads as words.
    """
    if not text.isascii():
        return True
    polar, tokens = _vader().lexicon.keys(), text.lower().split()
    return not (polar.isdisjoint(tokens) and polar.isdisjoint(_bare(token) for token in tokens))


def _bare(token: str) -> str:
    return token.strip(string.punctuation)


@cache
def _vader() -> SentimentIntensityAnalyzer:
    """Load the lexicon once a process (10 ms); threads may share it, because nothing changes it afterwards."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
