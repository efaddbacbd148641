"""How explicit a song is: profanity, sex, violence, drugs and slurs, counted by category.

Knows words, not what is done with them: a song against guns counts as one with guns. The results never hold the words
themselves. The lists (`lexicon/explicit.txt`) are rapray's own and English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import TypedDict

from rapray.text.words.wordlists import listed

_LIST = "explicit"
_CACHED_WORDS = 65_536
# What one word weighs: a slur offends more than a gun. "reclaimed" are slurs that speakers use among their own.
_WEIGHTS = {"slurs": 3, "profanity": 2, "sexual": 2, "reclaimed": 1, "violence": 1, "drugs": 1, "mild": 1}
_SWEARING = frozenset({"slurs", "profanity", "reclaimed", "mild"})
_SLURS = frozenset({"slurs", "reclaimed"})
_HALF_SCORE = 5.0  # weight in a hundred words at which the score is one half


class Explicitness(TypedDict):
    """`score` in [0, 1): w / (w + 5), w the weight of all explicit words in a hundred words; a word has the
    weight of its strongest category (slurs 3; profanity, sexual 2; reclaimed, violence, drugs, mild 1).

    The counts are of words; one that stands in two categories counts in both. `word_share` in [0, 1] is of all words.
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
        if found := listed(_LIST, word):
            explicit += count
            weight += count * max(_WEIGHTS[group] for group in found.groups)
            counts.update(dict.fromkeys(found.groups, count))
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
    """True for swear words, strong and mild, and for slurs."""
    found = listed(_LIST, word)
    return found is not None and not _SWEARING.isdisjoint(found.groups)


def is_slur(word: str) -> bool:
    """True for slurs, reclaimed ones too: no list that a result shows holds them."""
    found = listed(_LIST, word)
    return found is not None and not _SLURS.isdisjoint(found.groups)
