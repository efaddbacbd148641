"""Rhyme density after Malmi et al. (DopeLearning, KDD 2016), and its lift over shuffled words.

Only vowels count. The density depends on the vocabulary more than on the craft; the lift shows what word order
adds.

Details that the paper leaves open follow its program: a word without a vowel of the alphabet ("the") does not
count, and two words are the same if they are written the same. Unlike there, the mean includes the first word.
Vowels are English: words of another language are read as if they were English.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rapray.text.pronunciation.sounds import malmi_vowels
from rapray.text.reading import Reading

LOOKBACK = 15  # words, as in the paper
_SHUFFLES = 3
_BLOCK = 4096  # words compared at once, so that any text needs only a few MB

Indices = NDArray[np.int64]


def lift_of(song: Sequence[str], seed: int = 0) -> tuple[float, float, float]:
    """Return the density, the mean density of shuffled words, and the ratio of both (0.0 if the latter is 0).

    The density is the mean length, in vowels, of the longest rhyme that ends at each word; 0.0 without words. The
    shuffles depend only on the words and the seed, so that every process gives the same figure.

    Args:
        song: Words from `song_words_of`.
        seed: Seed of the shuffles.
    """
    texts, vowels = _voiced(song)
    if not texts:
        return 0.0, 0.0, 0.0
    orders = np.vstack([np.arange(len(texts)), *_orders(texts, seed)])
    density, *shuffled = (
        int(total) / len(texts) for total in _rhyme_lengths(texts, vowels, orders).sum(axis=1)
    )
    control = math.fsum(shuffled) / len(shuffled)  # `sum` rounds differently in Python 3.12
    return density, control, density / control if control else 0.0


def song_words_of(reading: Reading) -> list[str]:
    """Return the lower-case words of the lines that count: each line once, without lines in brackets."""
    words_of_line = {line.text.strip(): line.words for line in reading.lines()}
    return [word.text for line, words in words_of_line.items() if not _is_bracketed(line) for word in words]


def _is_bracketed(line: str) -> bool:
    return len(line) > 1 and (line[0], line[-1]) in {("(", ")"), ("[", "]")}


def _voiced(song: Sequence[str]) -> tuple[list[str], list[str]]:
    pairs = [(text, vowels) for text in song if (vowels := malmi_vowels(text))]
    return [text for text, _ in pairs], [vowels for _, vowels in pairs]


def _orders(texts: list[str], seed: int) -> list[Indices]:
    """Shuffle by sorting hashes of the places: the same order with every version of every library."""
    digest = hashlib.blake2b("\n".join(texts).encode(errors="replace"), digest_size=8, key=str(seed).encode())
    state = np.uint64(int.from_bytes(digest.digest(), "little"))
    places = np.arange(len(texts) * _SHUFFLES, dtype=np.uint64).reshape(_SHUFFLES, -1)
    return [np.argsort(row, kind="stable") for row in _splitmix(places + state)]


def _splitmix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash by the finaliser of SplitMix64 (Steele, Lea, Flood 2014): hashes of neighbouring numbers are unrelated."""
    values = values * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _rhyme_lengths(texts: list[str], vowels: list[str], orders: Indices) -> Indices:
    """Return the length of the longest rhyme that ends at each word, in vowels; a row for each order of the words."""
    numbers: dict[str, int] = {}
    identity = np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)[orders]
    song = _laid_out(vowels, identity, orders)
    blocks = [
        _block_lengths(song, identity, start, min(start + _BLOCK, len(texts)))
        for start in range(0, len(texts), _BLOCK)
    ]
    return np.concatenate(blocks, axis=1)


class _Vowels(NamedTuple):
    """The vowels of all orders of the words in a row; a silent sound, which never matches, stands before each order.

    `owner` is the number of the word that each vowel belongs to, `ends` the place of the last vowel of each word.
    """

    vowels: NDArray[np.uint8]
    owner: Indices
    ends: Indices


def _laid_out(vowels: list[str], identity: Indices, orders: Indices) -> _Vowels:
    sizes = np.array([len(word) for word in vowels], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    letters = np.frombuffer("".join(vowels).encode("ascii"), dtype=np.uint8)
    sizes, starts = sizes[orders].ravel(), starts[orders].ravel()
    ends = np.cumsum(sizes) - 1
    places = np.repeat(starts - (ends + 1 - sizes), sizes) + np.arange(len(orders) * len(letters))
    return _Vowels(
        _behind_silence(letters[places], len(orders)),
        _behind_silence(np.repeat(identity.ravel(), sizes), len(orders)),
        ends.reshape(orders.shape) + np.arange(1, len(orders) + 1)[:, None],
    )


def _behind_silence(values: NDArray[Any], rows: int) -> NDArray[Any]:
    return np.insert(values.reshape(rows, -1), 0, 0, axis=1).ravel()


def _block_lengths(song: _Vowels, identity: Indices, start: int, stop: int) -> Indices:
    """Return the longest rhymes of the words start…stop: all pairs of words are compared backwards together."""
    row, later, earlier = _pairs(song.vowels[song.ends], identity, start, stop)
    first, second = song.ends[row, earlier], song.ends[row, later]
    limit, place = first, row * (stop - start) + later - start
    longest = np.zeros(len(identity) * (stop - start), dtype=np.int64)
    length = 1
    while len(place):
        longest[place] = length
        first, second = first - 1, second - 1
        # The later part must not reach back into the earlier part.
        goes_on = (song.vowels[first] == song.vowels[second]) & (song.owner[first] != song.owner[second])
        goes_on &= second > limit
        first, second, limit, place = first[goes_on], second[goes_on], limit[goes_on], place[goes_on]
        length += 1
    longest[longest == 1] = 0  # one vowel in common is chance
    return longest.reshape(len(identity), -1)


def _pairs(
    last: NDArray[np.uint8], identity: Indices, start: int, stop: int
) -> tuple[Indices, Indices, Indices]:
    """Pair each word start…stop with different words among the 15 before it that end on the same vowel.

    Returns the rows, the later words and the earlier words of the pairs.
    """
    pairs: list[tuple[Indices, Indices, Indices]] = []
    for lag in range(1, LOOKBACK + 1):
        begin = max(start, lag)
        now, before = slice(begin, stop), slice(begin - lag, max(stop - lag, 0))
        rhymes = (last[:, now] == last[:, before]) & (identity[:, now] != identity[:, before])
        rows, places = np.nonzero(rhymes)
        pairs.append((rows, places + begin, places + begin - lag))
    row, later, earlier = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return row, later, earlier
