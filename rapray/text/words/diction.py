"""Which kind of words a song uses: rare ones, slang, profanity.

"Rare" depends on misaki's two dictionaries: gold was checked by people and has the common words, silver has the
rest. A word is rare if only silver has it and gold has no base form of it. It is unknown if it is in neither of
them nor in the slang lexicon and is not an inflection (names, coinages, other languages). English only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypedDict

from rapray.text.pronunciation import dictionary
from rapray.text.pronunciation.pronounce import pronounce
from rapray.text.words import forms
from rapray.text.words.explicit import is_profanity
from rapray.text.words.person_tense import tense_of
from rapray.text.words.wordlists import listed

_SHOWN_WORDS = 20
_CACHED_WORDS = 65_536
DANIELS_WORDS = 35_000
_COMPARED = re.compile(r"i?(?:er|est)$")


class Diction(TypedDict):
    """Shares of all words, in [0, 1]. `rare_words` are up to twenty, the most frequent first.

    `slang_share` counts the words of `lexicon/vernacular.txt`, and -in' for -ing; `profanity_share` the swear words
    and slurs of `lexicon/explicit.txt`, strong and mild.
    """

    rare_word_share: float
    unknown_word_share: float
    slang_share: float
    profanity_share: float
    rare_words: list[str]


class _Kind(NamedTuple):
    """The kinds of a word; profanity and slang are neither unknown nor rare."""

    is_profanity: bool
    is_slang: bool
    is_unknown: bool
    is_rare: bool


def diction(words: Sequence[str]) -> Diction:
    """Measure a song's words; zeros for none."""
    rare, unknown, slang, profanity = Counter[str](), 0, 0, 0
    for word, count in Counter(words).items():
        kind = _kind_of(word)
        profanity += count * kind.is_profanity
        slang += count * kind.is_slang
        unknown += count * kind.is_unknown
        if kind.is_rare:
            rare[word] = count
    total = max(len(words), 1)
    shown = sorted(rare.items(), key=lambda entry: (-entry[1], entry[0]))[:_SHOWN_WORDS]
    return Diction(
        rare_word_share=rare.total() / total,
        unknown_word_share=unknown / total,
        slang_share=slang / total,
        profanity_share=profanity / total,
        rare_words=[word for word, _ in shown],
    )


def daniels(words: Sequence[str], window: int = DANIELS_WORDS) -> int | None:
    """Unique words in an artist's first 35,000, apostrophes removed (M. Daniels, "The Largest Vocabulary in Hip Hop").

    Args:
        words: Lower-case tokens of all the artist's songs in order of release, hooks and ad-libs included.
        window: How many tokens count.

    Returns:
        A count in [1, window], or None if the artist has fewer words: such figures are not comparable.
    """
    if len(words) < window:
        return None
    return distinct(words[:window])


def distinct(words: Sequence[str]) -> int:
    """Count the different words, apostrophes removed."""
    return len({word.replace("'", "") for word in words})


@lru_cache(maxsize=_CACHED_WORDS)
def _kind_of(word: str) -> _Kind:
    swears, is_slang = is_profanity(word), _is_slang(word)
    if swears or is_slang:
        return _Kind(swears, is_slang, is_unknown=False, is_rare=False)
    return _Kind(swears, is_slang, is_unknown=_origin(word) == "rules", is_rare=_is_rare(word))


def _is_slang(word: str) -> bool:
    return listed("vernacular", word) is not None or forms.is_clipped(word)


def _is_rare(word: str) -> bool:
    if _origin(word) != "silver" or tense_of(word):
        return False  # silver has irregular verbs ("went"), too
    compared = _COMPARED.sub("", word)
    entries = map(dictionary.look_up, (*forms.bases(word), compared, compared + "e", compared + "y"))
    return not any(entry and entry[1] == "gold" for entry in entries)


def _origin(word: str) -> str | None:
    pronunciation = pronounce(word)
    return pronunciation.origin if pronunciation else None
