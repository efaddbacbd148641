"""Rhymes inside lines: candidates within two lines of each other, scored and sifted.

Time is linear in the number of syllables: each word end is compared with the word ends among the 36 syllables
before it, and keeps its six nearest candidates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rapray.text.pronunciation.phonology import FLEXIBLE, MATCHES, STRONG, WEAK, exact_key
from rapray.text.rhyme.match import Grade, Match, match_back
from rapray.text.rhyme.stream import Stream

_REACH = 36  # syllables, about three lines
_REACH_LINES = 2
_CANDIDATES = 6  # for each word end, or a text of two alternating words would fill the memory
_BLOCK = 512  # word ends compared at once
_LAGS = np.arange(1, _REACH + 1)

# Farthest distance in syllables, by strength.
_NEAR_PERFECT, _NEAR_FAMILY, _NEAR_SINGLE, _NEAR_OPEN = 24, 10, 9, 4
_OPEN = exact_key(())  # a syllable without a closing consonant: "so" and "go" often rhyme by chance
_BASE = {Grade.PERFECT: 1.0, Grade.FAMILY: 0.7, Grade.ASSONANT: 0.4}


class InternalLink(NamedTuple):
    """A rhyme between two places in a stream and how certain it is."""

    score: float
    match: Match


def internal_links(stream: Stream) -> list[InternalLink]:
    """Return the links that listeners would hear, best first."""
    links: list[InternalLink] = []
    for first, second in _candidates(stream):
        if not _may_be_strong(stream, first, second):
            continue
        match = match_back(stream, first, second)
        if match is not None and match.is_strong:
            score = _score(stream, match)
            if score > 0:
                links.append(InternalLink(score, match))
    return sorted(links, key=lambda link: (-link.score, link.match.second, link.match.first))


def _may_be_strong(stream: Stream, first: int, second: int) -> bool:
    """Return False if a small word carries the rhyme of the last syllables; saves `match_back`, which is slower."""
    strengths = (stream.codes[first] % 3, stream.codes[second] % 3)
    return WEAK in strengths or FLEXIBLE not in strengths


def _score(stream: Stream, match: Match) -> float:
    """Score a match; 0 if it is likely to be chance, see `_is_heard`."""
    distance = match.second - match.first
    if not _is_heard(stream, match, distance):
        return 0.0
    return (
        _BASE[match.grade]
        + 0.5 * (match.stressed - 1)
        + 0.15 * (match.syllables - match.stressed)
        - 0.01 * distance
    )


def _is_heard(stream: Stream, match: Match, distance: int) -> bool:
    """Return True if the match is near enough for its strength.

    The bounds were fitted on verses and on the same verses with shuffled words (benchmarks/rhymes.py).
    """
    lines = stream.line_number[match.second] - stream.line_number[match.first]
    if match.stressed > 1:
        is_long = match.syllables > 2 or match.grade is not Grade.ASSONANT
        return is_long and lines <= (1 if match.grade is Grade.ASSONANT else _REACH_LINES)
    if match.grade is Grade.ASSONANT:
        return False
    if match.syllables > 1:
        return lines <= 1 and distance <= (_NEAR_PERFECT if match.grade is Grade.PERFECT else _NEAR_FAMILY)
    if (
        match.grade is Grade.FAMILY
    ):  # "cat" and "back": a quarter more of them in shuffled verses than in real ones
        return False
    if stream.exact[match.second] == _OPEN:
        return lines == 0 and distance <= _NEAR_OPEN
    return lines <= 1 and distance <= _NEAR_SINGLE


def _candidates(stream: Stream) -> list[tuple[int, int]]:
    """Return pairs of word ends (earlier, later) that may close a rhyme.

    The arrays have a row for each word end and a column for each distance.
    """
    codes, keys = np.array(stream.codes, dtype=np.intp), np.array(stream.key, dtype=np.int64)
    is_last = np.zeros(len(codes), dtype=np.bool_)
    is_last[[word.last for word in stream.words]] = True
    reach, tails = _syllables_back(stream), _strong_tails(stream, codes)
    candidates: list[tuple[int, int]] = []
    lasts = np.flatnonzero(is_last)
    for start in range(0, len(lasts), _BLOCK):
        later = lasts[start : start + _BLOCK, None]
        earlier = np.maximum(later - _LAGS, 0)
        hit = is_last[earlier] & (reach[later] >= _LAGS) & (keys[later] != keys[earlier])
        hit &= MATCHES[codes[later], codes[earlier]]
        # The syllable before must match too, unless this one is near, stressed and has the same consonants.
        before = MATCHES[codes[later - 1], codes[earlier - 1]] & (earlier > 0)
        before[:, :_NEAR_SINGLE] |= tails[later] == tails[earlier[:, :_NEAR_SINGLE]]
        hit &= before
        hit &= np.cumsum(hit, axis=1) <= _CANDIDATES
        rows, lags = np.nonzero(hit)
        candidates += zip(earlier[rows, lags].tolist(), later[rows, 0].tolist(), strict=True)
    return candidates


def _syllables_back(stream: Stream) -> NDArray[np.int64]:
    """Return how many syllables before each syllable are within two lines."""
    lines = np.array(stream.line_number, dtype=np.int64)
    return np.arange(len(lines)) - np.searchsorted(lines, lines - _REACH_LINES)


def _strong_tails(stream: Stream, codes: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return a number for each syllable, equal only for stressed syllables with the same consonants after them."""
    unlike_any = -1 - np.arange(len(codes))
    return np.where(codes % 3 == STRONG, np.array(stream.exact, dtype=np.int64), unlike_any)
