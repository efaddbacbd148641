"""How much of a song is said again: lines, phrases, and how well its words compress.

Knows words as written; a changed word makes another line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

_PHRASE = 4  # words: shorter phrases repeat by grammar


class Repetition(TypedDict):
    """Shares in [0, 1], 0 where nothing repeats.

    `repeated_line_share` counts lines that were there before; `repeated_phrase_share` four-word phrases likewise.
    `compression` is 1 - phrases ÷ words of an LZ78 parse of the words: 0 for words without order, near 1 for a chant.
    """

    repeated_line_share: float
    repeated_phrase_share: float
    compression: float


def repetition(lines: Sequence[Sequence[str]]) -> Repetition:
    """Measure lines given as words; empty lines are to be left out by the caller."""
    words = [word for line in lines for word in line]
    return Repetition(
        repeated_line_share=_repeated_share([tuple(line) for line in lines]),
        repeated_phrase_share=_repeated_share(
            list(zip(*(words[start:] for start in range(_PHRASE)), strict=False))
        ),
        compression=1 - _lz78_phrases(words) / len(words) if words else 0.0,
    )


def _repeated_share(things: Sequence[tuple[str, ...]]) -> float:
    return 1 - len(Counter(things)) / len(things) if things else 0.0


def _lz78_phrases(words: Sequence[str]) -> int:
    """Phrases of the parse of Ziv and Lempel (1978): each is the longest known one and a word more.

    Done here and not with zlib, whose output differs between its builds.
    """
    known: dict[tuple[int, str], int] = {}
    phrase, phrases = 0, 0
    for word in words:
        longer = known.get((phrase, word))
        if longer is None:
            known[phrase, word] = len(known) + 1
            phrase, phrases = 0, phrases + 1
        else:
            phrase = longer
    return phrases + (phrase != 0)
