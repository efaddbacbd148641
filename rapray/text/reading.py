"""A song read once: the words of each line with place and sound, ad-libs told apart.

Every measure is taken from this, so that a line is split and pronounced once. Knows no measure itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapray.domain import Section
from rapray.text.pronunciation.sounds import Sound, sound
from rapray.text.sections import sung_lines
from rapray.text.tokens import spans


class ReadWord(NamedTuple):
    """A word of a line: lower-case text, half-open character range, sound, and whether it stands in brackets."""

    text: str
    start: int
    end: int
    sound: Sound
    is_adlib: bool


class ReadLine(NamedTuple):
    """A line as printed, its words in order, and their syllables, those of ad-libs included."""

    text: str
    words: tuple[ReadWord, ...]
    syllables: int

    @property
    def sung(self) -> Sequence[ReadWord]:
        """The words outside brackets."""
        if "(" not in self.text and "[" not in self.text:
            return self.words
        return [word for word in self.words if not word.is_adlib]


class Reading(NamedTuple):
    """The lines of each section, in order; sections without lines have none."""

    sections: tuple[tuple[ReadLine, ...], ...]

    def lines(self) -> Iterator[ReadLine]:
        """All lines that hold a word."""
        return (line for section in self.sections for line in section if line.words)


def read(sections: Sequence[Section]) -> Reading:
    """Read a song's sections; a line that comes again is read once."""
    lines = {line: read_line(line) for line in dict.fromkeys(sung_lines(sections))}
    return Reading(tuple(tuple(lines[line] for line in section.lines) for section in sections))


def read_line(line: str) -> ReadLine:
    """Read one line; a word is an ad-lib where it stands in round or square brackets."""
    inside = _bracketed(line) if "(" in line or "[" in line else []
    found: list[ReadWord] = []
    for token in spans(line):
        while inside and inside[0][1] <= token.start:
            inside.pop(0)
        is_adlib = bool(inside) and inside[0][0] <= token.start
        found.append(ReadWord(token.text, token.start, token.end, sound(token.text), is_adlib))
    return ReadLine(line, tuple(found), sum([len(word.sound.codes) for word in found]))  # noqa: C419 - a list is faster


def _bracketed(line: str) -> list[tuple[int, int]]:
    """Character ranges in brackets; one that is never closed runs to the end of the line."""
    found: list[tuple[int, int]] = []
    depth, start = 0, 0
    for place, character in enumerate(line):
        if character in "([":
            start = place if depth == 0 else start
            depth += 1
        elif character in ")]" and depth:
            depth -= 1
            if depth == 0:
                found.append((start, place + 1))
    return [*found, (start, len(line))] if depth else found
