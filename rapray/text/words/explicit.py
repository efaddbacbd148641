"""How explicit a song is: profanity, sex, violence, drugs and slurs, counted by category.

Only words count, not what is said with them: a song against guns counts as a song with guns. The results never
contain the words themselves. The lists (`lexicon/explicit.txt`) are rapray's own and English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import TypedDict

from rapray.text.words.wordlists import listed

_LIST = "explicit"
_CACHED_WORDS = 65_536
# The weight of a word: a slur offends more than a gun. "reclaimed" are slurs that a group uses for itself.
_WEIGHTS = {"slurs": 3, "profanity": 2, "sexual": 2, "reclaimed": 1, "violence": 1, "drugs": 1, "mild": 1}
_SWEARING = frozenset({"slurs", "profanity", "reclaimed", "mild"})
_SLURS = frozenset({"slurs", "reclaimed"})
_HALF_SCORE = 5.0  # weight in a hundred words at which the score is one half


class Explicitness(TypedDict):
    """`score` in [0, 1): w / (w + 5), w the weight of all explicit words in a hundred words; a word has the
    weight of its strongest category (slurs 3; profanity, sexual 2; reclaimed, violence, drugs, mild 1).

    The counts are of words; a word of two categories counts in both. `word_share` in [0, 1] is of all words.
    """

    score: float
    word_share: float
    profanity: int
    mild: int
    sexual: int
    violence: int
    drugs: int
    slurs: int
    reclaimed: int


def explicitness(words: Iterable[str]) -> Explicitness:
    """Measure a song's words; zeros for none."""
    counts, total, weight, explicit = Counter[str](), 0, 0, 0
    for word, count in Counter(words).items():
        total += count
        if entry := listed(_LIST, word):
            explicit += count
            weight += count * max(_WEIGHTS[group] for group in entry.groups)
            counts.update(dict.fromkeys(entry.groups, count))
    rate = 100 * weight / total if total else 0.0
    return Explicitness(
        score=rate / (rate + _HALF_SCORE),
        word_share=explicit / total if total else 0.0,
        profanity=counts["profanity"],
        mild=counts["mild"],
        sexual=counts["sexual"],
        violence=counts["violence"],
        drugs=counts["drugs"],
        slurs=counts["slurs"],
        reclaimed=counts["reclaimed"],
    )


@lru_cache(maxsize=_CACHED_WORDS)
def is_profanity(word: str) -> bool:
    """Return True for swear words, strong and mild, and for slurs."""
    entry = listed(_LIST, word)
    return entry is not None and not _SWEARING.isdisjoint(entry.groups)


def is_slur(word: str) -> bool:
    """Return True for slurs, including reclaimed slurs: lists of words in a result leave them out."""
    entry = listed(_LIST, word)
    return entry is not None and not _SLURS.isdisjoint(entry.groups)
