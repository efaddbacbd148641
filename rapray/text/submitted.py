"""A caller's text as a lyric: time stamps read, page junk removed, sections split, words hashed.

HTTP requests and files both come through here, so that both give the same result.
"""

from __future__ import annotations

from rapray.domain import Lyric
from rapray.errors import LyricsTooLong
from rapray.text.cleaning.lyrics import checked_lyrics
from rapray.text.cleaning.synced import parse_lrc, timings_of
from rapray.text.fingerprint import content_hash, timed_hash
from rapray.text.language import detect_language
from rapray.text.sections import split_sections

_RAW_FACTOR = 4  # room for stamps and page junk; no real lyric has more of them


def submitted_lyric(key: str, raw: str, max_chars: int, duration_s: float | None = None) -> Lyric:
    """Make a lyric of a caller's text; the lines of an LRC file have the times of their stamps.

    Args:
        key: The caller's name for the text.
        raw: The text, LRC or plain.
        max_chars: The longest text to accept, in characters after cleaning.
        duration_s: The length of the song in seconds, if available.

    Raises:
        InvalidLyrics: The text is empty or too long.
    """
    if len(raw) > _RAW_FACTOR * max_chars:  # before cleaning, which would take seconds
        raise LyricsTooLong(length=len(raw), unit="characters", limit=max_chars)
    synced = parse_lrc(raw)
    lyrics = checked_lyrics(raw if synced is None else "\n".join(line.text for line in synced), max_chars)
    sections = split_sections(lyrics)
    timings = timings_of(synced or (), sections)
    timings = timings if any(timings) else ()
    return Lyric(
        key=key,
        lyrics=lyrics,
        sections=sections,
        content_hash=timed_hash(content_hash(lyrics), timings, duration_s),
        language=detect_language(lyrics),
        timings=timings,
        duration_s=duration_s,
    )
