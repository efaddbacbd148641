"""Genius as a source: artists and song lists from its API, lyrics from its pages.

Does not know where songs are kept or who else is fetching; the limiter it is given does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from rapray.cache import RateLimiter
from rapray.config import GeniusSettings
from rapray.domain import Artist, FetchResult, Outcome, SongRef, Track
from rapray.errors import SourceArtistNotFound
from rapray.net.address import Site, parse_url
from rapray.sources.base import Discovery
from rapray.sources.genius.api import SOURCE, GeniusApi
from rapray.sources.genius.fields import mapping, name, number
from rapray.sources.genius.outcome import is_challenge
from rapray.sources.genius.page import ParsedPage, parse_page
from rapray.sources.http import Answer, HttpClient, HttpLimits, Problem
from rapray.sources.robots import Robots
from rapray.telemetry import logger
from rapray.text.fingerprint import content_hash
from rapray.text.fold import folded
from rapray.text.language import detect_language

log = logger(__name__)

_SEARCH_PAGES = 3
_NEAR_NAMES = 5
# The most fetchers that the settings allow may queue for one host; a longer wait is not a queue but a block.
_LONGEST_QUEUE = 1024
_PROBLEMS = {
    Problem.UNREACHABLE: Outcome.UNREACHABLE,
    Problem.TOO_LARGE: Outcome.TOO_LONG,
    Problem.FOREIGN_ADDRESS: Outcome.BLOCKED,
    Problem.TOO_MANY_REDIRECTS: Outcome.SERVER_ERROR,
    Problem.HOST_BLOCKED: Outcome.THROTTLED,
    Problem.DISALLOWED: Outcome.DISALLOWED,
    Problem.RULES_UNREADABLE: Outcome.UNREACHABLE,
}
_STATUSES = {
    401: Outcome.BLOCKED,
    403: Outcome.BLOCKED,
    404: Outcome.NOT_FOUND,
    408: Outcome.UNREACHABLE,
    410: Outcome.NOT_FOUND,
    429: Outcome.THROTTLED,
    451: Outcome.BLOCKED,
}


class GeniusSource:
    """One worker's view of Genius.

    Args:
        settings: The section `genius`.
        limiter: The budget shared by all workers.
        sleep: Waits this many seconds; tests put their own here.

    Raises:
        ConfigError: No contact is set and the addresses are not on this machine.
    """

    name = SOURCE

    def __init__(
        self, settings: GeniusSettings, limiter: RateLimiter, sleep: Callable[[float], None] | None = None
    ) -> None:
        limits = HttpLimits(
            timeout_s=settings.timeout_s,
            max_body_bytes=settings.max_body_bytes,
            max_retries=settings.max_retries,
            max_retry_wait_s=settings.max_retry_wait_s,
            patience_s=settings.max_retry_wait_s + _LONGEST_QUEUE / settings.requests_per_second,
        )
        sites = [settings.api_url, settings.web_url]
        waits = {"sleep": sleep} if sleep else {}
        self._http = HttpClient(sites, limiter=limiter, contact=settings.contact, limits=limits, **waits)
        self._api = GeniusApi(self._http, settings.api_url, settings.token)
        self._web = Site(settings.web_url)
        self._robots = Robots(self._http) if settings.respect_robots else None

    def find_artist(self, name_or_id: str) -> Artist:
        """The artist with this id (digits), or whose name is the same but for case, accents and punctuation.

        Raises:
            SourceArtistNotFound: There is none; names the nearest that the search found.
            SourceError: The API could not be asked.
        """
        artist_id = number(name_or_id.strip())
        if artist_id is not None:
            artist = _artist(self._api.artist(artist_id) or {})
            if artist is None:
                raise SourceArtistNotFound(source=SOURCE, artist=name_or_id, near="")
            return artist
        return self._find_by_name(name_or_id)

    def _find_by_name(self, wanted: str) -> Artist:
        seen: Counter[Artist] = Counter()
        for page in range(1, _SEARCH_PAGES + 1):
            songs = self._api.search(wanted, page)
            seen.update(artist for song in songs for artist in _artists_of(song))
            # most_common keeps the order of the search where counts are equal
            for artist, _ in seen.most_common():
                if _folded(artist.name) == _folded(wanted):
                    return artist
            if not songs:
                break
        nearest = ", ".join(
            f"{artist.name} ({artist.source_id})" for artist, _ in seen.most_common(_NEAR_NAMES)
        )
        near = f"; near it: {nearest}" if nearest else ""
        raise SourceArtistNotFound(source=SOURCE, artist=wanted, near=near)

    def discover(self, artist: Artist) -> Iterator[Discovery]:
        """Every song of the artist, once each; those of others that he is featured on are marked.

        Raises:
            SourceError: The list could not be read to its end.
        """
        seen: set[str] = set()
        for song in self._api.artist_songs(int(artist.source_id)):
            ref = self._ref(song)
            if ref is None:
                log.warning(
                    "song_entry_unreadable", artist_id=artist.source_id, song_id=str(song.get("id"))[:40]
                )
            elif ref.source_id not in seen:
                seen.add(ref.source_id)
                yield Discovery(ref, is_feature=ref.artist.source_id != artist.source_id)

    def _ref(self, song: Mapping[str, Any]) -> SongRef | None:
        song_id, artist = number(song.get("id")), _artist(mapping(song.get("primary_artist")))
        url = self._page_url(song)
        if song_id is None or artist is None or url is None:
            return None
        return SongRef(SOURCE, str(song_id), url, name(song.get("title")) or "", artist)

    def _page_url(self, song: Mapping[str, Any]) -> str | None:
        """The page's address, on the configured site alone: an API answer must not send us anywhere else."""
        url = parse_url(str(song.get("url") or ""))
        if url is not None and self._web.holds(url):
            return str(url)
        path = song.get("path")
        if not isinstance(path, str) or not path.startswith("/"):
            return None
        url = parse_url(str(self._web.base).rstrip("/") + path)
        return str(url) if url is not None and self._web.holds(url) else None

    def fetch(self, ref: SongRef) -> FetchResult:
        """Reads one song page."""
        url = parse_url(ref.url)
        if url is None or not self._web.holds(url):
            return FetchResult(ref, Outcome.DISALLOWED, detail=f"{ref.url[:200]} is not on {self._web.base}")
        judge = self._robots.objection if self._robots else None
        return self._result(ref, self._http.get(str(url), judge=judge))

    def _result(self, ref: SongRef, answer: Answer) -> FetchResult:
        result = FetchResult(
            ref,
            Outcome.UNPARSABLE,
            http_status=answer.status,
            final_url=answer.url,
            etag=answer.headers.get("etag"),
            retry_after_s=answer.retry_after_s,
        )
        failure = _failure(answer)
        if failure is not None:
            return replace(result, outcome=failure[0], detail=failure[1])
        page = parse_page(answer.body, answer.url)
        track = _track(ref, page, answer.url) if page.outcome is Outcome.LYRICS else None
        return replace(result, outcome=page.outcome, detail=page.detail, track=track)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


def _failure(answer: Answer) -> tuple[Outcome, str] | None:
    """Why there is no page to read, None where there is one."""
    if answer.problem is Problem.DISALLOWED and is_challenge("", answer.url):
        return (
            Outcome.BLOCKED,
            f"sent to {answer.url}",
        )  # robots.txt closes the captcha: the song is not closed
    if answer.problem is not None:
        return _PROBLEMS[answer.problem], answer.detail
    status = answer.status or 0
    if status == 200:
        return None
    detail = f"status {status}"
    if is_challenge(answer.body.decode("utf-8", "replace"), answer.url) and status not in {404, 410, 429}:
        return Outcome.BLOCKED, f"{detail}, and the page asks for a human"
    return _STATUSES.get(status, Outcome.SERVER_ERROR), detail


def _track(ref: SongRef, page: ParsedPage, url: str) -> Track:
    """The song's id is the reference's, also where the page has moved."""
    lyrics = page.lyrics or ""
    return Track(
        source=ref.source,
        source_id=ref.source_id,
        title=ref.title or page.title or "",
        artist=ref.artist,
        lyrics=lyrics,
        sections=page.sections,
        content_hash=content_hash(lyrics),
        url=url,
        featured=page.featured,
        language=page.language or detect_language(lyrics),
        album=page.album,
        release_date=page.release_date,
        release_year=page.release_year,
        is_explicit=page.is_explicit,
        identifiers=page.identifiers,
    )


def _artists_of(song: Mapping[str, Any]) -> list[Artist]:
    others = song.get("featured_artists")
    found = [song.get("primary_artist"), *(others if isinstance(others, list) else [])]
    return [artist for entry in found if (artist := _artist(mapping(entry)))]


def _artist(entry: Mapping[str, Any]) -> Artist | None:
    artist_id, known = number(entry.get("id")), name(entry.get("name"))
    return Artist(SOURCE, str(artist_id), known, name(entry.get("url"))) if artist_id and known else None


def _folded(text: str) -> str:
    """The name without case, accents, punctuation and blanks: "JAŸ-Z" is "jayz"."""
    return re.sub(r"[\W_]+", "", folded(text)) or text.strip()
