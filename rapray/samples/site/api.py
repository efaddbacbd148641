"""The API half of the site: search, artists, their songs, one song, in Genius' envelope.

Does not know pages, and gives no lyrics: the real API has none either.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from rapray.samples.site.answers import Answer, api_error, envelope
from rapray.samples.site.catalogue import Catalogue, ListedSong, Performer, slug
from rapray.samples.site.faults import Fault

MOST_PER_PAGE = 50
_DEFAULT_PER_PAGE = {"search": 10, "songs": 20}
_MONTHS = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "Jun.", "Jul.", "Aug.", "Sep.", "Oct.", "Nov.", "Dec.")


class Api:
    """Answers GET requests below `/api`."""

    def __init__(self, catalogue: Catalogue, base_url: str, token: str) -> None:
        self._catalogue = catalogue
        self._base = base_url
        self._token = token

    def answer(self, path: str, query: str, authorization: str) -> Answer:
        """The answer for a path below `/api`.

        Args:
            path: Without `/api`, such as `/songs/100101`.
            query: The undecoded query string.
            authorization: The header's value, or "".
        """
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return api_error(
                401, "This call requires an access_token. Please see: https://genius.com/developers"
            )
        given = {name: values[-1] for name, values in parse_qs(query).items()}
        match path.strip("/").split("/"):
            case ["search"]:
                return self._search(given)
            case ["artists", number]:
                return self._artist(number)
            case ["artists", number, "songs"]:
                return self._songs(number, given)
            case ["songs", number]:
                return self._song(number, given)
            case _:
                return api_error(404, "Not found")

    def _search(self, given: Mapping[str, str]) -> Answer:
        songs, _ = _page(self._catalogue.found(given.get("q", "")), given, "search")
        hits = [
            {"highlights": [], "index": "song", "type": "song", "result": self._listed(song)}
            for song in songs
        ]
        return envelope({"hits": hits})

    def _artist(self, number: str) -> Answer:
        performer = self._performer(number)
        if performer is None:
            return api_error(404, "Artist not found")
        detail = {"alternate_names": [], "followers_count": performer.id % 900, "description": {"plain": "?"}}
        return envelope({"artist": self._credit(performer) | detail})

    def _songs(self, number: str, given: Mapping[str, str]) -> Answer:
        performer = self._performer(number)
        if performer is None:
            return api_error(404, "Artist not found")
        songs = self._catalogue.songs_of(performer.id)
        if given.get("sort") == "popularity":
            songs.sort(key=lambda song: -song.pageviews)
        shown, next_page = _page(songs, given, "songs")
        return envelope({"songs": [self._listed(song) for song in shown], "next_page": next_page})

    def _song(self, number: str, given: Mapping[str, str]) -> Answer:
        song = self._catalogue.songs.get(int(number)) if _is_id(number) else None
        if song is None:
            return api_error(404, "Song not found")
        form = given.get("text_format", "dom")
        return envelope({"song": self._listed(song, page=True) | self._detail(song, form)})

    def _performer(self, number: str) -> Performer | None:
        return self._catalogue.performers.get(int(number)) if _is_id(number) else None

    def _credit(self, performer: Performer) -> dict[str, Any]:
        return {
            "_type": "artist",
            "api_path": f"/artists/{performer.id}",
            "id": performer.id,
            "image_url": f"{self._base}/images/{performer.id}.png",
            "is_meme_verified": False,
            "is_verified": False,
            "name": performer.name,
            "slug": slug(performer.name),
            "url": f"{self._base}{performer.path}",
        }

    def _listed(self, song: ListedSong, *, page: bool = False) -> dict[str, Any]:
        sample, primary = song.sample, song.author if page else song.primary
        path = song.new_path if page else song.path
        guests = " (Ft. " + ", ".join(guest.name for guest in song.featured) + ")" if song.featured else ""
        return {
            "_type": "song",
            "annotation_count": sample.id % 7,
            "api_path": f"/songs/{sample.id}",
            "artist_names": f"{primary.name}{guests}",
            "featured_artists": [self._credit(guest) for guest in song.featured],
            "full_title": f"{sample.title} by {primary.name}{guests}",
            "header_image_url": f"{self._base}/images/{sample.id}.png",
            "id": sample.id,
            "instrumental": song.is_instrumental,
            "lyrics_owner_id": 1,
            "lyrics_state": song.state,
            "path": path,
            "primary_artist": self._credit(primary),
            "primary_artists": [self._credit(primary)],
            "pyongs_count": None,
            "relationships_index_url": f"{self._base}{path.removesuffix('-lyrics')}-sample",
            "release_date_components": release_components(song),
            "release_date_for_display": _display_date(song),
            "stats": stats(song),
            "title": sample.title,
            "title_with_featured": f"{sample.title}{guests}",
            "url": f"{self._base}{path}",
        }

    def _detail(self, song: ListedSong, form: str) -> dict[str, Any]:
        sample = song.sample
        return {
            "album": self._album(song),
            "apple_music_id": apple_music_id(song),
            "description": {form: "?"},
            "embed_content": f"<div id='rg_embed_link_{sample.id}'>Read “{sample.title}” on Genius</div>",
            "explicit": sample.explicit,
            "language": sample.language,
            "lyrics_marked_complete_by": None,
            "media": self._media(song),
            "producer_artists": [],
            "recording_location": None,
            "release_date": sample.release_date.isoformat(),
            "song_relationships": relationships(song),
            "translation_songs": translations(song),
            "writer_artists": [self._credit(song.primary)],
        }

    def _album(self, song: ListedSong) -> dict[str, Any] | None:
        name = song.sample.album
        if name is None:
            return None
        path = f"/albums/{slug(song.primary.name)}/{slug(name)}"
        return {
            "_type": "album",
            "api_path": f"/albums/{album_id(song)}",
            "artist": self._credit(song.primary),
            "full_title": f"{name} by {song.primary.name}",
            "id": album_id(song),
            "name": name,
            "url": f"{self._base}{path}",
        }

    def _media(self, song: ListedSong) -> list[dict[str, Any]]:
        video = {"provider": "youtube", "start": 0, "type": "video", "url": f"{self._base}/watch"}
        if song.spotify_id is None:
            return [video]
        uri = f"spotify:track:{song.spotify_id}"
        address = f"https://open.spotify.com/track/{song.spotify_id}"
        return [{"native_uri": uri, "provider": "spotify", "type": "audio", "url": address}, video]


def release_components(song: ListedSong) -> dict[str, int]:
    """Year, month and day in the form of the API and of the preloaded state."""
    released = song.sample.release_date
    return {"year": released.year, "month": released.month, "day": released.day}


def stats(song: ListedSong) -> dict[str, Any]:
    """Made-up readership."""
    return {"unreviewed_annotations": 0, "hot": False, "pageviews": song.pageviews}


def album_id(song: ListedSong) -> int:
    """One id a name and artist, stable over runs."""
    return song.primary.id * 1000 + sum((song.sample.album or "").encode()) % 1000


def apple_music_id(song: ListedSong) -> str | None:
    """A made-up id for recordings that have an ISRC."""
    return str(1_700_000_000 + song.sample.id) if song.sample.isrc else None


def translations(song: ListedSong) -> list[dict[str, Any]]:
    """The translations that a song in another language has: it is the original and no translation itself."""
    if song.sample.language == "en" or song.fault:
        return []
    return [{"id": song.sample.id + 9_000_000, "language": "en", "title": f"{song.sample.title} (English)"}]


def relationships(song: ListedSong) -> list[dict[str, Any]]:
    """Both ends of a translation, as the API lists them."""
    origins = [{"id": 101002, "language": "es"}] if song.fault is Fault.TRANSLATION else []
    return [
        {"relationship_type": "samples", "type": "samples", "songs": []},
        {"relationship_type": "translation_of", "type": "translation_of", "songs": origins},
        {"relationship_type": "translations", "type": "translations", "songs": translations(song)},
    ]


def _display_date(song: ListedSong) -> str:
    released = song.sample.release_date
    return f"{_MONTHS[released.month - 1]} {released.day}, {released.year}"


def _page(
    songs: Sequence[ListedSong], given: Mapping[str, str], kind: str
) -> tuple[Sequence[ListedSong], int | None]:
    size = min(_number(given.get("per_page"), _DEFAULT_PER_PAGE[kind]), MOST_PER_PAGE)
    page = _number(given.get("page"), 1)
    shown = songs[(page - 1) * size : page * size]
    return shown, page + 1 if page * size < len(songs) else None


def _number(given: str | None, default: int) -> int:
    return max(1, int(given)) if given and _is_id(given) else default


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12
