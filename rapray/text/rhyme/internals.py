"""Rhymes inside lines: candidates within two lines of each other, scored and sifted.

Knows sound and distance, not which words a chain has taken already. Time grows with the number of syllables only:
each word end is compared with those of the 36 syllables before it, and keeps its few nearest candidates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rapray.text.phonology import MATCHES, STRONG, exact_key
from rapray.text.rhyme.match import Grade, Match, match_back
from rapray.text.rhyme.stream import Stream

_REACH = 36  # syllables, about three lines
_REACH_LINES = 2
_CANDIDATES = 6  # a word end: keeps a text of two words in turn from filling memory

# Farthest distance in syllables, by strength.
_NEAR_PERFECT, _NEAR_FAMILY, _NEAR_SINGLE, _NEAR_OPEN = 24, 10, 9, 4
_OPEN = exact_key(())  # a syllable without a closing consonant: "so" and "go" meet by chance
_BASE = {Grade.PERFECT: 1.0, Grade.FAMILY: 0.7, Grade.ASSONANT: 0.4}

Integers = NDArray[np.int64]


class InternalLink(NamedTuple):
    """A rhyme between two places in a stream and how sure it is."""

    score: float
    match: Match


def internal_links(stream: Stream) -> list[InternalLink]:
    """Links that are good enough to be heard, best first."""
    found: list[InternalLink] = []
    for first, second in _candidates(stream):
        match = match_back(stream, first, second)
        if match is not None and match.is_strong:
            score = _score(stream, match)
            if score > 0:
                found.append(InternalLink(score, match))
    return sorted(found, key=lambda link: (-link.score, link.match.second, link.match.first))


def _score(stream: Stream, match: Match) -> float:
    """0 where chance explains the match as well: see `_is_heard`."""
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
    """Is the match near enough for its strength?

    The bounds were set on verses beside the same verses with their words shuffled (benchmarks/rhymes.py).
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
    """Pairs of word ends (earlier, later) that may close a rhyme, by array operations, one a distance."""
    codes, exact = np.array(stream.codes, dtype=np.intp), np.array(stream.exact, dtype=np.int64)
    lines = np.array(stream.line_number, dtype=np.int64)
    keys, is_last = _words(stream)
    is_strong = codes % 3 == STRONG
    taken = np.zeros(len(codes), dtype=np.int64)
    found: list[tuple[int, int]] = []
    for lag in range(1, min(_REACH + 1, len(codes))):
        hit = is_last[lag:] & is_last[:-lag] & MATCHES[codes[lag:], codes[:-lag]]
        hit &= (lines[lag:] - lines[:-lag] <= _REACH_LINES) & (keys[lag:] != keys[:-lag])
        hit &= taken[lag:] < _CANDIDATES
        # One syllable alone must be near, stressed and of the same consonants; else the syllable before must match too.
        before = np.zeros_like(hit)
        before[1:] = MATCHES[codes[lag:-1], codes[: -lag - 1]]
        if lag <= _NEAR_SINGLE:
            before |= (exact[lag:] == exact[:-lag]) & is_strong[lag:] & is_strong[:-lag]
        hit &= before
        (places,) = np.nonzero(hit)
        taken[places + lag] += 1
        found += zip(places.tolist(), (places + lag).tolist(), strict=True)
    return found


def _words(stream: Stream) -> tuple[Integers, NDArray[np.bool_]]:
    """By syllable: a number for the word it repeats, and whether it closes its word."""
    numbers: dict[str, int] = {}
    key_of = [numbers.setdefault(word.key, len(numbers)) for word in stream.words]
    keys = np.array([key_of[word] for word in stream.word], dtype=np.int64)
    is_last = np.zeros(len(stream.codes), dtype=np.bool_)
    is_last[[word.last for word in stream.words]] = True
    return keys, is_last
