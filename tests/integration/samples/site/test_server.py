"""How the sample site behaves as a server: faults on the wire, the throttle, odd requests, start and stop."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

import httpx
import pytest

from rapray.errors import UsageError
from rapray.samples.site import DIFFICULT_ARTIST_ID, Fault, SampleSite, serve_forever
from rapray.samples.site.catalogue import Catalogue
from rapray.samples.site.faults import difficult_songs
from tests.support.waiting import wait_for

PATHS = {song.fault: song.path for song in Catalogue(faults=True).songs.values() if song.fault}
GOOD = "/Mara-quill-night-shift-arithmetic-lyrics"


@pytest.fixture
def site() -> Iterator[SampleSite]:
    """A fresh site: recovering faults have not been asked for yet."""
    with SampleSite(slow_s=0.4, oversized_bytes=300_001) as running:
        yield running


def _get(site: SampleSite, fault: Fault) -> httpx.Response:
    return httpx.get(site.url + PATHS[fault])


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        (Fault.NOT_FOUND, [404, 404]),
        (Fault.FORBIDDEN, [403, 403]),
        (Fault.THROTTLED, [429, 429]),
        (Fault.ERROR, [500, 500]),
        (Fault.THROTTLED_ONCE, [429, 200, 200]),
        (Fault.THROTTLED_ONCE_BARE, [429, 200, 200]),
        (Fault.ERROR_ONCE, [500, 200, 200]),
        (Fault.CAPTCHA, [200, 200]),
        (Fault.CAPTCHA_REDIRECT, [302, 302]),
        (Fault.MOVED, [301, 301]),
    ],
)
def test_fault_answers_as_named(site: SampleSite, fault: Fault, statuses: list[int]):
    """Lasting faults last, recovering ones refuse once."""
    assert [_get(site, fault).status_code for _ in statuses] == statuses


def test_recovering_fault_per_site(site: SampleSite):
    """A second site refuses again what the first has refused already."""
    _get(site, Fault.ERROR_ONCE)
    with SampleSite() as other:
        assert _get(other, Fault.ERROR_ONCE).status_code == 500


def test_recovering_fault_many_clients(site: SampleSite):
    """The count holds when many ask at the same moment."""
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: _get(site, Fault.THROTTLED_ONCE).status_code, range(24)))
    assert Counter(answers) == {429: 1, 200: 23}


def test_retry_after_where_promised(site: SampleSite):
    """One throttled page names the wait, the other does not."""
    assert _get(site, Fault.THROTTLED_ONCE).headers["retry-after"] == "1"
    assert "retry-after" not in _get(site, Fault.THROTTLED_ONCE_BARE).headers


def test_moved_page_same_song(site: SampleSite):
    """The new address shows the song under the old id."""
    answer = httpx.get(site.url + PATHS[Fault.MOVED], follow_redirects=True)
    song = next(one.song for one in difficult_songs() if one.fault is Fault.MOVED)
    assert answer.history[0].status_code == 301
    assert str(answer.url) != site.url + PATHS[Fault.MOVED]
    assert f'\\"{song.id}\\"' in answer.text


def test_captcha_redirect_shows_challenge(site: SampleSite):
    """The redirect leads to a page that wants a human, with status 200."""
    answer = httpx.get(site.url + PATHS[Fault.CAPTCHA_REDIRECT], follow_redirects=True)
    assert (answer.status_code, urlsplit(str(answer.url)).path) == (200, "/captcha")
    assert "challenge-form" in answer.text


def test_truncated_page_ends_early(site: SampleSite):
    """Fewer bytes come than were promised; one of the two pages is whole at the second try."""
    for fault in (Fault.TRUNCATED, Fault.TRUNCATED, Fault.TRUNCATED_ONCE):
        with pytest.raises(httpx.RemoteProtocolError):
            _get(site, fault)
    assert _get(site, Fault.TRUNCATED_ONCE).text.endswith("</html>\n")


def test_slow_page_arrives_whole(site: SampleSite):
    """It trickles for as long as the site was told."""
    started = time.monotonic()
    with httpx.stream("GET", site.url + PATHS[Fault.SLOW], timeout=60) as answer:
        pieces = list(answer.iter_raw())
    assert time.monotonic() - started >= 0.4
    assert len(pieces) > 1
    assert b"".join(pieces).endswith(b"</html>\n")


def test_oversized_page_has_length(site: SampleSite):
    """No Content-Length warns of it: whoever reads it has to count."""
    answer = _get(site, Fault.OVERSIZED)
    assert "content-length" not in answer.headers
    assert len(answer.content) == 300_001


def test_bad_bodies_are_served(site: SampleSite):
    """Not HTML by its type, not HTML by its bytes, not the encoding that is declared, and far too long."""
    assert _get(site, Fault.NOT_HTML).headers["content-type"] == "application/pdf"
    assert b"<html" not in _get(site, Fault.GARBAGE).content
    with pytest.raises(UnicodeDecodeError):
        _get(site, Fault.INVALID_UTF8).content.decode()
    assert 1_100_000 < len(_get(site, Fault.TOO_LONG).content) < 1_500_000


def test_robots_closes_listed_page(site: SampleSite):
    """Songs are allowed, the one that says keep off is not."""
    robots = RobotFileParser()
    robots.parse(httpx.get(f"{site.url}/robots.txt").text.splitlines())
    closed = [fault for fault, path in PATHS.items() if not robots.can_fetch("rapray", site.url + path)]
    assert closed == [Fault.DISALLOWED]
    assert _get(site, Fault.DISALLOWED).status_code == 200


def test_site_without_faults():
    """The difficult artist and pages are not there, and all else is."""
    with SampleSite(faults=False) as site:
        headers = {"Authorization": f"Bearer {site.token}"}
        difficult = httpx.get(f"{site.url}/api/artists/{DIFFICULT_ARTIST_ID}/songs", headers=headers)
        assert difficult.status_code == 404
        assert _get(site, Fault.JUNK).status_code == 404
        assert httpx.get(site.url + GOOD).status_code == 200
        assert (
            httpx.get(f"{site.url}/api/search?q=difficult", headers=headers).json()["response"]["hits"] == []
        )


def test_throttle_refuses_then_recovers():
    """Five pass, the sixth is refused with the seconds to wait, and after them there is room again."""
    with SampleSite(requests_per_second=5) as site, httpx.Client(base_url=site.url) as client:

        def refused() -> httpx.Response | None:
            answer = client.get(GOOD)
            return answer if answer.status_code == 429 else None

        refusal = wait_for(refused, "a request is refused")
        wait_for(lambda: not refused(), "there is room again")
        passed = [request.at for request in site.requests if request.status == 200]
    assert refusal is not None
    assert refusal.headers["retry-after"] == "1"
    assert passed[5] - passed[0] >= 0.9


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_other_methods_get_405(site: SampleSite, method: str):
    """Only GET is served, a method that nobody knows is no exception."""
    answer = httpx.request(
        method, site.url + GOOD, content=None if method == "HEAD" else b"GET / HTTP/1.1\r\n\r\n"
    )
    assert answer.status_code == 405
    assert (answer.content == b"") is (method == "HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/../etc/passwd",
        "/%00",
        "/%ff%fe",
        "//nothing",
        "/Mara-quill-lyrics?x=[",
        "/artists/Nobody",
    ],
)
def test_unknown_path_gets_404(site: SampleSite, path: str):
    """A path that leads nowhere gets a page that says so."""
    answer = httpx.get(site.url + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01 not http\r\n\r\n",
        b"GET http://[bad HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 300 + b"\r\n",
    ],
)
def test_malformed_request_without_traceback(site: SampleSite, raw: bytes):
    """The answer is short and the site goes on."""
    with _connected(site) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = _read(connection)
    assert b"Traceback" not in answer
    assert not answer.startswith(b"HTTP/1.1 2")
    assert httpx.get(site.url + GOOD).status_code == 200


def _connected(site: SampleSite) -> socket.socket:
    parts = urlsplit(site.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def _read(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while part := connection.recv(65_536):
            answer += part
    except ConnectionResetError:
        pass  # the rest of an overlong request was never read
    return answer


def test_connection_is_reused(site: SampleSite):
    """HTTP/1.1: two requests travel over one connection."""
    with _connected(site) as connection:
        connection.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        answer = b""
        while answer.count(b"User-agent") < 2:
            part = connection.recv(65_536)
            assert part
            answer += part
    assert answer.count(b"HTTP/1.1 200") == 2


def test_requests_are_logged(site: SampleSite):
    """The log has each request once, in the order of the answers."""
    before = time.monotonic()
    httpx.get(f"{site.url}/nothing?a=b")
    httpx.post(site.url + GOOD)
    first, second = site.requests
    assert first[1:] == ("GET", "/nothing?a=b", 404)
    assert second[1:] == ("POST", GOOD, 405)
    assert before <= first.at <= second.at <= time.monotonic()


def test_stop_closes_connections():
    """After stop nobody is served, not over an old connection either; and the site starts again."""
    site = SampleSite()
    with site, httpx.Client(base_url=site.url) as client:
        assert client.get(GOOD).status_code == 200
        port = urlsplit(site.url).port
        site.stop()
        with pytest.raises(httpx.TransportError):
            client.get(GOOD)
    with SampleSite(port=port or 0) as again:
        assert httpx.get(again.url + GOOD).status_code == 200


def test_stop_interrupts_slow_page():
    """A page that trickles for an hour ends with the site."""
    failed = threading.Event()

    def read(url: str) -> None:
        with pytest.raises(httpx.TransportError):
            httpx.get(url, timeout=120)
        failed.set()

    with SampleSite(slow_s=3600) as site:
        reader = threading.Thread(target=read, args=(site.url + PATHS[Fault.SLOW],))
        reader.start()
        wait_for(lambda: site.requests, "the reader asks")
    assert failed.wait(60)
    reader.join()


def test_serve_forever_taken_port(site: SampleSite):
    """A port in use is the caller's to change, and the message names it."""
    port = urlsplit(site.url).port or 0
    with pytest.raises(UsageError, match=str(port)):
        serve_forever("127.0.0.1", port, announce=print)
