"""How far and how well two line ends or phrases rhyme, walked back syllable by syllable.

Knows two places in a stream, not which places are worth comparing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rapray.text.pronunciation.phonology import FLEXIBLE, MATCH_ROWS, STRONG, WEAK
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
    strengths = _strengths(stream, first, second, refrain)
    beats = [offset for offset, strength in enumerate(strengths, refrain) if strength != WEAK]
    if not beats:
        return None
    strong = [offset for offset in beats if strengths[offset - refrain] == STRONG]
    is_strong = beats[0] in strong[:1]
    if (
        not is_strong
    ):  # the rhyme closes on a small word, which does for the end of a line, or on a promoted ending
        strong.insert(0, beats[0])
    return Match(
        first,
        second,
        syllables=strong[-1] + 1,
        stressed=len(strong),
        grade=_grade(stream, first, second, refrain, strong[0]),
        is_strong=is_strong,
    )


def _strengths(stream: Stream, first: int, second: int, refrain: int) -> list[int]:
    """How strong the weaker syllable of each pair is, from the refrain back to the first pair that does not match."""
    room = min(
        first - stream.line_start[first] + 1,
        second - stream.line_start[second] + 1,
        second - first,  # the two stretches may not overlap
        refrain + _LONGEST,
    )
    codes, keys = stream.codes, stream.key
    strengths: list[int] = []
    for offset in range(refrain, room):
        left, right = codes[first - offset], codes[second - offset]
        if not MATCH_ROWS[left][right] or keys[first - offset] == keys[second - offset]:
            break
        strengths.append(min(left % 3, right % 3))
    return strengths


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
