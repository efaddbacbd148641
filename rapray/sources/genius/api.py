"""The Genius API: search, artists, an artist's songs.

Does not know pages or lyrics, which the API does not give. Answers are read without trust in their form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from rapray.errors import SourceAuthError, SourceError, SourceUnavailable
from rapray.sources.genius.fields import mapping, number, sequence
from rapray.sources.http import Answer, HttpClient

SOURCE = "genius"
PAGE_SIZE = 50  # the most that the API gives
# 100,000 songs: no artist has them, a list without end would.
_MAX_PAGES = 2000
_TOKEN = re.compile(r"[\x21-\x7e]+")


class GeniusApi:
    """Calls the API at `base` with a client access token.

    Raises:
        SourceAuthError: From each call, where the token is missing, cannot be sent or is refused.
        SourceUnavailable: From each call, where the API does not answer after all repeats.
        SourceError: From each call, where the answer is not in the form that the API documents.
    """

    def __init__(self, http: HttpClient, base: str, token: SecretStr | None) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._token = token

    def search(self, query: str, page: int = 1) -> list[Mapping[str, Any]]:
        """The songs found, best first, one page of at most 20."""
        found = self._response("/search", {"q": query, "per_page": "20", "page": str(page)})
        results = (mapping(mapping(hit).get("result")) for hit in sequence(mapping(found).get("hits")))
        return [result for result in results if result]

    def artist(self, artist_id: int) -> Mapping[str, Any] | None:
        """The artist, None where there is none with this id."""
        found = self._response(f"/artists/{artist_id}")
        return None if found is None else mapping(found.get("artist"))

    def artist_songs(self, artist_id: int) -> Iterator[Mapping[str, Any]]:
        """Every song that names the artist, features included, in order of title: popularity shifts while one pages."""
        page: int | None = 1
        while page is not None:
            found = self._response(
                f"/artists/{artist_id}/songs",
                {"sort": "title", "per_page": str(PAGE_SIZE), "page": str(page)},
            )
            if found is None:
                raise SourceError(source=SOURCE, reason=f"no songs of artist {artist_id} (404)")
            yield from (mapping(song) for song in sequence(found.get("songs")))
            page = _next_page(found, page)

    def _response(self, path: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any] | None:
        """What the envelope holds, None for 404."""
        answer = self._http.get(self._base + path, params=params, bearer=self._checked_token())
        envelope = self._envelope(answer)
        if envelope is None:
            return None
        response = envelope.get("response")
        if not isinstance(response, dict):
            raise SourceError(source=SOURCE, reason=f"{path} answered without a response object")
        return mapping(response)

    def _envelope(self, answer: Answer) -> Mapping[str, Any] | None:
        content = _json(answer.body)
        # The API has answered 200 with an error in the envelope.
        meta_status = number(mapping(mapping(content).get("meta")).get("status"))
        status = answer.status if answer.status != 200 or meta_status is None else meta_status
        if status in {401, 403}:
            raise SourceAuthError(source=SOURCE, status=status, setting="RAPRAY_GENIUS__TOKEN")
        if answer.problem is not None or status is None or status == 429 or status >= 500:
            reason = answer.detail or f"status {status}"
            raise SourceUnavailable(source=SOURCE, address=self._base, reason=reason)
        if status == 404:
            return None
        if status != 200 or not isinstance(content, dict):
            raise SourceError(
                source=SOURCE, reason=f"status {status}, and not the JSON that the API documents"
            )
        return mapping(content)

    def _checked_token(self) -> SecretStr:
        """A token with a line break would make the HTTP library print it in its complaint."""
        if self._token is None or not _TOKEN.fullmatch(self._token.get_secret_value()):
            status = (
                "no token is set" if self._token is None else "the token has characters that cannot be sent"
            )
            raise SourceAuthError(source=SOURCE, status=status, setting="RAPRAY_GENIUS__TOKEN")
        return self._token


def _next_page(found: Mapping[str, Any], page: int) -> int | None:
    following = found.get("next_page")
    if following is None:
        return None
    known = number(following)
    if known is None or known <= page or known > _MAX_PAGES:
        raise SourceError(
            source=SOURCE, reason=f"page {page} of a list is followed by page {str(following)[:40]}"
        )
    return known


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
