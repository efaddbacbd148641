"""A text that a caller hands in, as a lyric: stamps off, cleaned, split, hashed.

Knows no HTTP and no file: both ways in use it, so that both find the same.
"""

from __future__ import annotations

from rapray.domain import Lyric
from rapray.errors import LyricsTooLong
from rapray.text.cleaning.lyrics import checked_lyrics
from rapray.text.cleaning.synced import parse_lrc, timings_of
from rapray.text.fingerprint import content_hash, timed_hash
from rapray.text.language import detect_language
from rapray.text.sections import split_sections

_RAW_FACTOR = 4  # stamps and page junk; nothing that holds a lyric has more of them


def submitted_lyric(key: str, raw: str, max_chars: int, duration_s: float | None = None) -> Lyric:
    """The text as a lyric; where it is LRC, its lines have the times of their stamps.

    Args:
        key: the caller's name for it.
        raw: as it came, LRC or plain.
        max_chars: of the cleaned text.
        duration_s: of the song in seconds, where it is known.

    Raises:
        InvalidLyrics: empty or too long.
    """
    if len(raw) > _RAW_FACTOR * max_chars:  # before anything reads it: to clean it takes seconds
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
