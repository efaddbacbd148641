"""How far and how well two line ends or phrases rhyme, compared backwards syllable by syllable."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rapray.text.pronunciation.phonology import FLEXIBLE, MATCH_ROWS, STRONG, WEAK
from rapray.text.rhyme.stream import Stream

_LONGEST = 12  # syllables: a longer rhyme is a repeated line
_LONGEST_REFRAIN = 3  # words that both ends may share after the rhyme ("kill me", "feel me")


class Grade(StrEnum):
    """What matches from the last stressed vowel on: all sounds, the families of consonants, or only the vowels."""

    PERFECT = "perfect"
    FAMILY = "family"
    ASSONANT = "assonant"


class Match(NamedTuple):
    """Two rhyming stretches, by their last syllables: `syllables` in each, of which `stressed` carry the rhyme.

    `is_strong` is True if both close on a stressed syllable of a content word.
    """

    first: int
    second: int
    syllables: int
    stressed: int
    grade: Grade
    is_strong: bool


def refrain_length(stream: Stream, first: int, second: int) -> int:
    """Count the syllables of the words that both stretches end on, at most three words."""
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
    """Return the rhyme that closes at two word ends; None if no stressed syllable matches.

    Args:
        stream: The song.
        first: Last syllable of the earlier stretch.
        second: Last syllable of the later stretch.
        refrain: Syllables at the end that belong to the same words; they are skipped.
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
    """Return the strength of the weaker syllable of each matching pair, from the refrain backwards."""
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
    """Grade the part from the last beat to the end, without the refrain."""
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
