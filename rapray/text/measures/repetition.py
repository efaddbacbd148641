"""How much of a song is said again: lines, phrases, and how well its words compress.

Words are compared as written: a line with a changed word is another line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

_PHRASE = 4  # words: shorter phrases repeat by grammar


class Repetition(TypedDict):
    """Shares in [0, 1], 0 where nothing repeats.

    `repeated_line_share`: lines that occurred before; `repeated_phrase_share`: four-word phrases that did.
    `compression`: 1 - phrases ÷ words of an LZ78 parse of the words; 0 for words without order, near 1 for a chant.
    """

    repeated_line_share: float
    repeated_phrase_share: float
    compression: float


def repetition(lines: Sequence[Sequence[str]]) -> Repetition:
    """Measure lines as lists of words; the caller leaves empty lines out."""
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
    """Count the phrases of the parse of Ziv and Lempel (1978): each is the longest earlier phrase and one more word.

    Not done with zlib, because its output differs between builds.
    """
    phrase_numbers: dict[tuple[int, str], int] = {}
    phrase, phrases = 0, 0
    for word in words:
        longer = phrase_numbers.get((phrase, word))
        if longer is None:
            phrase_numbers[phrase, word] = len(phrase_numbers) + 1
            phrase, phrases = 0, phrases + 1
        else:
            phrase = longer
    return phrases + (phrase != 0)
