"""Lexical diversity of a song: types, type-token ratio, MTLD, HD-D, words used once.

The type-token ratio falls with the length of a text: compare songs by MTLD and HD-D.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypedDict

_MTLD_THRESHOLD = 0.72  # McCarthy & Jarvis 2010
_HDD_DRAWS = 42  # McCarthy & Jarvis 2007


class Vocabulary(TypedDict):
    """`types` distinct words; shares of words in [0, 1]; `mtld` in words; `hdd` in [0, 1], None below 42 words."""

    types: int
    type_token_ratio: float
    hapax_share: float
    mtld: float
    hdd: float | None


def vocabulary(words: Sequence[str]) -> Vocabulary:
    """Measure the diversity of a song's words; zeros without words."""
    counts, total = Counter(words), len(words)
    return Vocabulary(
        types=len(counts),
        type_token_ratio=len(counts) / total if total else 0.0,
        hapax_share=sum(count == 1 for count in counts.values()) / total if total else 0.0,
        mtld=mtld(words),
        hdd=hdd(words),
    )


def mtld(words: Sequence[str], threshold: float = _MTLD_THRESHOLD) -> float:
    """Return MTLD: the mean length of runs of words that keep the type-token ratio above a threshold.

    Mean of both reading directions, the last run counted in part (McCarthy & Jarvis 2010, p. 385). For a text
    without repeated words it is the length of the text. 0.0 without words.
    """
    if not words:
        return 0.0
    return (_one_way(words, len(words), threshold) + _one_way(reversed(words), len(words), threshold)) / 2


def _one_way(words: Iterable[str], total: int, threshold: float) -> float:
    factors, run, types = 0.0, 0, set[str]()
    for word in words:
        run += 1
        types.add(word)
        if len(types) <= threshold * run:
            factors, run, types = factors + 1, 0, set[str]()
    if run:
        factors += (1 - len(types) / run) / (1 - threshold)
    return total / factors if factors else float(total)


def hdd(words: Sequence[str], draws: int = _HDD_DRAWS) -> float | None:
    """Return HD-D: the expected share of types in a random draw of 42 words (McCarthy & Jarvis 2007).

    All d draws miss a word that occurs f times among n with probability C(n-f, d) / C(n, d). None if there are
    fewer words than draws.
    """
    total = len(words)
    if total < draws:
        return None
    by_count = Counter(Counter(words).values())
    return math.fsum(types * (1 - _missed(total, count, draws)) for count, types in by_count.items()) / draws


def _missed(total: int, count: int, draws: int) -> float:
    if count > total - draws:
        return 0.0
    return math.prod((total - count - drawn) / (total - drawn) for drawn in range(draws))
