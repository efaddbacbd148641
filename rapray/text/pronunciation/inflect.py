"""Pronunciations derived from a stem: inflections, clipped and stretched spellings, compounds.

The caller passes the look-up of stems. Endings follow the English allomorphs: -s is S, Z or IH0 Z and -ed is T, D
or IH0 D, depending on the last sound of the stem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rapray.text.pronunciation.arpabet import SIBILANTS, VOICELESS, is_vowel, restressed

Phones = tuple[str, ...]
LookUp = Callable[[str], Phones | None]

_CLITICS: dict[str, Phones] = {
    "'ll": ("AH0", "L"),
    "'ve": ("AH0", "V"),
    "'re": ("ER0",),
    "'m": ("AH0", "M"),
    "'em": ("AH0", "M"),
    "'a": ("AH0",),
    "'all": ("AO1", "L"),
}
# Ending, what the stem has in its place, and how the ending sounds. The longest come first.
_SUFFIXES: tuple[tuple[str, tuple[str, ...], Phones], ...] = (
    ("iness", ("y",), ("N", "AH0", "S")),
    ("ness", ("",), ("N", "AH0", "S")),
    ("less", ("",), ("L", "AH0", "S")),
    ("ment", ("",), ("M", "AH0", "N", "T")),
    ("able", ("", "e"), ("AH0", "B", "AH0", "L")),
    ("ful", ("",), ("F", "AH0", "L")),
    ("iest", ("y",), ("IH0", "S", "T")),
    ("est", ("", "e"), ("IH0", "S", "T")),
    ("ily", ("y",), ("L", "IY0")),
    ("ly", ("", "l"), ("L", "IY0")),
    ("ying", ("ie",), ("IH0", "NG")),
    ("ing", ("", "e"), ("IH0", "NG")),
    ("in'", ("", "e"), ("IH0", "N")),
    ("in", ("", "e"), ("IH0", "N")),
    ("ier", ("y",), ("ER0",)),
    ("er", ("", "e"), ("ER0",)),
    ("or", ("", "e"), ("ER0",)),
    ("ah", ("er", "e", ""), ("AH0",)),
    ("uh", ("er", "e", ""), ("AH0",)),
    ("a", ("er", "e", ""), ("AH0",)),
    ("y", ("", "e"), ("IY0",)),
)
_PREFIXES: tuple[tuple[str, Phones], ...] = (
    ("un", ("AH0", "N")),
    ("re", ("R", "IY0")),
    ("dis", ("D", "IH0", "S")),
    ("non", ("N", "AA0", "N")),
    ("pre", ("P", "R", "IY0")),
)
_SHORTEST_STEM = 2  # "in" must not become the stem of "inner"
_SHORTEST_HALF = 3
_STRETCHED = re.compile(r"(.)\1+")
_TRIPLED = re.compile(r"(.)\1{2,}")


def derive(word: str, look_up: LookUp) -> Phones | None:
    """Build the phones of a word from a stem that `look_up` has; None if there is no such stem."""
    for attempt in (_bare, _clitic, _past, _suffixed, _unstretched, _plural, _prefixed, compound):
        if phones := attempt(word, look_up):
            return phones
    return None


def plural(stem: Phones) -> Phones:
    """Add -s to the stem: cat S, dog Z, rose IH0 Z."""
    if stem[-1] in SIBILANTS:
        return (*stem, "IH0", "Z")
    return (*stem, "S" if stem[-1] in VOICELESS else "Z")


def past(stem: Phones) -> Phones:
    """Add -ed to the stem: walk T, call D, want IH0 D."""
    if stem[-1] in {"T", "D"}:
        return (*stem, "IH0", "D")
    return (*stem, "T" if stem[-1] in VOICELESS | SIBILANTS - {"Z", "ZH", "JH"} else "D")


def compound(word: str, look_up: LookUp) -> Phones | None:
    """Split a word into two that `look_up` has, most even split first; the second has the weaker stress."""
    if "'" in word:
        return None
    places = range(_SHORTEST_HALF, len(word) - _SHORTEST_HALF + 1)
    for place in sorted(places, key=lambda place: abs(2 * place - len(word))):
        front, back = look_up(word[:place]), look_up(word[place:])
        if front and back:
            return front + restressed(back, "1", "2")
    return None


def _bare(word: str, look_up: LookUp) -> Phones | None:
    """Look up 'neath and ol' without their apostrophe; runnin' is an inflection instead."""
    stripped = word.strip("'")
    if stripped == word or word.endswith("in'"):
        return None
    return look_up(stripped) or derive(stripped, look_up)


def _clitic(word: str, look_up: LookUp) -> Phones | None:
    stem, apostrophe, tail = word.rpartition("'")
    if not apostrophe or not stem:
        return None
    stem_phones = _inflected(stem, look_up) or _clitic(stem, look_up)  # y'all'd've is three deep
    if word.endswith("n't"):
        negated = _inflected(word[:-3], look_up)
        return (*negated, "AH0", "N", "T") if negated else None
    if stem_phones and tail == "s":
        return plural(stem_phones)
    if stem_phones and tail == "d":
        return past(stem_phones)
    if stem_phones and apostrophe + tail in _CLITICS:
        return stem_phones + _CLITICS[apostrophe + tail]
    return look_up(stem + tail)  # ma'am, lov'd


def _plural(word: str, look_up: LookUp) -> Phones | None:
    if word.endswith("ies") and (stem := look_up(word[:-3] + "y")):
        return plural(stem)
    if word[-1:] not in {"s", "z"} or len(word) <= _SHORTEST_STEM:
        return None
    if stem := _inflected(word[:-1], look_up):
        return plural(stem)
    stem = _inflected(word[:-2], look_up) if word.endswith("es") else None
    return plural(stem) if stem else None


def _past(word: str, look_up: LookUp) -> Phones | None:
    if word.endswith("ied") and (stem := look_up(word[:-3] + "y")):
        return past(stem)
    if not word.endswith("ed"):
        return None
    stem = next(_stems(word[:-2], ("e", ""), look_up), None)
    return past(stem) if stem else None


def _suffixed(word: str, look_up: LookUp) -> Phones | None:
    for ending, replacements, heard in _SUFFIXES:
        if not word.endswith(ending):
            continue
        for stem in _stems(word[: -len(ending)], replacements, look_up):
            return _joined(stem, heard)
    return None


def _joined(stem: Phones, heard: Phones) -> Phones:
    if heard == ("AH0",) and stem[-1] == "ER0":
        return (*stem[:-1], "AH0")  # rapper, rappa
    if heard[0] == "L" and stem[-1] == "L":
        return stem + heard[1:]  # real, really
    return stem + heard


def _stems(front: str, replacements: tuple[str, ...], look_up: LookUp) -> Iterator[Phones]:
    """Look up the stems that an inflected word may come from: stopp(ed) stop, hop(ed) hope, chill(in) chill."""
    if len(front) < _SHORTEST_STEM:
        return
    spellings = [front + replacement for replacement in replacements]
    if front[-1] == front[-2]:
        spellings.append(front[:-1])
    for spelling in spellings:
        if (stem := look_up(spelling)) and any(map(is_vowel, stem)):
            yield stem


def _unstretched(word: str, look_up: LookUp) -> Phones | None:
    """Shorten soooo, yeahhh, baaaby: first runs of three and more letters, then every doubled letter."""
    for spelling in (_TRIPLED.sub(r"\1\1", word), _TRIPLED.sub(r"\1", word), _STRETCHED.sub(r"\1", word)):
        if spelling != word and (phones := look_up(spelling)):
            return phones
    stretched = _TRIPLED.sub(r"\1", word)
    return derive(stretched, look_up) if stretched != word else None


def _prefixed(word: str, look_up: LookUp) -> Phones | None:
    for prefix, heard in _PREFIXES:
        if word.startswith(prefix) and len(word) > len(prefix) + _SHORTEST_HALF:
            stem = look_up(word[len(prefix) :])
            if stem:
                return heard + stem
    return None


def _inflected(stem: str, look_up: LookUp) -> Phones | None:
    """Look up a stem, or the stem that it is an inflection of: rappers', hustlin's."""
    return look_up(stem) or _past(stem, look_up) or _suffixed(stem, look_up)
