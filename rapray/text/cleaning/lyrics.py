"""Cleaning of a lyric as it comes off a page or from a caller: characters, blanks, and lines that are not lyric.

Knows no HTML and no source. A lyric may hold any of the words that page junk is made of, so a line goes only when
the whole of it has the form of junk and stands where that junk stands; nothing is ever cut at a word.
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
    """The lyric in NFC, its stanzas split by one empty line, without page junk. Idempotent, linear time.

    Args:
        raw: text as the page parser, a file or a caller gave it.
        title: the song's title where it is known; with it a first line "<title> Lyrics" is recognised anywhere.
    """
    lines = [line.strip() for line in composed(raw).split("\n")]
    lines = _without_page_junk(lines)
    start = _after_page_header(lines, title)
    return "\n".join(_single_gaps(lines[start:]))


def checked_lyrics(raw: str, max_chars: int) -> str:
    """The cleaned lyric, which has at least one letter or digit outside its headers and at most `max_chars` characters.

    Raises:
        EmptyLyrics: nothing is left that could be sung.
        LyricsTooLong: more than `max_chars` characters are left after cleaning.
    """
    lyrics = clean_lyrics(raw)
    if not any(any(map(str.isalnum, line)) for line in lyrics.split("\n") if not is_bracketed(line)):
        raise EmptyLyrics
    if len(lyrics) > max_chars:
        raise LyricsTooLong(length=len(lyrics), unit="characters", limit=max_chars)
    return lyrics


def _without_page_junk(lines: list[str]) -> list[str]:
    """Advertising lines out wherever they stand, the embed counter off the end. Read backwards, in one pass."""
    kept: list[str] = []
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
            kept.append(line)
            tickets_follow, at_end = tickets_follow and not line, at_end and not line
    return kept[::-1]


def _without_embed(line: str) -> str:
    """The last line without "12Embed" at its end; a line that is "Embed" alone goes as a whole."""
    end = len(line)
    while line.endswith("Embed", 0, end):
        digits_end = end - len("Embed")
        start = digits_end - (line.endswith("K", 0, digits_end))
        while start and (line[start - 1].isdecimal() or line[start - 1] == "."):
            start -= 1
        if start and not any(map(str.isdecimal, line[start:digits_end])):
            break  # a word: "Embed" needs its counter unless it is all there is
        end = start
    return line[:end].rstrip()


def _after_page_header(lines: list[str], title: str | None) -> int:
    """Where the lyric begins behind the header that the page puts above it."""
    start, titled = 0, f"{composed(title).strip()} Lyrics".casefold() if title else None
    while (end := _header_end(lines, _next_text(lines, start), titled)) > start:
        start = end
    return start


def _header_end(lines: list[str], start: int, titled: str | None) -> int:
    """The place behind one header that begins at `start`, or 0 where none does."""
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
    """Behind an optional translations menu and the "<title> Lyrics" line after it; 0 where that does not follow."""
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
    """Behind a song bio that ends in "… Read More", where one stands before the first section header."""
    for place in range(start, min(len(lines), start + _MOST_BIO_LINES)):
        if is_header(lines[place]):
            break
        if len(lines[place]) <= _LONGEST_JUNK and _READ_MORE.fullmatch(lines[place]):
            return place + 1
    return start


def _next_text(lines: list[str], start: int) -> int:
    return next((place for place in range(start, len(lines)) if lines[place]), len(lines))


def _single_gaps(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept
