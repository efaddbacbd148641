"""Reads a Genius song page: bytes in, outcome and song out.

Does not know where the page came from: no HTTP, no database. Takes time linear in the page and raises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bs4 import BeautifulSoup
from bs4.dammit import EncodingDetector
from bs4.exceptions import ParserRejectedMarkup

from rapray.domain import Outcome, Section
from rapray.sources.genius.fields import markup
from rapray.sources.genius.lyrics import SongElements, placeholder_message, printed_lyrics
from rapray.sources.genius.outcome import decide, is_challenge
from rapray.sources.genius.song import Song, read_song
from rapray.sources.genius.state import find_state
from rapray.text.cleaning.lyrics import clean_lyrics
from rapray.text.sections import split_sections

_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """What a page holds. `lyrics` is set exactly where `outcome` is LYRICS, and then has words.

    `layout` says where the lyrics stood: "container", "class", "oldest" or "state". `identifiers` may have
    "spotify_id", "apple_music_id" and "isrc". Everything but the outcome may be missing.
    """

    outcome: Outcome
    detail: str = ""
    song_id: str | None = None
    title: str | None = None
    artist: str | None = None
    artist_id: str | None = None
    url: str | None = None
    lyrics: str | None = None
    sections: tuple[Section, ...] = ()
    layout: str | None = None
    language: str | None = None
    album: str | None = None
    release_date: date | None = None
    release_year: int | None = None
    is_explicit: bool | None = None
    featured: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    identifiers: Mapping[str, str] = field(default_factory=dict[str, str])


def parse_page(body: str | bytes, url: str | None = None) -> ParsedPage:
    """The song of one page.

    Args:
        body: The page as text, or as it came.
        url: Where it was read, if known; a challenge page may give itself away by it.

    Returns:
        A page that is not understood has the outcome UNPARSABLE, never empty lyrics.
    """
    html, is_broken = (body, False) if isinstance(body, str) else _decoded(body)
    html = markup(html)
    try:
        soup = BeautifulSoup(html, "lxml", parse_only=SongElements())
    except (ParserRejectedMarkup, ValueError, AssertionError) as error:
        return ParsedPage(Outcome.UNPARSABLE, f"not HTML: {error}"[:300], url=url)
    state = _state(soup)
    song = read_song(state, soup)
    printed = printed_lyrics(soup, song.lyrics_html)
    placeholder = placeholder_message(soup)
    if printed is None and not placeholder and not state.get("songPage"):
        return _not_a_song_page(html, url)
    text = clean_lyrics(printed.text, song.title) if printed else None
    outcome, detail = decide(song, text, printed is not None and printed.has_image, placeholder)
    if outcome is Outcome.LYRICS and is_broken and _REPLACEMENT in (text or ""):
        # Stored, these bytes would be wrong letters for ever; the next attempt may get the page whole.
        outcome, detail = Outcome.UNPARSABLE, "the lyrics are not valid UTF-8"
    lyrics = text if outcome is Outcome.LYRICS else None
    layout = printed.layout if printed else None
    return _parsed(song, (outcome, detail), lyrics=lyrics, layout=layout, url=url)


def _parsed(
    song: Song, verdict: tuple[Outcome, str], *, lyrics: str | None, layout: str | None, url: str | None
) -> ParsedPage:
    return ParsedPage(
        *verdict,
        song_id=song.song_id,
        title=song.title,
        artist=song.artist,
        artist_id=song.artist_id,
        url=song.url or url,
        lyrics=lyrics,
        sections=split_sections(lyrics) if lyrics else (),
        layout=layout if lyrics else None,
        language=song.language,
        album=song.album,
        release_date=song.release_date,
        release_year=song.release_year,
        is_explicit=song.is_explicit,
        featured=song.featured,
        writers=song.writers,
        producers=song.producers,
        identifiers=song.identifiers,
    )


def _not_a_song_page(html: str, url: str | None) -> ParsedPage:
    if is_challenge(html, url):
        return ParsedPage(Outcome.BLOCKED, "the page asks for a human", url=url)
    return ParsedPage(Outcome.UNPARSABLE, "not a song page", url=url)


def _state(soup: BeautifulSoup) -> Mapping[str, Any]:
    for script in soup.find_all("script"):
        text = str(script.string or "") if script.string else ""
        if "__PRELOADED_STATE__" in text:
            state = find_state(text)
            if state is not None:
                return state
    return {}


def _decoded(body: bytes) -> tuple[str, bool]:
    """The text, and whether bytes had to be replaced. UTF-8 first, for that is what the site sends."""
    declared = EncodingDetector.find_declared_encoding(body[:4096], is_html=True)
    for encoding in ("utf-8-sig", declared):
        try:
            return body.decode(encoding or "utf-8-sig"), False
        except (UnicodeError, LookupError, ValueError):
            continue
    return body.decode("utf-8", "replace"), True
