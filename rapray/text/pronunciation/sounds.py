"""The sound of a word in a form that is quick to compare: syllable codes, consonant keys, Malmi vowels.

Cached, because half the words of a song are repetitions.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rapray.text.pronunciation import phonology
from rapray.text.pronunciation.syllables import Syllable, syllables

# Longer than any real word. Only the end of such a token is pronounced, so that a text of one token stays cheap.
_LONGEST_WORD = 40

# Too frequent to be heard as a rhyme inside a line.
_FUNCTION_WORDS = (
    "a an the of to in on at by for from with into and or but nor so if as than that this these those there "
    "is am are was were be been being do does did done have has had it its it's he she we they i you me him her "
    "us them my your his our their mine yours who what when where which how why will would shall should can could "
    "may might must not no don't ain't isn't i'm i'll i've i'd you're you'll he's she's we're they're that's there's "
    "'em 'cause 'til till just up out all some any too then go got get gon gonna gotta wanna ima tryna yeah uh oh "
    "ah ay ayy yo hey huh ooh la na da em n' 'n about like let let's can't won't through"
)
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

# facts: R. Malmi et al., DopeLearning, KDD 2016, with the mapping that brings CMUdict vowels back to its figures.
_MALMI = {
    "AY": "ai",
    "EY": "ei",
    "OW": "ou",
    "AW": "au",
    "OY": "oi",
    "IY": "i",
    "IH": "i",
    "EH": "e",
    "AO": "o",
    "AA": "A",
    "AE": "a",
    "UW": "u",
    "UH": "U",
    "AH": "V",
    "ER": "3",
}


class Sound(NamedTuple):
    """How a word sounds. The tuples have one entry a syllable and are empty for a word without phones.

    Words with an equal `key` repeat each other rather than rhyme (running, runnin'). `codes` index
    `phonology.MATCHES`. `exact` and `family` are keys of the consonants after each vowel, up to the next vowel or
    the end of the word. `malmi` has the vowels of the Malmi density, a character each.
    """

    key: str
    codes: tuple[int, ...]
    exact: tuple[int, ...]
    family: tuple[int, ...]
    malmi: str
    is_function: bool


def sound(word: str) -> Sound:
    """Return the sound of a lower-case word, or of the end of a very long token."""
    return _sound(word[-_LONGEST_WORD:])


def malmi_vowels(word: str) -> str:
    """Return the vowels of a word in the alphabet of the Malmi density: "crazy" gives "eii", "the" gives ""."""
    return sound(word).malmi


@lru_cache(maxsize=32_768)
def _sound(word: str) -> Sound:
    parts = syllables(word)
    is_function = word in FUNCTION_WORDS
    tails = [part.coda + after.onset for part, after in pairwise(parts)]
    tails += [parts[-1].coda] if parts else []
    return Sound(
        key=_repetition_key(word),
        codes=tuple(_code(parts, place, tails[place], is_function) for place in range(len(parts))),
        exact=tuple(map(phonology.exact_key, tails)),
        family=tuple(map(phonology.family_key, tails)),
        malmi="".join(_malmi(part) for part in parts),
        is_function=is_function,
    )


def _code(parts: tuple[Syllable, ...], place: int, tail: tuple[str, ...], is_function: bool) -> int:
    vowel = phonology.vowel_class(parts[place].nucleus, tail[0] if tail else "")
    return phonology.syllable_code(vowel, _strength(parts, place, is_function))


def _strength(parts: tuple[Syllable, ...], place: int, is_function: bool) -> int:
    if len(parts) == 1:
        return phonology.FLEXIBLE if is_function else phonology.STRONG
    if parts[place].stress:
        return phonology.STRONG
    # "melody" may rhyme with "me": an ending two beats after the stress is promoted.
    is_promoted = place == len(parts) - 1 and place > 1 and not parts[place - 1].stress
    return phonology.FLEXIBLE if is_promoted and parts[place].nucleus != "AH" else phonology.WEAK


def _malmi(part: Syllable) -> str:
    if part.nucleus == "AH" and not part.stress:
        return ""
    return _MALMI[part.nucleus]


def _repetition_key(word: str) -> str:
    if word.endswith("in'"):
        word = word[:-1] + "g"
    word = word.removesuffix("'s").strip("'")
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word
