"""LRC, lyrics with time stamps: `[00:12.34] line`, several stamps a line, tags, and `<00:12.34>` before words.

A text counts as LRC if at least half of its lines begin with a stamp; empty lines, tags and lines in brackets do
not count. Functions here take time linear in the text and never raise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rapray.domain import Section, Timing
from rapray.text.cleaning.characters import composed
from rapray.text.sections import is_bracketed, sung_lines, sung_part

_TIME = r"([0-9]{1,3}):([0-5]?[0-9])(?:[.:]([0-9]{1,3}))?"
_STAMP = re.compile(rf"\[{_TIME}\]")
_STAMPS = re.compile(rf"(?:\[{_TIME}\]\s*)+")
_WORD_STAMP = re.compile(rf"<{_TIME}>|\[{_TIME}\]")
_TAG = re.compile(r"\[(?:ti|ar|al|au|by|la|re|ve|id|lr|length|offset|tool|#):.*\]", re.IGNORECASE)
_OFFSET = re.compile(r"\[offset:\s*([+-]?[0-9]{1,9})\s*\]", re.IGNORECASE)
# A line with several stamps is written once and sung several times. Songs repeat a few thousand characters; a text that
# repeats more is cut off, or a megabyte of stamps could become a terabyte of lines.
_MOST_REPEATED_CHARS = 200_000


class SyncedLine(NamedTuple):
    """A line without its stamps, "" if it had nothing else; `timing` is None for a line without a stamp."""

    text: str
    timing: Timing | None


class _Entry(NamedTuple):
    """A line and its place in the song, in milliseconds; without a stamp it precedes the next line with a stamp."""

    place: float
    start: int | None
    text: str


def parse_lrc(raw: str) -> tuple[SyncedLine, ...] | None:
    """Return the lines of an LRC file in the order in which they are sung, without tags; None if the text is not LRC.

    `[offset:…]` shifts all lines by milliseconds, a positive offset to earlier times but not below 0. A line
    without a stamp, such as a section header, stays before the line that follows it in the file. `Timing.end` is
    the next later stamp, even that of an empty line, with which LRC marks a pause.
    """
    if not _STAMP.search(raw):
        return None
    lines = [line.strip() for line in composed(raw).split("\n")]
    if not _is_synced(lines):
        return None
    entries = sorted(_entries(lines, _offset(lines)), key=lambda entry: entry.place)
    return tuple(
        SyncedLine(entry.text, None if entry.start is None else Timing(entry.start / 1000, end))
        for entry, end in zip(entries, _ends(entries), strict=True)
    )


def timings_of(synced: Iterable[SyncedLine], sections: Sequence[Section]) -> tuple[Timing | None, ...]:
    """Return the time of each line of the sections, which were split from the cleaned text of `synced`.

    Cleaning removes lines and changes only the last line; a changed line has no time.
    """
    rest = iter(synced)
    return tuple(
        next((candidate.timing for candidate in rest if sung_part(candidate.text) == line), None)
        for line in sung_lines(sections)
    )


def _is_synced(lines: Iterable[str]) -> bool:
    with_stamp, without = 0, 0
    for line in lines:
        if stamps := _STAMPS.match(line):
            with_stamp += stamps.end() < len(line)
        elif line and not is_bracketed(line) and not _TAG.fullmatch(line):
            without += 1
    return 0 < with_stamp >= without


def _entries(lines: Iterable[str], offset: int) -> Iterator[_Entry]:
    waiting: list[str] = []
    left = _MOST_REPEATED_CHARS
    for line in lines:
        stamps = _STAMPS.match(line)
        if stamps is None:
            waiting += [] if _TAG.fullmatch(line) else [_without_word_stamps(line)]
            continue
        text = _without_word_stamps(line[stamps.end() :])
        for count, stamp in enumerate(_STAMP.finditer(stamps.group())):
            start = max(0, _milliseconds(stamp) - offset)
            if count:
                left -= len(text) + 1
                if left < 0:
                    break
            else:
                yield from (_Entry(start, None, before) for before in waiting)
                waiting = []
            yield _Entry(start, start, text)
    yield from (_Entry(math.inf, None, last) for last in waiting)


def _ends(entries: Sequence[_Entry]) -> list[float | None]:
    """Return the next later stamp of each entry, in seconds."""
    ends: list[float | None] = []
    nearest: int | None = None
    later: int | None = None
    for entry in reversed(entries):
        if entry.start is not None and entry.start != nearest:
            nearest, later = entry.start, nearest
        ends.append(None if later is None else later / 1000)
    return ends[::-1]


def _offset(lines: Iterable[str]) -> int:
    """Return the last offset in the file, in milliseconds."""
    offsets = [int(tag[1]) for tag in map(_OFFSET.fullmatch, lines) if tag]
    return offsets[-1] if offsets else 0


def _milliseconds(stamp: re.Match[str]) -> int:
    """Convert `[01:02.3]`, `[01:02.34]`, `[01:02:34]` or `[01:02]`: minutes, seconds and a decimal fraction."""
    minutes, seconds, fraction = stamp.groups(default="")
    return (int(minutes) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))


def _without_word_stamps(text: str) -> str:
    if not _WORD_STAMP.search(text):
        return text
    return composed(" ".join(_WORD_STAMP.sub("", text).split()))
