"""Cleaning of a lyric that comes from a page or a caller: blanks, and lines that are page junk.

A lyric may contain any of the words that page junk consists of. So a line is removed only if the whole line looks
like junk and stands where such junk stands; no line is cut at a word.
"""

from __future__ import annotations

import re

from rapray.errors import EmptyLyrics, LyricsTooLong
from rapray.text.cleaning.characters import composed
from rapray.text.sections import is_bracketed, is_header

_ALSO_LIKE = "You might also like"
_TICKETS = re.compile(rf"(?:See .{{1,80}} Live)?Get tickets as low as \$\d[\d,.]*(?:{_ALSO_LIKE})?")
_SEE_LIVE = re.compile(r"See .{1,80} Live")
_CONTRIBUTORS = re.compile(r"\d[\d,.]*K? Contributors?(?P<glued>.*)")
_TITLE_LINE = re.compile(r".+ Lyrics(?:.*(?:…|\.\.\.) ?Read More)?")
_READ_MORE = re.compile(r".*(?:…|\.\.\.) ?Read More")
_LONGEST_JUNK = 4_000  # characters; a glued header with a song bio is the longest
_MOST_LANGUAGES = 40  # lines of a translations menu
_MOST_BIO_LINES = 20


def clean_lyrics(raw: str, title: str | None = None) -> str:
    """Return the lyric in NFC, without page junk and with one empty line between stanzas. Idempotent, linear time.

    Args:
        raw: The text of a page parser, a file or a caller.
        title: The song's title, if available: it identifies the line "<title> Lyrics" above the lyric.
    """
    lines = [line.strip() for line in composed(raw).split("\n")]
    lines = _without_page_junk(lines)
    start = _after_page_header(lines, title)
    return "\n".join(_single_gaps(lines[start:]))


def checked_lyrics(raw: str, max_chars: int) -> str:
    """Clean a lyric and check that it has a word to sing and at most `max_chars` characters.

    Raises:
        EmptyLyrics: No letter or digit is left outside the section headers.
        LyricsTooLong: More than `max_chars` characters are left after cleaning.
    """
    lyrics = clean_lyrics(raw)
    if not any(any(map(str.isalnum, line)) for line in lyrics.split("\n") if not is_bracketed(line)):
        raise EmptyLyrics
    if len(lyrics) > max_chars:
        raise LyricsTooLong(length=len(lyrics), unit="characters", limit=max_chars)
    return lyrics


def _without_page_junk(lines: list[str]) -> list[str]:
    """Remove advertising lines anywhere and the embed counter at the end. Reads backwards, in one pass."""
    lyric: list[str] = []
    tickets_follow, at_end = False, True
    for raw_line in reversed(lines):
        line = _without_embed(raw_line) if at_end else raw_line
        if line == _ALSO_LIKE or (at_end and not line):
            continue
        if len(line) <= _LONGEST_JUNK and _TICKETS.fullmatch(line):
            tickets_follow = True
        elif tickets_follow and _SEE_LIVE.fullmatch(line):
            continue
        else:
            lyric.append(line)
            tickets_follow, at_end = tickets_follow and not line, at_end and not line
    return lyric[::-1]


def _without_embed(line: str) -> str:
    """Cut "12Embed" off the end of the last line; a line that consists of "Embed" becomes empty."""
    end = len(line)
    while line.endswith("Embed", 0, end):
        digits_end = end - len("Embed")
        start = digits_end - (line.endswith("K", 0, digits_end))
        while start and (line[start - 1].isdecimal() or line[start - 1] == "."):
            start -= 1
        if start and not any(map(str.isdecimal, line[start:digits_end])):
            break  # "Embed" without a counter is a sung word, unless the line has no other
        end = start
    return line[:end].rstrip()


def _after_page_header(lines: list[str], title: str | None) -> int:
    """Return the line number at which the lyric begins, below the header that the page puts above it."""
    start, titled = 0, f"{composed(title).strip()} Lyrics".casefold() if title else None
    while (end := _header_end(lines, _next_text(lines, start), titled)) > start:
        start = end
    return start


def _header_end(lines: list[str], start: int, titled: str | None) -> int:
    """Return the line number after the page header that begins at `start`, or 0 if there is no header."""
    if start == len(lines) or len(lines[start]) > _LONGEST_JUNK:
        return 0
    first = lines[start]
    if contributors := _CONTRIBUTORS.fullmatch(first):
        if _TITLE_LINE.fullmatch(contributors["glued"]):
            return _behind_bio(lines, start + 1)
        if contributors["glued"] and not contributors["glued"].startswith("Translations"):
            return 0
        return _behind_title(lines, start + 1) or start + 1
    if first == "Translations":
        return _behind_title(lines, start)
    following = _next_text(lines, start + 1)
    named = first.casefold() == titled
    heads_a_section = first.endswith(" Lyrics") and following < len(lines) and is_header(lines[following])
    return _behind_bio(lines, start + 1) if named or heads_a_section else 0


def _behind_title(lines: list[str], start: int) -> int:
    """Skip an optional translations menu and the "<title> Lyrics" line; return 0 if there is no such line."""
    place = _next_text(lines, start)
    if place < len(lines) and lines[place] == "Translations":
        menu = range(place + 1, min(len(lines), place + 1 + _MOST_LANGUAGES))
        place = next(
            (at for at in menu if lines[at].endswith(" Lyrics") or len(lines[at].split()) > 2), len(lines)
        )
    if place < len(lines) and len(lines[place]) <= _LONGEST_JUNK and _TITLE_LINE.fullmatch(lines[place]):
        return _behind_bio(lines, place + 1)
    return 0


def _behind_bio(lines: list[str], start: int) -> int:
    """Skip a song bio that ends in "… Read More" before the first section header, if there is one."""
    for place in range(start, min(len(lines), start + _MOST_BIO_LINES)):
        if is_header(lines[place]):
            break
        if len(lines[place]) <= _LONGEST_JUNK and _READ_MORE.fullmatch(lines[place]):
            return place + 1
    return start


def _next_text(lines: list[str], start: int) -> int:
    return next((place for place in range(start, len(lines)) if lines[place]), len(lines))


def _single_gaps(lines: list[str]) -> list[str]:
    lyric: list[str] = []
    for line in lines:
        if line or (lyric and lyric[-1]):
            lyric.append(line)
    while lyric and not lyric[-1]:
        lyric.pop()
    return lyric
