"""Which sounds of English count as the same in a rap rhyme: vowel classes, stress, families of consonants.

Families after Pat Pattison, "Songwriting: Essential Guide to Rhyming":
plosives stand for plosives, fricatives for fricatives, nasals for nasals.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WEAK, FLEXIBLE, STRONG = 0, 1, 2  # unstressed; a small word or a promoted ending; stressed

# Vowels before R have classes of their own ("star" and "stop" share a letter, not a sound). So have I and E before M
# and N, which many speakers merge ("pen", "pin").
_CLASS_NAMES = "IY IH EY EH AE AA AH OW UW UH AY AW OY ER AAR AOR EHR IHR UHR IHN EHN"
_CLASSES = _CLASS_NAMES.split()
_CLASS_NUMBER = {name: number for number, name in enumerate(_CLASSES)}
_BEFORE_R = {
    "AA": "AAR",
    "AO": "AOR",
    "OW": "AOR",
    "EH": "EHR",
    "AE": "EHR",
    "EY": "EHR",
    "IH": "IHR",
    "IY": "IHR",
    "UH": "UHR",
    "UW": "UHR",
}
_REDUCED = frozenset({"AH", "IH", "EH", "UH", "AE", "IHN", "EHN", "AA"})
_ALIKE_STRONG = frozenset({("IHN", "EHN"), ("IHN", "IH"), ("EHN", "EH")})
_ALIKE_WEAK = frozenset({("IY", "IH"), ("ER", "AH")})
CODE_COUNT = 3 * len(_CLASSES)

_FAMILIES = {
    **dict.fromkeys(("P", "T", "K", "B", "D", "G"), "T"),
    **dict.fromkeys(("F", "TH", "S", "SH", "V", "DH", "Z", "ZH", "CH", "JH"), "S"),
    **dict.fromkeys(("M", "N", "NG"), "N"),
}


def vowel_class(nucleus: str, next_consonant: str) -> int:
    """Return the class of a vowel, which depends on the next consonant of its word ("" if there is none)."""
    if next_consonant == "R":
        nucleus = _BEFORE_R.get(nucleus, nucleus)
    elif next_consonant in {"M", "N"} and nucleus in {"IH", "EH"}:
        nucleus += "N"
    return _CLASS_NUMBER["AA" if nucleus == "AO" else nucleus]


def syllable_code(vowel: int, strength: int) -> int:
    """Combine class and strength into an index into `MATCHES`."""
    return vowel * 3 + strength


def exact_key(consonants: Sequence[str]) -> int:
    """Return a number that is equal for equal consonants, the same in every process."""
    return zlib.crc32(" ".join(consonants).encode()) & 0x7FFFFFFF


def family_key(consonants: Sequence[str]) -> int:
    """Return a number that is equal for consonants of one family; ignores S or Z after another consonant at the end."""
    families = [_FAMILIES.get(consonant, consonant) for consonant in consonants]
    if len(consonants) > 1 and consonants[-1] in {"S", "Z"}:
        families.pop()
    return exact_key(families)


def _classes_match(first: str, second: str, *, strong: bool) -> bool:
    if first == second or (first, second) in _ALIKE_STRONG or (second, first) in _ALIKE_STRONG:
        return True
    if strong:
        return False
    reduced = first in _REDUCED and second in _REDUCED
    return reduced or (first, second) in _ALIKE_WEAK or (second, first) in _ALIKE_WEAK


def _match(first: int, second: int) -> bool:
    strengths = (first % 3, second % 3)
    names = (_CLASSES[first // 3], _CLASSES[second // 3])
    if WEAK not in strengths:
        return _classes_match(*names, strong=True)
    if STRONG in strengths:  # a stressed vowel meets an unstressed one only where that is not reduced
        return names[0] == names[1] and names[0] not in _REDUCED
    return _classes_match(*names, strong=False)


MATCHES: NDArray[np.bool_] = np.array(
    [[_match(first, second) for second in range(CODE_COUNT)] for first in range(CODE_COUNT)]
)
"""`MATCHES[a, b]`: may two syllables with these codes stand against each other in a rhyme? Symmetric."""

MATCH_ROWS: tuple[tuple[bool, ...], ...] = tuple(tuple(map(bool, row)) for row in MATCHES)
"""The same as tuples: one look-up from Python is four times faster than into the array."""
