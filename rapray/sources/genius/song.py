"""What a page says about its song: from the preloaded state, else from the page's own head.

Does not know the lyrics, nor what any of this means for the outcome.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bs4 import BeautifulSoup, Tag

from rapray.sources.genius.fields import first, flag, mapping, markup, name, number, sequence

_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_].*)?")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_IDENTIFIER = re.compile(r"[\w-]{1,64}", re.ASCII)
_SONG_ADDRESS = re.compile(r"/songs/(\d{1,18})\b", re.ASCII)
_TITLE_TAIL = re.compile(r"\s+Lyrics(?:\s*\|.*)?$|\s*\|\s*Genius(?: Lyrics)?$")
_ARTIST_DASH_TITLE = re.compile(r"(.+?)\s+[–—-]\s+(.+)")


@dataclass(frozen=True, slots=True)
class Song:
    """Each field is None or empty where the page does not say it."""

    song_id: str | None = None
    title: str | None = None
    artist: str | None = None
    artist_id: str | None = None
    url: str | None = None
    album: str | None = None
    release_date: date | None = None
    release_year: int | None = None
    language: str | None = None
    is_explicit: bool | None = None
    is_music: bool | None = None
    is_instrumental: bool | None = None
    lyrics_state: str | None = None
    placeholder: str | None = None
    lyrics_html: str | None = None
    tags: tuple[str, ...] = ()
    featured: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    identifiers: Mapping[str, str] = field(default_factory=dict[str, str])


def read_song(state: Mapping[str, Any], head: BeautifulSoup) -> Song:
    """The song of the page; the state's word counts before the head's."""
    page = mapping(state.get("songPage"))
    tracking = _tracking(page)
    entities = mapping(state.get("entities"))
    song_id = number(page.get("song")) or number(tracking.get("Song ID")) or _id_in_head(head)
    song = _entity(entities, "songs", song_id) or _only(mapping(entities.get("songs")))
    song_id = song_id or number(song.get("id"))
    artist = _artist(entities, song)
    head_artist, head_title = _names_in_head(head)
    released = _release(song, tracking)
    lyrics = mapping(page.get("lyricsData"))
    tag_ids = sequence(first(song, "tags")) or [first(song, "primaryTag")]
    return Song(
        song_id=str(song_id) if song_id else None,
        title=name(song.get("title")) or name(tracking.get("Title")) or head_title,
        artist=name(artist.get("name")) or name(tracking.get("Primary Artist")) or head_artist,
        artist_id=_text(number(artist.get("id")) or number(tracking.get("Primary Artist ID"))),
        url=name(song.get("url")) or _canonical(head),
        album=_album(entities, song) or name(tracking.get("Primary Album")),
        release_date=_as_date(*released),
        release_year=released[0],
        language=_language(song.get("language")) or _language(tracking.get("Lyrics Language")),
        is_explicit=flag(first(song, "explicit", "explicitContent", "explicitLyrics")),
        is_music=_either(flag(song.get("isMusic")), flag(tracking.get("Music?"))),
        is_instrumental=flag(song.get("instrumental")),
        lyrics_state=name(song.get("lyricsState")),
        placeholder=name(first(lyrics, "lyricsPlaceholderReason") or song.get("lyricsPlaceholderReason")),
        lyrics_html=_lyrics_html(lyrics),
        tags=tuple(_names(entities, "tags", tag_ids)),
        featured=tuple(_names(entities, "artists", song.get("featuredArtists"))),
        writers=tuple(_names(entities, "artists", song.get("writerArtists"))),
        producers=tuple(_names(entities, "artists", song.get("producerArtists"))),
        identifiers=_identifiers(song),
    )


def _tracking(page: Mapping[str, Any]) -> Mapping[str, Any]:
    """`trackingData` is a list of {"key", "value"}; older pages have an object."""
    pairs = page.get("trackingData")
    if isinstance(pairs, dict):
        return mapping(pairs)
    return {str(mapping(pair).get("key")): mapping(pair).get("value") for pair in sequence(pairs)}


def _entity(entities: Mapping[str, Any], kind: str, reference: object) -> Mapping[str, Any]:
    """A reference is an id to look up, or the object itself."""
    if isinstance(reference, dict):
        return mapping(reference)
    known = number(reference)
    return mapping(mapping(entities.get(kind)).get(str(known))) if known else {}


def _only(songs: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(next(iter(songs.values()))) if len(songs) == 1 else {}


def _artist(entities: Mapping[str, Any], song: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = song.get("primaryArtist")
    if reference is None:
        reference = next(iter(sequence(song.get("primaryArtists"))), None)
    return _entity(entities, "artists", reference) or {
        "id": reference,
        "name": song.get("primaryArtistNames"),
    }


def _album(entities: Mapping[str, Any], song: Mapping[str, Any]) -> str | None:
    return name(_entity(entities, "albums", song.get("album")).get("name"))


def _names(entities: Mapping[str, Any], kind: str, references: object) -> list[str]:
    named = (name(_entity(entities, kind, reference).get("name")) for reference in sequence(references))
    return list(dict.fromkeys(known for known in named if known))


def _release(
    song: Mapping[str, Any], tracking: Mapping[str, Any]
) -> tuple[int | None, int | None, int | None]:
    """Year, month and day, each as far as known."""
    parts = mapping(song.get("releaseDateComponents"))
    year = number(parts.get("year"))
    if year and 1000 <= year <= 9999:
        return year, number(parts.get("month")), number(parts.get("day"))
    written = first(song, "releaseDate") or tracking.get("Release Date")
    match = re.match(r"(\d{4})(?:-(\d{2})-(\d{2}))?", written, re.ASCII) if isinstance(written, str) else None
    if match is None or not number(match[1]):
        return None, None, None
    return number(match[1]), number(match[2]), number(match[3])


def _as_date(year: int | None, month: int | None, day: int | None) -> date | None:
    if not (year and month and day):
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _identifiers(song: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in (
        ("spotify_id", first(song, "spotifyUuid", "spotifyId")),
        ("apple_music_id", first(song, "appleMusicId")),
    ):
        text = str(value).removeprefix("spotify:track:") if isinstance(value, str | int) else ""
        if _IDENTIFIER.fullmatch(text):
            found[key] = text
    isrc = str(song.get("isrc") or "").upper().replace("-", "")
    return found | ({"isrc": isrc} if _ISRC.fullmatch(isrc) else {})


def _language(value: object) -> str | None:
    match = _LANGUAGE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    return match[1] if match else None


def _lyrics_html(lyrics: Mapping[str, Any]) -> str | None:
    body = lyrics.get("body")
    html = body if isinstance(body, str) else mapping(body).get("html")
    return markup(html) if isinstance(html, str) and html.strip() else None


def _either(one: bool | None, other: bool | None) -> bool | None:
    return other if one is None else one


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _canonical(head: BeautifulSoup) -> str | None:
    link = head.find("link", rel="canonical")
    return name(link.get("href")) if isinstance(link, Tag) else _meta(head, "og:url")


def _id_in_head(head: BeautifulSoup) -> int | None:
    """Apps are pointed to the song by `genius://songs/ID`, whatever the layout."""
    for meta in head.find_all("meta"):
        match = _SONG_ADDRESS.search(str(meta.get("content") or ""))
        if match:
            return number(match[1])
    return None


def _names_in_head(head: BeautifulSoup) -> tuple[str | None, str | None]:
    """Artist and title from "Artist – Title" in `og:title` or `<title>`; the heading names the title alone."""
    heading = head.find("h1")
    title = name(heading.get_text(" ")) if isinstance(heading, Tag) else None
    printed = _meta(head, "og:title")
    if printed is None and isinstance(head.title, Tag):
        printed = name(head.title.get_text(" "))
    match = _ARTIST_DASH_TITLE.fullmatch(_TITLE_TAIL.sub("", printed)) if printed else None
    title = _TITLE_TAIL.sub("", title) if title else None
    return (match[1], title or match[2]) if match else (None, title)


def _meta(head: BeautifulSoup, key: str) -> str | None:
    meta = head.find("meta", property=key) or head.find("meta", attrs={"name": key})
    return name(meta.get("content")) if isinstance(meta, Tag) else None
