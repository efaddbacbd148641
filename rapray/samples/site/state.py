"""The preloaded state of a page: JSON in a JavaScript string, the second place where a page keeps its lyrics.

Does not know the markup around it.
"""

from __future__ import annotations

import json
from typing import Any

from rapray.samples.site.api import (
    album_id,
    apple_music_id,
    relationships,
    release_components,
    stats,
    translations,
)
from rapray.samples.site.catalogue import ListedSong, Performer, slug


def preloaded_state(song: ListedSong, body_html: str | None, base_url: str) -> str:
    """The script's text: `window.__PRELOADED_STATE__ = JSON.parse('…');`.

    Args:
        song: What the page is about.
        body_html: The lyrics for `songPage.lyricsData.body.html`; None leaves `lyricsData` out, as old pages do.
        base_url: Of this site, without a slash at its end.
    """
    page: dict[str, Any] = {"song": song.sample.id, "path": song.new_path, "pinnedQuestions": []}
    page |= {"title": f"{song.author.name} – {song.sample.title} Lyrics", "trackingData": _tracking(song)}
    if body_html is not None:
        page["lyricsData"] = {
            "body": {"html": body_html, "children": [{"tag": "root", "children": []}]},
            "lyricsPlaceholderReason": song.placeholder,
            "referents": [],
        }
    state = {
        "currentPage": "songPage",
        "deviceType": "desktop",
        "songPage": page,
        "entities": _entities(song, base_url),
    }
    return f"window.__PRELOADED_STATE__ = JSON.parse('{js_escaped(json.dumps(state, ensure_ascii=False))}');"


def js_escaped(text: str) -> str:
    """The text as it stands between single quotes in a script: what ends a string or a script is escaped."""
    pairs = ("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("$", "\\$"), ("</", "<\\/"), ("\n", "\\n")
    for plain, escaped in (*pairs, ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(plain, escaped)
    return text


def _tracking(song: ListedSong) -> list[dict[str, Any]]:
    sample = song.sample
    values = {
        "Song ID": sample.id,
        "Title": sample.title,
        "Primary Artist": song.author.name,
        "Primary Artist ID": song.author.id,
        "Primary Album": sample.album,
        "Tag": "rap" if song.is_music else "non-music",
        "Music?": song.is_music,
        "Release Date": sample.release_date.isoformat(),
        "Lyrics Language": sample.language,
        "Package": None,
    }
    return [{"key": key, "value": value} for key, value in values.items()]


def _entities(song: ListedSong, base_url: str) -> dict[str, Any]:
    performers = {one.id: one for one in (song.primary, song.author, *song.featured)}
    tag = {"id": 1434, "name": "Rap"} if song.is_music else {"id": 9, "name": "Non-Music"}
    albums = {str(album_id(song)): {"id": album_id(song), "name": song.sample.album}}
    return {
        "artists": {str(one.id): _artist(one, base_url) for one in performers.values()},
        "albums": albums if song.sample.album else {},
        "tags": {str(tag["id"]): {"_type": "tag", "primary": True} | tag},
        "songs": {str(song.sample.id): _song(song, int(str(tag["id"])), base_url)},
    }


def _artist(performer: Performer, base_url: str) -> dict[str, Any]:
    url = f"{base_url}{performer.path}"
    return {
        "_type": "artist",
        "id": performer.id,
        "name": performer.name,
        "slug": slug(performer.name),
        "url": url,
    }


def _song(song: ListedSong, tag_id: int, base_url: str) -> dict[str, Any]:
    sample = song.sample
    guests = [guest.id for guest in song.featured]
    return {
        "_type": "song",
        "album": album_id(song) if sample.album else None,
        "apiPath": f"/songs/{sample.id}",
        "appleMusicId": apple_music_id(song),
        "explicit": sample.explicit,
        "featuredArtists": guests,
        "hidden": False,
        "id": sample.id,
        "instrumental": song.is_instrumental,
        "isMusic": song.is_music,
        "language": sample.language,
        "lyricsState": song.state,
        "path": song.new_path,
        "primaryArtist": song.author.id,
        "primaryArtists": [song.author.id],
        "primaryTag": tag_id,
        "producerArtists": [],
        "published": True,
        "releaseDate": sample.release_date.isoformat(),
        "releaseDateComponents": release_components(song),
        "songRelationships": _camel(relationships(song)),
        "spotifyUuid": song.spotify_id,
        "stats": _camel(stats(song)) | {"contributors": 3 + sample.id % 40},
        "tags": [tag_id],
        "title": sample.title,
        "translationSongs": translations(song),
        "url": f"{base_url}{song.new_path}",
        "writerArtists": [song.primary.id],
    }


def _camel(value: Any) -> Any:
    """The API's snake_case keys in the state's camelCase."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {_camel_key(str(key)): _camel(inner) for key, inner in value.items()}


def _camel_key(key: str) -> str:
    head, *rest = key.split("_")
    return head + "".join(part.capitalize() for part in rest)
