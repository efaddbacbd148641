"""Alliteration, assonance and consonance: content words of a line that share a sound with one just before them.

Rhymes count here too if the words are close. Function words do not count, and neither do repeated words ("money,
money").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypedDict

from rapray.text.pronunciation.sounds import FUNCTION_WORDS, sound
from rapray.text.pronunciation.syllables import Syllable, syllables
from rapray.text.reading import Reading, ReadWord

_REACH = 2  # content words before it in the line
_CACHED_WORDS = 32_768
_LONGEST_WORD = 40
# Clusters that alliterate as one in English verse since Old English: "stone" goes with "star", not with "sea".
_WHOLE_ONSETS = frozenset({("S", "T"), ("S", "P"), ("S", "K")})


class SoundPlay(TypedDict):
    """Shares in [0, 1] of the content words that could share a sound: words that have such a sound, and a content word
    at most two content words before them in the line.

    `alliteration`: the stressed syllable opens on the same consonant (S, ST, SP and SK are four). `assonance`: the
    stressed vowels are the same, and the words do not rhyme (other consonants after it). `consonance`: the words
    close on the same consonants after other vowels. `alliterations` counts the first kind, as a figure one can
    check by ear.
    """

    alliteration: float
    assonance: float
    consonance: float
    alliterations: int


class _Edges(NamedTuple):
    key: str
    onset: tuple[str, ...]
    vowel: str
    rest: tuple[str, ...]  # consonants after the stressed vowel, within its syllable
    last_vowel: str
    coda: tuple[str, ...]


def soundplay(reading: Reading) -> SoundPlay:
    """Measure the sung words of a song; zeros without words."""
    onsets, codas, content = 0, 0, 0
    alliterations, assonances, consonances = 0, 0, 0
    for line in reading.lines():
        recent: list[_Edges] = []
        for edges in _content(line.words):
            if recent:
                alliterates, is_assonant, is_consonant = _answers(edges, recent)
                content += 1
                onsets += bool(edges.onset)
                codas += bool(edges.coda)
                alliterations += alliterates
                assonances += is_assonant
                consonances += is_consonant
            recent = [*recent[1 - _REACH :], edges]
    return SoundPlay(
        alliteration=alliterations / onsets if onsets else 0.0,
        assonance=assonances / content if content else 0.0,
        consonance=consonances / codas if codas else 0.0,
        alliterations=alliterations,
    )


def _content(words: tuple[ReadWord, ...]) -> Iterator[_Edges]:
    for word in words:
        if not word.is_adlib and word.sound.codes and (edges := _edges(word.text[-_LONGEST_WORD:])):
            yield edges


@lru_cache(maxsize=_CACHED_WORDS)
def _edges(word: str) -> _Edges | None:
    parts = syllables(word)
    if word in FUNCTION_WORDS or not parts:
        return None
    beat = _stressed(parts)
    onset = beat.onset[:2] if beat.onset[:2] in _WHOLE_ONSETS else beat.onset[:1]
    return _Edges(sound(word).key, onset, beat.nucleus, beat.coda, parts[-1].nucleus, parts[-1].coda)


def _stressed(parts: tuple[Syllable, ...]) -> Syllable:
    return next((part for part in parts if part.stress == 1), parts[0])


def _answers(edges: _Edges, recent: Sequence[_Edges]) -> tuple[bool, bool, bool]:
    """Return whether a word alliterates, is assonant and is consonant with a word before it."""
    alliterates = is_assonant = is_consonant = False
    for before in recent:
        if before.key != edges.key:
            alliterates |= before.onset == edges.onset
            is_assonant |= before.vowel == edges.vowel and before.rest != edges.rest
            is_consonant |= before.coda == edges.coda and before.last_vowel != edges.last_vowel
    return alliterates and bool(edges.onset), is_assonant, is_consonant and bool(edges.coda)
