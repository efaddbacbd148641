"""A song as a single row of syllables, the form in which rhymes are searched.

Ad-libs and words without phones are left out. Each word keeps its place in the printed line.
"""

from __future__ import annotations

from typing import NamedTuple

from rapray.text.pronunciation.phonology import MATCH_ROWS
from rapray.text.pronunciation.sounds import Sound
from rapray.text.reading import Reading, ReadLine

# Line numbers jump by this at the end of a section, so that "within two lines" never reaches across sections.
_SECTION_GAP = 1000


class StreamWord(NamedTuple):
    """A sung word: section, line, `place` among the words of its line, its characters and its syllables."""

    section: int
    line: int
    place: int
    start: int
    end: int
    is_function: bool
    first: int
    last: int


class Stream:
    """The words, parallel lists with an entry for each syllable, and the last word of each line."""

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
        # By syllable: the number of its word, and a number that words share if they repeat each other.
        self.word = [number for number, sound in enumerate(sounds) for _ in sound.codes]
        numbers: dict[str, int] = {}
        self.key = [
            key
            for sound in sounds
            for key in [numbers.setdefault(sound.key, len(numbers))] * len(sound.codes)
        ]

    def _add_line(self, section: int, at: int, number: int, line: ReadLine) -> list[Sound]:
        """Add the words of a line and return their sounds."""
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
        """Return True if the two syllables match in a rhyme."""
        return MATCH_ROWS[self.codes[first]][self.codes[second]]

    def is_same_word(self, first: int, second: int) -> bool:
        """Return True if the two syllables belong to words that repeat each other."""
        return self.key[first] == self.key[second]
