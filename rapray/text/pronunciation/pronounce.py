"""How a word is said: ARPAbet phones with stress, for every word that has a letter or a digit.

Context does not matter: "live" and "read" have one pronunciation each. `origin` is the source of a pronunciation,
the most reliable first: slang (our lexicon), gold and silver (misaki), derived (from a stem), number, rules (letter
to sound).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from rapray.text.pronunciation import dictionary, inflect, slang, spelling
from rapray.text.pronunciation.arpabet import is_vowel
from rapray.text.pronunciation.numerals import number_words, ordinal_words
from rapray.text.tokens import straighten

# Longer than any real word. The rest is not pronounced, so that a line of 100,000 letters costs no more than a word.
LONGEST_WORD = 64
_CACHED_WORDS = 65_536  # the vocabulary of some ten thousand songs

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_RUNS = re.compile(r"\d+|[^\d]+")
_UNDECOMPOSED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "th", "þ": "th", "ı": "i", "$": "s"}
)


@dataclass(frozen=True, slots=True)
class Pronunciation:
    """ARPAbet phones, vowels with stress 0, 1 or 2, and their origin.

    `origin` is "gold", "silver", "slang", "derived", "number" or "rules". `phones` is empty for a word in a script
    without letter-to-sound rules.
    """

    phones: tuple[str, ...]
    origin: str


def pronounce(word: str) -> Pronunciation | None:
    """Return the pronunciation of a token of `tokens.words`; None exactly if it has no letter and no digit.

    Upper case, accents and every form of apostrophe are accepted. Parts around a hyphen are joined.
    """
    return _pronounce(straighten(word[:LONGEST_WORD]).lower())


@lru_cache(maxsize=_CACHED_WORDS)
def _pronounce(word: str) -> Pronunciation | None:
    if not any(map(str.isalnum, word)):
        return None
    if pronunciation := _look_up(word):
        return pronunciation
    plain = _THOUSANDS.sub("", _plain(word))
    if pronunciation := _look_up(plain):
        return pronunciation
    parts = [part for part in re.split(r"[^\w']+", plain) if part.strip("'")]
    if len(parts) > 1:
        return _joined([_single(part) for part in parts])
    return _single(parts[0] if parts else plain)


def _single(word: str) -> Pronunciation:
    if pronunciation := _look_up(word):
        return pronunciation
    if any(map(_is_digit, word)):
        return Pronunciation(_number(word), "number")
    if phones := inflect.derive(word, _phones):
        return Pronunciation(phones, "derived")
    return Pronunciation(spelling.sound_out(word), "rules")


def _look_up(word: str) -> Pronunciation | None:
    if phones := slang.lexicon().get(word):
        return Pronunciation(phones, "slang")
    entry = dictionary.look_up(word)
    # A few entries are abbreviations without a vowel; they cannot rhyme, so they are spelled out instead.
    return Pronunciation(*entry) if entry and any(map(is_vowel, entry[0])) else None


def _phones(word: str) -> tuple[str, ...] | None:
    pronunciation = _look_up(word)
    return pronunciation.phones if pronunciation else None


def _joined(parts: list[Pronunciation]) -> Pronunciation:
    origins = {part.origin for part in parts}
    origin = "rules" if "rules" in origins else "derived"
    return Pronunciation(tuple(phone for part in parts for phone in part.phones), origin)


def _number(word: str) -> tuple[str, ...]:
    digits = "".join(str(unicodedata.digit(char)) if _is_digit(char) else char for char in word.strip("'"))
    if ordinal := _ORDINAL.fullmatch(digits):
        return _spoken(ordinal_words(ordinal.group(1)))
    decade = re.fullmatch(r"(\d+)'?s", digits)
    if decade:
        return inflect.plural(_spoken(number_words(decade.group(1))))
    runs = (number_words(run) if run.isdecimal() else [run] for run in _RUNS.findall(digits))
    return _spoken([word for words in runs for word in words])


def _spoken(words: list[str]) -> tuple[str, ...]:
    spoken = (_single(word).phones for word in words if word.strip("'"))
    return tuple(phone for phones in spoken for phone in phones)


def _is_digit(char: str) -> bool:
    return unicodedata.digit(char, None) is not None


def _plain(word: str) -> str:
    """Remove accents, and write out the letters that Unicode does not take apart."""
    decomposed = unicodedata.normalize("NFKD", word.translate(_UNDECOMPOSED))
    return unicodedata.normalize(
        "NFC", "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")
    )
