"""Synthetic lyrics for benchmarks: the sizes of a real collection, words of the sample songs, rhymed couplets.

Knows no song: a text is a walk over which word follows which, so it reads like nothing and measures like rap. Sizes:
164 / 484 / 821 words at the 5th / 50th / 95th percentile, eight words a line. Deterministic by seed.

    python -m benchmarks.lyrics 3        # print three of them
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from rapray.domain import Lyric
from rapray.samples.corpus import songs
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections
from rapray.text.tokens import words

_WORD_QUANTILES = ((0.0, 60), (0.05, 164), (0.5, 484), (0.95, 821), (1.0, 1600))
_WORDS_PER_LINE = 8
_COINED_SHARE = 0.02  # words that no dictionary has: real collections are full of names and slang
_CHORUS_LINES = 4

_RHYMES = [
    group.split()
    for group in (
        "night light fight sight write tight height kite bright midnight spotlight alright ignite",
        "street feet beat heat seat concrete repeat complete defeat sweet receipt elite",
        "game name fame same flame claim frame shame aim came blame",
        "mind grind time rhyme find blind behind climb line design sign combine",
        "flow know go show throw glow blow road code slow ago below radio",
        "back track black stack pack crack attack jack rack snack lack",
        "day say way play stay pay pray gray display today highway away",
        "real deal feel steel wheel meal heal reveal appeal seal",
        "mic like bike strike hike spike dislike alike",
        "pain rain train brain chain lane gain explain remain insane",
        "money honey funny sunny running coming hundred stunning",
        "nation station relation vacation patience location conversation education",
        "city gritty pretty committee witty pity",
        "flavor paper later neighbor labor favor savior",
        "motion ocean notion potion devotion emotion commotion",
        "town down crown brown sound ground round found background",
        "door more floor four store before score war roar",
        "heart start part art smart apart chart dark mark spark",
        "hand stand land brand plan man fan command understand",
        "dream team scheme cream steam extreme supreme",
        "head bread said red instead dead thread spread",
        "phone alone zone home tone bone microphone unknown stone",
        "truth youth proof roof booth tooth",
        "power hour tower shower flower sour",
        "better letter weather together never forever clever",
    )
]
_COINED = "bra cho dra fli gro jo kla lu mo ne pho qua ri sta tri ve wi xo ya zen ko ta mi ro shi"


def synthetic_lyrics(n: int, seed: int = 0) -> Iterator[str]:
    """Yield n lyrics with section headers; the i-th depends on `seed` and i alone."""
    return (_lyric(random.Random(f"{seed}:{index}")) for index in range(n))


def lyric_of(word_count: int, seed: int = 0) -> str:
    """One text of about so many words, for curves over length."""
    return _song(random.Random(f"{seed}:{word_count}"), word_count)


def as_lyric(text: str, key: str = "", title: str = "") -> Lyric:
    """A text as an analyzer takes it."""
    return Lyric(key, text, split_sections(text), content_hash(text), title)


def _lyric(rng: random.Random) -> str:
    return _song(rng, _quantile(rng.random()))


def _song(rng: random.Random, word_count: int) -> str:
    chorus = "\n".join(_couplets(rng, _CHORUS_LINES))
    left, number, parts = max(word_count // _WORDS_PER_LINE, 4), 0, list[str]()
    while left > 0:
        number += 1
        size = min(left, rng.choice((8, 12, 16)))
        parts.append(f"[Verse {number}]\n" + "\n".join(_couplets(rng, size)))
        left -= size
        if left >= _CHORUS_LINES:
            parts.append("[Chorus]\n" + chorus)
            left -= _CHORUS_LINES
    return "\n\n".join(parts)


def _couplets(rng: random.Random, count: int) -> list[str]:
    ends: list[str] = []
    while len(ends) < count:
        ends += rng.sample(rng.choice(_RHYMES), 2)
    return [_line(rng, end) for end in ends[:count]]


def _line(rng: random.Random, end: str) -> str:
    followers, openers = _walk()
    length = max(2, round(rng.gauss(_WORDS_PER_LINE, 2))) - 1
    line = [rng.choice(openers)]
    while len(line) < length:
        line.append(
            _coined(rng) if rng.random() < _COINED_SHARE else rng.choice(followers.get(line[-1], openers))
        )
    text = " ".join([*line[:length], end]).capitalize()
    return f"{text} (yeah)" if rng.random() < 0.04 else text


def _coined(rng: random.Random) -> str:
    return "".join(rng.choice(_COINED.split()) for _ in range(rng.choice((2, 3))))


def _quantile(share: float) -> int:
    for (low, small), (high, large) in pairwise(_WORD_QUANTILES):
        if share <= high:
            return round(small + (large - small) * (share - low) / (high - low))
    return _WORD_QUANTILES[-1][1]


@cache
def _walk() -> tuple[dict[str, list[str]], list[str]]:
    """Which words follow a word in the English sample songs, and which open a line."""
    followers: dict[str, list[str]] = {}
    openers: list[str] = []
    for song in songs():
        if song.language != "en":
            continue
        for line in (line for section in split_sections(song.lyrics) for line in section.lines):
            found = words(line)
            openers += found[:1]
            for before, after in pairwise(found):
                followers.setdefault(before, []).append(after)
    return followers, openers


if __name__ == "__main__":
    print("\n\n---\n\n".join(synthetic_lyrics(int(sys.argv[1]) if len(sys.argv) > 1 else 1)))
