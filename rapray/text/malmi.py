"""Rhyme density after Malmi et al. (DopeLearning, KDD 2016), and its lift over shuffled words.

Knows vowels only. The density follows the vocabulary more than the craft: the lift says what word order adds.

Details that the paper leaves to its program are as there: a word without a vowel of the alphabet ("the") is no word;
two words are the same if they are written the same. Differs in the mean, which is taken over all words, the first too.
English vowels: the density of another language is the figure for its words read as if they were English.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rapray.text.reading import Reading
from rapray.text.sounds import malmi_vowels

LOOKBACK = 15  # words, as in the paper
_SHUFFLES = 3
_BLOCK = 16_384  # words compared at once: bounds memory at a few MB for any text

Indices = NDArray[np.int64]


def lift_of(song: Sequence[str], seed: int = 0) -> tuple[float, float, float]:
    """Density, mean density of the same words shuffled, and the ratio of the two (0.0 without a rhyme to compare).

    The density is the mean length, in vowels, of the longest rhyme that ends at each word; 0.0 without words. The
    shuffles depend on the words and on `seed` alone, so that every process gives the same figure.

    Args:
        song: Words that `song_words_of` gave.
        seed: Of the shuffles.
    """
    texts, vowels = _voiced(song)
    density = _mean(_rhyme_lengths(texts, vowels))
    shuffled = [_shuffled_density(texts, vowels, order) for order in _orders(texts, seed)]
    control = math.fsum(shuffled) / len(shuffled)  # `sum` rounds differently in Python 3.12
    return density, control, density / control if control else 0.0


def song_words_of(reading: Reading) -> list[str]:
    """Lower-case words of the lines that count: each line once, none that is wholly in brackets."""
    kept = {line.text.strip(): line.words for line in reading.lines()}
    return [word.text for line, read in kept.items() if not _is_bracketed(line) for word in read]


def _is_bracketed(line: str) -> bool:
    return len(line) > 1 and (line[0], line[-1]) in {("(", ")"), ("[", "]")}


def _voiced(song: Sequence[str]) -> tuple[list[str], list[str]]:
    pairs = [(text, vowels) for text in song if (vowels := malmi_vowels(text))]
    return [text for text, _ in pairs], [vowels for _, vowels in pairs]


def _orders(texts: list[str], seed: int) -> list[Indices]:
    """Permutations by sorting hashes of the places: the same with every version of every library."""
    digest = hashlib.blake2b("\n".join(texts).encode(errors="replace"), digest_size=8, key=str(seed).encode())
    state = np.uint64(int.from_bytes(digest.digest(), "little"))
    places = np.arange(len(texts) * _SHUFFLES, dtype=np.uint64).reshape(_SHUFFLES, -1)
    return [np.argsort(row, kind="stable") for row in _splitmix(places + state)]


def _splitmix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighbouring numbers come out unrelated."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _shuffled_density(texts: list[str], vowels: list[str], order: Indices) -> float:
    places = order.tolist()
    return _mean(_rhyme_lengths([texts[place] for place in places], [vowels[place] for place in places]))


def _mean(lengths: Indices) -> float:
    return int(lengths.sum()) / len(lengths) if len(lengths) else 0.0


def _rhyme_lengths(texts: list[str], vowels: list[str]) -> Indices:
    sizes = np.fromiter(map(len, vowels), dtype=np.int64, count=len(vowels))
    numbers: dict[str, int] = {}
    identity = np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), np.int64, len(texts))
    flat = np.frombuffer("".join(vowels).encode("ascii"), dtype=np.uint8)
    ends = np.cumsum(sizes) - 1
    owners = np.repeat(identity, sizes)
    blocks = [
        _block_lengths(flat, owners, ends, start, min(start + _BLOCK, len(ends)))
        for start in range(0, len(ends), _BLOCK)
    ]
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.int64)


def _block_lengths(flat: NDArray[np.uint8], owners: Indices, ends: Indices, start: int, stop: int) -> Indices:
    """Longest rhyme of words start…stop: all pairs (word, one of the 15 before) are walked back together."""
    later = np.repeat(np.arange(start, stop), LOOKBACK)
    earlier = later - np.tile(np.arange(1, LOOKBACK + 1), stop - start)
    inside = earlier >= 0
    later, earlier = later[inside], earlier[inside]
    first, second, limit = ends[earlier], ends[later], ends[earlier]
    longest = np.zeros(stop - start, dtype=np.int64)
    length = 0
    while len(later):
        alive = (flat[first] == flat[second]) & (owners[first] != owners[second])
        first, second, limit, later = first[alive] - 1, second[alive] - 1, limit[alive], later[alive]
        length += 1
        longest[later - start] = length
        # The later part may not reach back into the earlier one, nor the earlier one before the song.
        inside = (first >= 0) & (second > limit)
        first, second, limit, later = first[inside], second[inside], limit[inside], later[inside]
    longest[longest == 1] = 0  # one vowel in common is chance
    return longest
