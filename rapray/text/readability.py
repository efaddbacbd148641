"""Readability of a song, with a line for a sentence: rap has no full stops, and the formulas ask for sentences.

Knows counts only. The formulas were fitted to English schoolbook prose; figures of songs compare with songs alone.
"""

from __future__ import annotations

from typing import TypedDict

from rapray.text.measures import Counts


class Readability(TypedDict):
    """`flesch_reading_ease` = 206.835 - 1.015 words/lines - 84.6 syllables/words (Flesch 1948); higher is easier, prose
    for children has 90 and more, 121.2 is the most. `flesch_kincaid_grade` = 0.39 words/lines + 11.8 syllables/words -
    15.59 (Kincaid et al. 1975), in US school years, -3.4 at the least. None for a language that is not English.
    """

    flesch_reading_ease: float | None
    flesch_kincaid_grade: float | None


def readability(counts: Counts) -> Readability:
    """Both formulas from the counts of a song that has at least one word and one sound."""
    if not counts["words"] or not counts["syllables"]:
        return UNREADABLE.copy()
    words_per_line = counts["words"] / counts["lines"]
    syllables_per_word = counts["syllables"] / counts["words"]
    return Readability(
        flesch_reading_ease=206.835 - 1.015 * words_per_line - 84.6 * syllables_per_word,
        flesch_kincaid_grade=0.39 * words_per_line + 11.8 * syllables_per_word - 15.59,
    )


UNREADABLE = Readability(flesch_reading_ease=None, flesch_kincaid_grade=None)
