"""A song as one row of syllables, the form in which rhymes are looked for.

Knows words that are sung and sound; ad-libs and mute tokens are left out, places in the printed line are kept.
"""

from __future__ import annotations

from typing import NamedTuple

from rapray.text.pronunciation.phonology import MATCH_ROWS
from rapray.text.pronunciation.sounds import Sound
from rapray.text.reading import Reading, ReadLine

# Line numbers jump by this at a section's end, so that "within two lines" never reaches across sections.
_SECTION_GAP = 1000


class StreamWord(NamedTuple):
    """A sung word: section, line, `place` among the words of its line, range of syllables, and what rhyming needs."""

    section: int
    line: int
    place: int
    start: int
    end: int
    is_function: bool
    first: int
    last: int


class Stream:
    """Parallel lists with an entry a syllable, the words, and the last word of each line."""

    def __init__(self, reading: Reading) -> None:
        self.words: list[StreamWord] = []
        self.line_ends: list[list[int | None]] = []  # by section and line: the last sung word
        self.line_number: list[int] = []  # of its line, with a gap between sections
        self.line_start: list[int] = []  # number of the first syllable of its line
        sounds: list[Sound] = []
        number = 0
        for section, lines in enumerate(reading.sections):
            ends: list[int | None] = []
            for at, line in enumerate(lines):
                heard = self._add_line(section, at, number + at, line)
                ends.append(len(self.words) - 1 if heard else None)
                sounds += heard
            self.line_ends.append(ends)
            number += len(lines) + _SECTION_GAP
        self.codes = [code for sound in sounds for code in sound.codes]
        self.exact = [tail for sound in sounds for tail in sound.exact]
        self.family = [tail for sound in sounds for tail in sound.family]
        # Number of the word that a syllable belongs to, and a number that words share which repeat each other.
        self.word = [number for number, sound in enumerate(sounds) for _ in sound.codes]
        numbers: dict[str, int] = {}
        self.key = [
            key
            for sound in sounds
            for key in [numbers.setdefault(sound.key, len(numbers))] * len(sound.codes)
        ]

    def _add_line(self, section: int, at: int, number: int, line: ReadLine) -> list[Sound]:
        """Add the words of a line, and give their sounds."""
        start = first = len(self.line_start)
        sounds: list[Sound] = []
        for place, (_, begin, end, sound, is_adlib) in enumerate(line.words):
            if sound.codes and not is_adlib:
                after = first + len(sound.codes)
                self.words.append(
                    StreamWord(section, at, place, begin, end, sound.is_function, first, after - 1)
                )
                sounds.append(sound)
                first = after
        self.line_number += [number] * (first - start)
        self.line_start += [start] * (first - start)
        return sounds

    def matches(self, first: int, second: int) -> bool:
        """May these two syllables stand against each other?"""
        return MATCH_ROWS[self.codes[first]][self.codes[second]]

    def is_same_word(self, first: int, second: int) -> bool:
        """Do these two syllables belong to words that repeat each other?"""
        return self.key[first] == self.key[second]
