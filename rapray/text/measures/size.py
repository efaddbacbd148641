"""Size, flow and readability of a song: its counts, the length of its lines, the vowels at their ends.

A line stands for a sentence, because rap has no full stops and the formulas of readability ask for sentences. They
were fitted to English schoolbook prose: compare their figures among songs only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

from rapray.text.reading import Reading, ReadLine

_END_REACH = 2  # lines before and after


class Counts(TypedDict):
    """Only lines with a word count; characters include blanks and punctuation, not line ends."""

    sections: int
    lines: int
    words: int
    syllables: int
    characters: int


class Flow(TypedDict):
    """Per line: mean and population standard deviation. `syllables_per_word` is a mean, shares are in [0, 1].

    `end_vowel_agreement` is the share of lines whose last vowel is also the last vowel of a line at most two away:
    it separates rap (0.55) from poetry (0.34) better than density does. `adlib_share` is the share of words in
    brackets.
    """

    syllables_per_line: float
    syllables_per_line_deviation: float
    words_per_line: float
    words_per_line_deviation: float
    syllables_per_word: float
    end_vowel_agreement: float
    adlib_share: float


class Readability(TypedDict):
    """`flesch_reading_ease` = 206.835 - 1.015 words/lines - 84.6 syllables/words (Flesch 1948); higher is easier, prose
    for children has 90 and more, the maximum is 121.2. `flesch_kincaid_grade` = 0.39 words/lines + 11.8
    syllables/words - 15.59 (Kincaid et al. 1975), in US school years, -3.4 and more. None for other languages than
    English.
    """

    flesch_reading_ease: float | None
    flesch_kincaid_grade: float | None


UNREADABLE = Readability(flesch_reading_ease=None, flesch_kincaid_grade=None)


def counts(reading: Reading) -> Counts:
    """Count a song."""
    lines = list(reading.lines())
    return Counts(
        sections=sum(any(line.words for line in section) for section in reading.sections),
        lines=len(lines),
        words=sum(len(line.words) for line in lines),
        syllables=sum(map(syllables_of, lines)),
        characters=sum(len(line.text) for line in lines),
    )


def flow(reading: Reading) -> Flow:
    """Measure the lines of a song; zeros without lines."""
    lines = list(reading.lines())
    words, syllables = [len(line.words) for line in lines], [syllables_of(line) for line in lines]
    adlibs = sum(word.is_adlib for line in lines for word in line.words)
    return Flow(
        syllables_per_line=mean(syllables),
        syllables_per_line_deviation=deviation(syllables),
        words_per_line=mean(words),
        words_per_line_deviation=deviation(words),
        syllables_per_word=sum(syllables) / sum(words) if lines else 0.0,
        end_vowel_agreement=end_vowel_agreement(lines),
        adlib_share=adlibs / sum(words) if lines else 0.0,
    )


def readability(counts: Counts) -> Readability:
    """Compute both formulas from the counts of a song; unreadable without a word or a syllable."""
    if not counts["words"] or not counts["syllables"]:
        return UNREADABLE.copy()
    words_per_line = counts["words"] / counts["lines"]
    syllables_per_word = counts["syllables"] / counts["words"]
    return Readability(
        flesch_reading_ease=206.835 - 1.015 * words_per_line - 84.6 * syllables_per_word,
        flesch_kincaid_grade=0.39 * words_per_line + 11.8 * syllables_per_word - 15.59,
    )


def end_vowel_agreement(lines: Sequence[ReadLine]) -> float:
    """Return the share of lines whose last vowel is that of a line at most two away; lines of ad-libs do not count."""
    vowels = [vowel for line in lines if (vowel := _last_vowel(line)) is not None]
    agreeing = sum(
        vowel in vowels[max(0, place - _END_REACH) : place]
        or vowel in vowels[place + 1 : place + 1 + _END_REACH]
        for place, vowel in enumerate(vowels)
    )
    return agreeing / len(vowels) if vowels else 0.0


def mean(values: Sequence[int]) -> float:
    """Return the mean of whole numbers, exact up to the division; 0.0 for none."""
    return sum(values) / len(values) if values else 0.0


def deviation(values: Sequence[int]) -> float:
    """Return the population standard deviation of whole numbers, from exact sums: the same on every machine."""
    count = len(values)
    squares = count * sum(value * value for value in values) - sum(values) ** 2
    return math.sqrt(squares) / count if count else 0.0


def syllables_of(line: ReadLine) -> int:
    """Return the number of syllables of a line, ad-libs included."""
    return line.syllables


def _last_vowel(line: ReadLine) -> str | None:
    return next((word.sound.malmi[-1] for word in reversed(line.sung) if word.sound.malmi), None)
