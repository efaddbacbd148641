"""A song as one row of syllables, the form in which rhymes are looked for.

Knows words that are sung and sound; ad-libs and mute tokens are left out, places in the printed line are kept.
"""

from __future__ import annotations

from typing import NamedTuple

from rapray.text.phonology import MATCH_ROWS
from rapray.text.reading import Reading, ReadLine, ReadWord

# Line numbers jump by this at a section's end, so that "within two lines" never reaches across sections.
_SECTION_GAP = 1000


class StreamWord(NamedTuple):
    """A sung word: section, line, `place` among the words of its line, range of syllables, and what rhyming needs."""

    section: int
    line: int
    place: int
    start: int
    end: int
    key: str
    is_function: bool
    first: int
    last: int


class Stream:
    """Parallel lists with an entry a syllable, the words, and the last word of each line."""

    def __init__(self, reading: Reading) -> None:
        self.codes: list[int] = []
        self.exact: list[int] = []
        self.family: list[int] = []
        self.word: list[int] = []  # number of the word that a syllable belongs to
        self.line_number: list[int] = []  # of its line, with a gap between sections
        self.line_start: list[int] = []  # number of the first syllable of its line
        self.words: list[StreamWord] = []
        self.line_ends: list[list[int | None]] = []  # by section and line: the last sung word
        number = 0
        for section, lines in enumerate(reading.sections):
            self.line_ends.append(
                [self._add_line(section, at, number + at, line) for at, line in enumerate(lines)]
            )
            number += len(lines) + _SECTION_GAP

    def _add_line(self, section: int, at: int, number: int, line: ReadLine) -> int | None:
        start, before = len(self.codes), len(self.words)
        for index, word in enumerate(line.words):
            if word.sound.codes and not word.is_adlib:
                self._add_word(section, at, index, word)
        added = len(self.codes) - start
        self.line_number += [number] * added
        self.line_start += [start] * added
        return len(self.words) - 1 if len(self.words) > before else None

    def _add_word(self, section: int, line: int, index: int, word: ReadWord) -> None:
        first, heard = len(self.codes), word.sound
        self.codes += heard.codes
        self.exact += heard.exact
        self.family += heard.family
        self.word += [len(self.words)] * len(heard.codes)
        last = len(self.codes) - 1
        self.words.append(
            StreamWord(section, line, index, word.start, word.end, heard.key, heard.is_function, first, last)
        )

    def matches(self, first: int, second: int) -> bool:
        """May these two syllables stand against each other?"""
        return MATCH_ROWS[self.codes[first]][self.codes[second]]

    def is_same_word(self, first: int, second: int) -> bool:
        """Do these two syllables belong to words that repeat each other?"""
        return self.words[self.word[first]].key == self.words[self.word[second]].key
