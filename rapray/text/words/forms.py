"""The forms under which a word list may have a word: the word itself, then the words it may be an inflection of.

They are candidates only; some of them are no words.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapray.text.pronunciation import dictionary, slang

_CACHED_WORDS = 65_536
_SHORTEST_BASE = 3  # letters: "as" is not the plural of "a"
_LONGEST_WORD = 40  # letters; no list has a longer word
_HISSING = ("ses", "xes", "zes", "ches", "shes", "roes", "toes")  # plurals that may end in -es instead of -s
_VOWELLESS = re.compile(r"[^aeiouy]*")
_EED = frozenset(("agreed", "freed", "guaranteed"))
# One vowel between consonants: such a verb doubles the last before -ed and -ing.
_DOUBLES = re.compile(r"[^aeiou]*[aeiouy][bdgklmnprtvz]")


@lru_cache(maxsize=_CACHED_WORDS)
def bases(word: str) -> tuple[str, ...]:
    """Return the candidates for a lower-case token, likeliest first: "ridin'" gives ridin', ridin, riding, rid, ride.

    -in' is a clipped -ing; -in without an apostrophe is clipped only if no dictionary has the word ("cabin").
    """
    if len(word) > _LONGEST_WORD:
        return (word,)
    plain = word.removesuffix("'s").strip("'")
    candidates = [word, plain]
    if word.endswith("in'") or _is_clipped(plain):
        plain += "g"
        candidates.append(plain)
    candidates += [base for base in _stems(plain) if len(base) >= _SHORTEST_BASE]
    return tuple(dict.fromkeys(filter(None, candidates)))


def is_clipped(word: str) -> bool:
    """Return True for a clipped -ing: runnin', runnin."""
    return len(word) > 4 and (word.endswith("in'") or _is_clipped(word))


def _is_clipped(word: str) -> bool:
    return word.endswith("in") and len(word) > 4 and dictionary.look_up(word) is None and not _is_slang(word)


def _is_slang(word: str) -> bool:
    return word in slang.lexicon() and word + "g" in slang.lexicon()


def _stems(word: str) -> list[str]:
    if word.endswith("s") and not word.endswith("ss"):
        return _plural(word)
    for ending in ("ing", "ed"):
        if word.endswith(ending):
            return _verb(word.removesuffix(ending), word)
    return []


def _plural(word: str) -> list[str]:
    if word.endswith("ies"):
        return [word[:-3] + "y", word[:-1]]
    return [word[:-1], word[:-2]] if word.endswith(_HISSING) else [word[:-1]]


def _verb(stem: str, word: str) -> list[str]:
    """Return stems of "stopping", "riding", "cried", "leaned". "Striped" only gives "stripe": "strip" doubles its P."""
    if _VOWELLESS.fullmatch(stem) or word.endswith("eed"):  # "thing", "need"
        return [word[:-1]] if word in _EED else []
    stems = [stem + "e"] if _DOUBLES.fullmatch(stem) else [stem, stem + "e"]
    if len(stem) > 2 and stem[-1] == stem[-2]:
        stems.append(stem[:-1])
    if word.endswith("ied"):
        stems.append(stem[:-1] + "y")
    return stems
