"""A song read once: the words of each line with their places and sounds, ad-libs marked.

All measures start from a reading, so that each line is split and pronounced only once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapray.domain import Section
from rapray.text.pronunciation.sounds import Sound, sound
from rapray.text.sections import sung_lines
from rapray.text.tokens import spans


class ReadWord(NamedTuple):
    """A word of a line: lower-case text, half-open character range, sound. An ad-lib is a word in brackets."""

    text: str
    start: int
    end: int
    sound: Sound
    is_adlib: bool


class ReadLine(NamedTuple):
    """A line as printed, its words in order, and the number of their syllables, ad-libs included."""

    text: str
    words: tuple[ReadWord, ...]
    syllables: int

    @property
    def sung(self) -> Sequence[ReadWord]:
        """Words outside brackets."""
        if "(" not in self.text and "[" not in self.text:
            return self.words
        return [word for word in self.words if not word.is_adlib]


class Reading(NamedTuple):
    """The lines of each section, in order; sections without lines have none."""

    sections: tuple[tuple[ReadLine, ...], ...]

    def lines(self) -> Iterator[ReadLine]:
        """Return all lines that contain a word."""
        return (line for section in self.sections for line in section if line.words)


def read(sections: Sequence[Section]) -> Reading:
    """Read a song's sections; a repeated line is read once."""
    lines = {line: read_line(line) for line in dict.fromkeys(sung_lines(sections))}
    return Reading(tuple(tuple(lines[line] for line in section.lines) for section in sections))


def read_line(line: str) -> ReadLine:
    """Read one line; words in round or square brackets are ad-libs."""
    inside = _bracketed(line) if "(" in line or "[" in line else []
    words: list[ReadWord] = []
    for token in spans(line):
        while inside and inside[0][1] <= token.start:
            inside.pop(0)
        is_adlib = bool(inside) and inside[0][0] <= token.start
        words.append(ReadWord(token.text, token.start, token.end, sound(token.text), is_adlib))
    return ReadLine(line, tuple(words), sum([len(word.sound.codes) for word in words]))  # noqa: C419 - a list is faster


def _bracketed(line: str) -> list[tuple[int, int]]:
    """Return the character ranges in brackets; a bracket that is never closed runs to the end of the line."""
    ranges: list[tuple[int, int]] = []
    depth, start = 0, 0
    for place, character in enumerate(line):
        if character in "([":
            start = place if depth == 0 else start
            depth += 1
        elif character in ")]" and depth:
            depth -= 1
            if depth == 0:
                ranges.append((start, place + 1))
    return [*ranges, (start, len(line))] if depth else ranges
