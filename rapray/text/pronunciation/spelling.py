"""Sounds of a word that no dictionary has, from its letters: ordered rules in `lexicon/letters.txt`.

The rules are for Latin script; Cyrillic and Greek are transliterated first. Other scripts give no sounds at all,
because a guess would make everything rhyme with everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_NAMES = (
    "b:B IY1,c:S IY1,d:D IY1,f:EH1 F,g:JH IY1,h:EY1 CH,j:JH EY1,k:K EY1,l:EH1 L,m:EH1 M,n:EH1 N,p:P IY1,"
    "q:K Y UW1,r:AA1 R,s:EH1 S,t:T IY1,v:V IY1,w:D AH1 B AH0 L Y UW0,x:EH1 K S,z:Z IY1"
)
_LETTER_NAMES = {pair[0]: tuple(pair[2:].split()) for pair in _NAMES.split(",")}
_LONGEST_INITIALISM = 5  # "nwtrs" is spelled out, "brrrrrrr" is a noise

_CYRILLIC = "абвгдезийклмнопрстуфхцчшщъыьэюяёжіїєґ"
_CYRILLIC_SOUNDS = "a b v g d e z i y k l m n o p r s t u f h ts ch sh sh ' i ' e yu ya yo zh i yi ye g"
_GREEK = "αβγδεζηθικλμνξοπρσςτυφχψω"
_GREEK_SOUNDS = "a v g d e z i th i k l m n x o p r s s t i f h ps o"
_LATIN = str.maketrans(
    dict(zip(_CYRILLIC + _GREEK, f"{_CYRILLIC_SOUNDS} {_GREEK_SOUNDS}".split(), strict=True))
)
_VOWEL = "[aeiouy]"
_CONSONANT = "[bcdfghjklmnpqrstvwxz]"
_VOWEL_PHONE = re.compile(r"[AEIOU][A-Z]\d?$")
_FULL_END = re.compile(r"(?:ee|eer|ette|oo|ique|esque)$")
_WEAK_START = re.compile(r"(?:a|be|de|re|un|en|ex|con|com)(?=[^aeiouy]*[aeiouy])")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Letters, conditions for the letters before and after them, and how they sound."""

    letters: str
    before: re.Pattern[str]
    after: re.Pattern[str]
    phones: tuple[str, ...]


def sound_out(word: str) -> tuple[str, ...]:
    """Return the ARPAbet phones of a lower-case word by rule; () for a script without rules.

    A short word without a vowel letter is spelled out.
    """
    latin = re.sub(r"[^a-z']", "", word.translate(_LATIN))
    letters = latin.replace("'", "")
    if letters and len(letters) <= _LONGEST_INITIALISM and not re.search(_VOWEL, letters):
        return tuple(phone for letter in letters for phone in _LETTER_NAMES[letter])
    sounds = _sounds(latin)
    if sounds and not any(map(_VOWEL_PHONE.match, sounds)):
        sounds.insert(1, "AH")  # a noise such as "bzzzzt" is said with some vowel
    return _stressed(sounds, latin)


def _sounds(word: str) -> list[str]:
    phones: list[str] = []
    place = 0
    while place < len(word):
        rule = _matching(word, place)
        if rule is None:  # an apostrophe
            place += 1
            continue
        phones.extend(rule.phones)
        place += len(rule.letters)
    return phones


def _matching(word: str, place: int) -> _Rule | None:
    for rule in _rules().get(word[place], ()):
        if not word.startswith(rule.letters, place):
            continue
        before, after = "_" + word[:place], word[place + len(rule.letters) :] + "_"
        if rule.before.search(before) and rule.after.match(after):
            return rule
    return None


@cache
def _rules() -> Mapping[str, tuple[_Rule, ...]]:
    """Return the rules by first letter, in the order of the file."""
    text = (files("rapray.text") / "lexicon" / "letters.txt").read_text(encoding="utf-8")
    by_letter: dict[str, list[_Rule]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            letters, before, after, *phones = line.split()
            rule = _Rule(
                letters,
                _pattern(before, "(?:{})$"),
                _pattern(after, "(?:{})"),
                tuple(p for p in phones if p != "."),
            )
            by_letter.setdefault(letters[0], []).append(rule)
    return {letter: tuple(rules) for letter, rules in by_letter.items()}


def _pattern(condition: str, frame: str) -> re.Pattern[str]:
    if condition == ".":
        return re.compile("")
    return re.compile(frame.format(condition.replace("V", _VOWEL).replace("C", _CONSONANT)))


def _stressed(phones: list[str], word: str) -> tuple[str, ...]:
    """Stress the first vowel, the second after a weak prefix, or the last in -ee; all others get 0."""
    places = [place for place, phone in enumerate(phones) if _VOWEL_PHONE.match(phone)]
    strong = [place for place in places if not phones[place].endswith("0")] or places
    chosen = _chosen(strong, word)
    return tuple(
        phone if place not in places else phone.rstrip("0") + ("1" if place == chosen else "0")
        for place, phone in enumerate(phones)
    )


def _chosen(strong: list[int], word: str) -> int | None:
    if len(strong) > 1 and _FULL_END.search(word):
        return strong[-1]
    if len(strong) > 1 and _WEAK_START.match(word):
        return strong[1]
    return strong[0] if strong else None
