"""How positive the words of a song are, by the VADER lexicon (Hutto & Gilbert 2014), with and without its profanity.

Knows words and negations, no rap: VADER reads "I killed it" and every swear word as bad. The figure without profanity
is the one to use; the other stands beside it so that the difference can be seen. English only.
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

    `without_profanity` has every swear word and slur replaced by a neutral word; `with_profanity` is VADER as it is.
    `deviation` (population) of the lines without profanity. Shares in [0, 1] of lines at +0.05 and more, at -0.05 and
    less, without profanity. All None for a language that is not English.
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
    """Scores of lines in order; a line that comes again is scored once."""
    known: dict[str, LineScore] = {}
    scores: list[LineScore] = []
    for line in lines:
        found = known.get(line.text)
        if found is None:
            found = known[line.text] = _score(line)
        scores.append(found)
    return scores


def sentiment(scores: Sequence[LineScore]) -> Sentiment:
    """The song's figures from those of its lines; unknown for none."""
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
    """Mean compound score in [-1, 1] of scores in ten-thousandths."""
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
    """VADER's compound of a text, the mean of its pieces where it is longer than any line."""
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
    """False where VADER's score is 0 for sure, because its lexicon has none of the words: saves the full reading.

    Other characters than ASCII may be emoji, which it reads as words.
    """
    if not text.isascii():
        return True
    polar, tokens = _vader().lexicon.keys(), text.lower().split()
    return not (polar.isdisjoint(tokens) and polar.isdisjoint(_bare(token) for token in tokens))


def _bare(token: str) -> str:
    return token.strip(string.punctuation)


@cache
def _vader() -> SentimentIntensityAnalyzer:
    """Read the lexicon once a process (10 ms); it is only read afterwards, so threads may share it."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
