"""How far and how well two line ends or phrases rhyme, walked back syllable by syllable.

Knows two places in a stream, not which places are worth comparing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rapray.text.phonology import FLEXIBLE, STRONG, WEAK
from rapray.text.rhyme.stream import Stream

_LONGEST = 12  # syllables: a longer rhyme is a line said twice
_LONGEST_REFRAIN = 3  # words that both ends may share after the rhyme ("kill me", "feel me")


class Grade(StrEnum):
    """From the last stressed vowel on: all sounds equal, consonants of one family, or vowels alone."""

    PERFECT = "perfect"
    FAMILY = "family"
    ASSONANT = "assonant"


class Match(NamedTuple):
    """Two rhyming stretches, by their last syllables: `syllables` in each, of which `stressed` carry the rhyme.

    `is_strong` says that it closes on a stressed syllable of a content word on both sides.
    """

    first: int
    second: int
    syllables: int
    stressed: int
    grade: Grade
    is_strong: bool


def refrain_length(stream: Stream, first: int, second: int) -> int:
    """Syllables of the words with which both stretches close alike, at most three words."""
    length = 0
    for _ in range(_LONGEST_REFRAIN + 1):
        left, right = first - length, second - length
        if (
            left < stream.line_start[first]
            or right < stream.line_start[second]
            or not stream.is_same_word(left, right)
        ):
            return length
        left_word, right_word = stream.words[stream.word[left]], stream.words[stream.word[right]]
        size = left_word.last - left_word.first
        if size != right_word.last - right_word.first:
            return length
        length += size + 1
    return length


def match_back(stream: Stream, first: int, second: int, refrain: int = 0) -> Match | None:
    """The rhyme that closes at two word ends, the earlier one first; None where no stressed syllable is shared.

    Args:
        stream: The song.
        first: Last syllable of the earlier stretch.
        second: Last syllable of the later one.
        refrain: Syllables at the end that are the same words and are passed over.
    """
    pairs = _matched_pairs(stream, first, second, refrain)
    strong = [
        offset for offset in range(refrain, pairs) if _is_stressed(stream, first - offset, second - offset)
    ]
    soft = next((at for at in range(refrain, pairs) if _is_beat(stream, first - at, second - at)), None)
    if soft is None:
        return None
    if not strong or soft < strong[0]:  # the rhyme closes on a small word, or on a promoted ending
        strong.insert(0, soft)
    return Match(
        first,
        second,
        syllables=strong[-1] + 1,
        stressed=len(strong),
        grade=_grade(stream, first, second, refrain, strong[0]),
        is_strong=_is_stressed(stream, first - strong[0], second - strong[0]),
    )


def _matched_pairs(stream: Stream, first: int, second: int, refrain: int) -> int:
    """How many syllables, the refrain's included, match before the first that does not."""
    room = min(
        first - stream.line_start[first] + 1,
        second - stream.line_start[second] + 1,
        second - first,  # the two stretches may not overlap
        refrain + _LONGEST,
    )
    offset = refrain
    while offset < room:
        left, right = first - offset, second - offset
        if not stream.matches(left, right) or stream.is_same_word(left, right):
            break
        offset += 1
    return offset


def _is_stressed(stream: Stream, left: int, right: int) -> bool:
    return stream.codes[left] % 3 == stream.codes[right] % 3 == STRONG


def _is_beat(stream: Stream, left: int, right: int) -> bool:
    """May this pair carry a rhyme at all? Small words do at the end of a line ("do", "you")."""
    return stream.codes[left] % 3 != WEAK != stream.codes[right] % 3


def _is_promoted(stream: Stream, syllable: int) -> bool:
    is_small = stream.words[stream.word[syllable]].is_function
    return stream.codes[syllable] % 3 == FLEXIBLE and not is_small


def _grade(stream: Stream, first: int, second: int, refrain: int, beat: int) -> Grade:
    """The grade of the part from the last beat to the end, the refrain left out."""
    offsets = range(refrain, beat + 1)
    is_promoted = _is_promoted(stream, first - beat) or _is_promoted(stream, second - beat)
    places = [(first - offset, second - offset) for offset in offsets]
    if not is_promoted and all(
        stream.exact[left] == stream.exact[right] and stream.codes[left] // 3 == stream.codes[right] // 3
        for left, right in places
    ):
        return Grade.PERFECT
    if all(stream.family[left] == stream.family[right] for left, right in places):
        return Grade.FAMILY
    return Grade.ASSONANT
