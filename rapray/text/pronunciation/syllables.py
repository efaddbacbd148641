"""Syllables of a word: onset, nucleus, stress and coda, divided so that each onset is as long as English allows.

It divides sounds, not letters. Maximal onsets after Kahn (1976).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rapray.text.pronunciation.arpabet import CONSONANTS, is_vowel
from rapray.text.pronunciation.pronounce import pronounce

_CLUSTERS = (
    "B L,B R,B Y,D R,D W,F L,F R,F Y,G L,G R,G W,G Y,HH Y,K L,K R,K W,K Y,M Y,P L,P R,P Y,S F,S K,S L,S M,S N,S P,S T,"
    "S W,SH R,T R,T W,TH R,TH W,V Y,HH W,S K L,S K R,S K W,S K Y,S P L,S P R,S P Y,S T R"
)
_ONSETS = frozenset(
    {
        (),
        *((consonant,) for consonant in CONSONANTS - {"NG"}),
        *(tuple(c.split()) for c in _CLUSTERS.split(",")),
    }
)
_LONGEST_ONSET = 3
_CACHED_WORDS = 65_536


@dataclass(frozen=True, slots=True)
class Syllable:
    """One syllable; `nucleus` is a vowel without its digit, `stress` 0, 1 (primary) or 2 (secondary)."""

    onset: tuple[str, ...]
    nucleus: str
    stress: int
    coda: tuple[str, ...]


@lru_cache(maxsize=_CACHED_WORDS)
def syllables(word: str) -> tuple[Syllable, ...]:
    """Return the syllables of a word in order; () for a word without a letter or digit, or without phones."""
    pronunciation = pronounce(word)
    return syllabify(pronunciation.phones) if pronunciation else ()


def count(word: str) -> int:
    """Count the syllables of a word."""
    return len(syllables(word))


def syllabify(phones: tuple[str, ...]) -> tuple[Syllable, ...]:
    """Divide ARPAbet phones into syllables; phones without a vowel give none."""
    nuclei = [place for place, phone in enumerate(phones) if is_vowel(phone)]
    starts = [
        0,
        *(_onset_start(phones, left, right) for left, right in pairwise(nuclei)),
    ]
    ends = [*starts[1:], len(phones)]
    return tuple(
        Syllable(
            onset=phones[start:nucleus],
            nucleus=phones[nucleus][:-1],
            stress=int(phones[nucleus][-1]),
            coda=phones[nucleus + 1 : end],
        )
        for start, nucleus, end in zip(starts, nuclei, ends, strict=False)
    )


def _onset_start(phones: tuple[str, ...], left: int, right: int) -> int:
    """Return where the onset of the nucleus at `right` begins; the nucleus before it is at `left`."""
    earliest = max(left + 1, right - _LONGEST_ONSET)
    return next(start for start in range(earliest, right + 1) if phones[start:right] in _ONSETS)
