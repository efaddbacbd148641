"""Decides what a request gets: an API answer, a page, or the trouble that the page's fault stands for.

Does not know sockets. Recovering faults are counted here, one count a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from rapray.samples.site import answers
from rapray.samples.site.answers import Answer, Delivery
from rapray.samples.site.api import Api
from rapray.samples.site.catalogue import Catalogue, ListedSong, digest
from rapray.samples.site.faults import Fault, FirstTimes
from rapray.samples.site.pages import artist_page, index_page, robots_txt, song_page

_RETRY_AFTER_S = 1


def _noise(seed: str) -> bytes:
    return b"".join(digest(f"{seed} {number}") for number in range(64))


_ALWAYS = {
    Fault.NOT_FOUND: answers.not_found(),
    Fault.FORBIDDEN: answers.forbidden(),
    Fault.CAPTCHA: answers.challenge(),
    Fault.THROTTLED: answers.throttled(_RETRY_AFTER_S),
    Fault.ERROR: answers.server_error(),
}
_RECOVERING = {Fault.THROTTLED_ONCE, Fault.THROTTLED_ONCE_BARE, Fault.ERROR_ONCE}
_DELIVERIES = {
    Fault.TRUNCATED: Delivery.TRUNCATED,
    Fault.TRUNCATED_ONCE: Delivery.TRUNCATED,
    Fault.SLOW: Delivery.TRICKLED,
}
_ODD_BODIES = {
    Fault.OVERSIZED: Answer(200, b"<p>" + b"and on and on " * 4_000 + b"</p>\n", delivery=Delivery.ENDLESS),
    Fault.NOT_HTML: Answer(200, b"%PDF-1.7\n" + _noise("pdf") + b"\n%%EOF\n", "application/pdf"),
    Fault.GARBAGE: Answer(200, _noise("cat")),
}


class Router:
    """Answers GET requests of one site."""

    def __init__(self, catalogue: Catalogue, base_url: str, token: str) -> None:
        self._catalogue = catalogue
        self._base = base_url
        self._api = Api(catalogue, base_url, token)
        self._asked = FirstTimes()
        self._artists = {one.path: one for one in catalogue.performers.values()}

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        """The answer to GET `target`, a path with or without a query.

        Args:
            target: As it stands in the request line.
            headers: With keys in lower case.
        """
        try:
            parts = urlsplit(target)
        except ValueError:
            return answers.plain_page(400, "Bad request", "The address cannot be read.")
        path = unquote(parts.path)
        if path == "/api" or path.startswith("/api/"):
            return self._api.answer(path.removeprefix("/api"), parts.query, headers.get("authorization", ""))
        return _unless_known(self._page(path), headers.get("if-none-match"))

    def _page(self, path: str) -> Answer:
        if path in self._artists:
            performer = self._artists[path]
            return Answer(200, artist_page(performer, self._catalogue.songs_of(performer.id)))
        match path:
            case "/":
                return Answer(200, index_page(self._catalogue))
            case "/robots.txt":
                return Answer(200, robots_txt(self._catalogue), "text/plain; charset=utf-8")
            case "/captcha":
                return answers.challenge()
            case _:
                song = self._catalogue.by_path.get(path)
                return self._song(song, path) if song else answers.not_found()

    def _song(self, song: ListedSong, path: str) -> Answer:
        return self._refusal(song, path) or self._odd_body(song) or self._shown(song)

    def _shown(self, song: ListedSong) -> Answer:
        body = song_page(song, self._base)
        return Answer(200, body, headers={"ETag": f'W/"{sha256(body).hexdigest()[:20]}"'})

    def _refusal(self, song: ListedSong, path: str) -> Answer | None:
        """The answer of a fault that shows no page, now or ever."""
        if song.fault is Fault.MOVED and path == song.path:
            return answers.redirect(301, f"{self._base}{song.new_path}")
        if song.fault is Fault.CAPTCHA_REDIRECT:
            return answers.redirect(302, f"{self._base}/captcha?return_to={song.path}")
        if song.fault in _RECOVERING:
            return self._first_refusal(song)
        return _ALWAYS.get(song.fault) if song.fault else None

    def _first_refusal(self, song: ListedSong) -> Answer | None:
        if not self._asked.first(song.sample.id):
            return None
        if song.fault is Fault.ERROR_ONCE:
            return answers.server_error()
        return answers.throttled(_RETRY_AFTER_S if song.fault is Fault.THROTTLED_ONCE else None)

    def _odd_body(self, song: ListedSong) -> Answer | None:
        """The answer of a fault whose status is 200 and whose body or its delivery is the trouble."""
        if song.fault is Fault.TRUNCATED_ONCE and not self._asked.first(song.sample.id):
            return None
        if song.fault and song.fault in _DELIVERIES:
            return replace(self._shown(song), delivery=_DELIVERIES[song.fault])
        return _ODD_BODIES.get(song.fault) if song.fault else None


def _unless_known(answer: Answer, known: str | None) -> Answer:
    """304 where the client names the entity tag that the page has."""
    tag = answer.headers.get("ETag")
    if known is None or tag is None or answer.delivery is not Delivery.WHOLE:
        return answer
    return Answer(304, headers={"ETag": tag}) if known in {tag, "*"} else answer
