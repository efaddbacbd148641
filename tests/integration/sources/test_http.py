"""The outbound client against real HTTP servers on this machine."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from rapray.cache import RedisRateLimiter, connect
from rapray.errors import ConfigError
from rapray.net.address import host_of
from rapray.sources.http import HttpClient, HttpLimits, Problem
from rapray.sources.robots import Robots, Verdict
from tests.support.limiter import RecordingLimiter

LIMITS = HttpLimits(timeout_s=5, max_body_bytes=100_000, max_retries=2, max_retry_wait_s=5, patience_s=20)
RawServer = Callable[[bytes], AbstractContextManager[str]]


def client(
    *sites: str, limiter: Any = None, limits: HttpLimits = LIMITS, sleeps: list[float] | None = None
) -> HttpClient:
    """A client whose pauses are only written down."""
    slept = sleeps if sleeps is not None else []
    return HttpClient(
        sites, limiter=limiter or RecordingLimiter(), contact=None, limits=limits, sleep=slept.append
    )


@pytest.fixture
def site(httpserver: HTTPServer) -> str:
    """The base address of the test's server."""
    return httpserver.url_for("/").rstrip("/")


@contextmanager
def raw_server(payload: bytes, pause_s: float = 0, piece: int = 0) -> Iterator[str]:
    """Sends these bytes to each caller, whole or in pieces with pauses, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65_536)
                    for at in range(0, len(payload), piece or len(payload)):
                        connection.sendall(payload[at : at + (piece or len(payload))])
                        if stop.wait(pause_s):
                            return
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_get_identifies_without_cookies(httpserver: HTTPServer, site: str) -> None:
    """Every request looks the same, whatever came before it."""
    httpserver.expect_request("/a").respond_with_data("x", headers={"Set-Cookie": "s=1", "ETag": '"e"'})
    with client(site) as http:
        answers = [http.get(f"{site}/a") for _ in range(2)]
    assert [(a.status, a.body, a.headers["etag"]) for a in answers] == [(200, b"x", '"e"')] * 2
    requests = [request for request, _ in httpserver.log]
    assert all(request.headers["User-Agent"].startswith("rapray/") for request in requests)
    assert not any(request.cookies for request in requests)


def test_client_foreign_needs_contact() -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError):
        client("https://genius.com")


def test_get_limits_every_request(httpserver: HTTPServer, site: str) -> None:
    """Redirects and repeats are requests too."""
    httpserver.expect_request("/a").respond_with_data(status=301, headers={"Location": "/b"})
    httpserver.expect_request("/b").respond_with_data(status=500)
    budget, sleeps = RecordingLimiter(wait=0.25), list[float]()
    with client(site, limiter=budget, sleeps=sleeps) as http:
        assert http.get(f"{site}/a").status == 500
    assert budget.reserved == [host_of(site)] * len(httpserver.log)
    assert sleeps.count(0.25) == len(httpserver.log) == 6


def test_get_retry_after_obeyed(httpserver: HTTPServer, site: str) -> None:
    """A refusal is told to the shared limiter, which makes this worker wait like all the others."""
    httpserver.expect_ordered_request("/a").respond_with_data(status=429, headers={"Retry-After": "3"})
    httpserver.expect_ordered_request("/a").respond_with_data("x")
    budget = RecordingLimiter()
    with client(site, limiter=budget) as http:
        assert http.get(f"{site}/a").status == 200
    assert budget.penalties == [(host_of(site), 3.0)]


def test_get_refusal_without_time(httpserver: HTTPServer, site: str) -> None:
    """Retry-After is not promised on a 429."""
    httpserver.expect_request("/a").respond_with_data(status=429)
    budget = RecordingLimiter()
    with client(site, limiter=budget) as http:
        answer = http.get(f"{site}/a")
    assert (answer.status, len(httpserver.log)) == (429, 1 + LIMITS.max_retries)
    assert all(0.5 <= seconds <= LIMITS.max_retry_wait_s for _, seconds in budget.penalties)


def test_get_long_retry_after(httpserver: HTTPServer, site: str) -> None:
    """Longer than the client waits: the time is handed on, and the host is left alone by all."""
    httpserver.expect_request("/a").respond_with_data(status=503, headers={"Retry-After": "600"})
    budget = RecordingLimiter()
    with client(site, limiter=budget) as http:
        answer = http.get(f"{site}/a")
    assert (answer.status, answer.retry_after_s, len(httpserver.log)) == (503, 600, 1)
    assert budget.penalties == [(host_of(site), 600)]


def test_get_skips_blocked_host(httpserver: HTTPServer, site: str) -> None:
    """A wait beyond the longest queue means that another worker was refused for long."""
    with client(site, limiter=RecordingLimiter(wait=3600)) as http:
        answer = http.get(f"{site}/a")
    assert (answer.problem, answer.retry_after_s, len(httpserver.log)) == (Problem.HOST_BLOCKED, 3600, 0)


def test_get_penalty_across_workers(httpserver: HTTPServer, site: str, redis_url: str) -> None:
    """Two clients, one budget: after one is refused for a second, the other's next request leaves no earlier."""
    arrivals: list[tuple[str, float]] = []

    def answer(request: Request) -> Response:
        arrivals.append((request.path, time.monotonic()))
        is_first = sum(path == "/refused" for path, _ in arrivals) == 1
        return (
            Response(status=429, headers={"Retry-After": "1"})
            if request.path == "/refused" and is_first
            else Response("x")
        )

    httpserver.expect_request("/refused").respond_with_handler(answer)
    httpserver.expect_request("/other").respond_with_handler(answer)
    refusal_told = threading.Event()

    class Shared(RedisRateLimiter):
        def penalize(self, host: str, seconds: float) -> None:
            super().penalize(host, seconds)
            refusal_told.set()

    limiter = Shared(connect(redis_url, timeout_s=5), 100)
    first = HttpClient([site], limiter=limiter, contact=None, limits=LIMITS)
    second = HttpClient([site], limiter=limiter, contact=None, limits=LIMITS)
    refused = threading.Thread(target=first.get, args=(f"{site}/refused",))
    refused.start()
    assert refusal_told.wait(60)
    second.get(f"{site}/other")
    refused.join()
    times = dict(reversed(arrivals))
    assert times["/other"] - times["/refused"] >= 0.9


@pytest.mark.parametrize("status", [404, 403, 304, 204])
def test_get_final_status_unrepeated(httpserver: HTTPServer, site: str, status: int) -> None:
    """To ask again would change nothing."""
    httpserver.expect_request("/a").respond_with_data(status=status)
    with client(site) as http:
        assert http.get(f"{site}/a").status == status
    assert len(httpserver.log) == 1


def test_get_foreign_redirect_refused(httpserver: HTTPServer, site: str) -> None:
    """Not even to an address on this machine, and never to the metadata service of a cloud."""
    with HTTPServer(port=0) as other:
        other.expect_request("/").respond_with_data("secret")
        for target in (
            other.url_for("/"),
            "http://169.254.169.254/latest",
            "file:///etc/passwd",
            "//[::1]:1/",
        ):
            httpserver.clear()
            httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": target})
            with client(site) as http:
                assert http.get(f"{site}/a").problem is Problem.FOREIGN_ADDRESS
        assert not other.log


def test_get_endless_redirects_end(httpserver: HTTPServer, site: str) -> None:
    """After five."""
    httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "/a"})
    with client(site) as http:
        assert http.get(f"{site}/a").problem is Problem.TOO_MANY_REDIRECTS
    assert len(httpserver.log) == 6


def test_get_token_same_origin(httpserver: HTTPServer, site: str) -> None:
    """A redirect inside the origin carries the token, one to another allowed site does not."""
    with HTTPServer(port=0) as other:
        other.expect_request("/c").respond_with_data("x")
        httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "/b"})
        httpserver.expect_request("/b").respond_with_data(
            status=302, headers={"Location": other.url_for("/c")}
        )
        with client(site, other.url_for("/")) as http:
            assert http.get(f"{site}/a", bearer=SecretStr("t0ken")).body == b"x"
        assert [r.headers.get("Authorization") for r, _ in httpserver.log] == ["Bearer t0ken"] * 2
        assert other.log[0][0].headers.get("Authorization") is None


def test_get_rejects_large_body(httpserver: HTTPServer, site: str) -> None:
    """Refused, not cut: by its announced length, by its real length, and by its length once inflated."""
    httpserver.expect_request("/announced").respond_with_data(b"x" * 100_001)
    httpserver.expect_request("/chunked").respond_with_handler(lambda _: Response(iter([b"x" * 60_000] * 3)))
    bomb = gzip.compress(b"\0" * 50_000_000, mtime=0)
    httpserver.expect_request("/bomb").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/whole").respond_with_data(b"x" * 100_000)
    with client(site) as http:
        for path in ("announced", "chunked", "bomb"):
            assert http.get(f"{site}/{path}").problem is Problem.TOO_LARGE, path
        assert len(http.get(f"{site}/whole").body) == 100_000


def test_get_inflates_compressed_body(httpserver: HTTPServer, site: str) -> None:
    """Also where it has several members."""
    body = gzip.compress(b"one " * 5000, mtime=0) + gzip.compress(b"two")
    httpserver.expect_request("/a").respond_with_data(body, headers={"Content-Encoding": "gzip"})
    with client(site) as http:
        assert http.get(f"{site}/a").body == b"one " * 5000 + b"two"


@pytest.mark.parametrize(
    "payload",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
        + gzip.compress(b"x" * 999, mtime=0)[:-9],
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nplain",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_get_broken_answer_unreachable(payload: bytes) -> None:
    """Half a page is no page."""
    with raw_server(payload or b"\r\n") as base, client(base) as http:
        answer = http.get(f"{base}/a")
    assert (answer.problem, answer.body) == (Problem.UNREACHABLE, b"")
    assert answer.detail


@pytest.mark.parametrize(
    "payload",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 2000 + b"\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["body", "headers"],
)
def test_get_trickle_hits_deadline(payload: bytes) -> None:
    """A byte now and then resets the read time-out for ever; the deadline holds all the same."""
    limits = HttpLimits(
        timeout_s=0.5, max_body_bytes=100_000, max_retries=0, max_retry_wait_s=0, patience_s=1
    )
    with raw_server(payload, pause_s=0.05, piece=1) as base, client(base, limits=limits) as http:
        answer = http.get(f"{base}/a")
    assert answer.problem is Problem.UNREACHABLE  # the whole answer would take 100 s


def test_get_deadline_per_request(httpserver: HTTPServer, site: str) -> None:
    """A kept connection answers the next request though the time of the first is long over."""
    httpserver.expect_request("/a").respond_with_data("x")
    limits = replace(LIMITS, timeout_s=2, max_retries=0)
    with client(site, limits=limits) as http:
        assert http.get(f"{site}/a").status == 200
        until = time.monotonic() + 2.2
        while time.monotonic() < until:
            assert http.get(f"{site}/a").status == 200


def test_get_no_listener_unreachable() -> None:
    """After the repeats, with the reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sleeps: list[float] = []
    with client(base, sleeps=sleeps) as http:
        answer = http.get(base)
    assert (answer.problem, len(sleeps)) == (Problem.UNREACHABLE, LIMITS.max_retries)
    assert "ConnectError" in answer.detail


def test_robots_missing_or_broken(httpserver: HTTPServer, site: str) -> None:
    """4xx: no rules. 5xx: nothing may be fetched until the file can be read; then it is, once a day."""
    now = 0.0
    with client(site) as http:
        robots = Robots(http, clock=lambda: now)
        httpserver.expect_request("/robots.txt").respond_with_data(status=500)
        assert robots.verdict(f"{site}/a") is Verdict.UNKNOWN
        httpserver.clear()
        httpserver.expect_request("/robots.txt").respond_with_data("User-agent: *\nDisallow: /a")
        now += 61
        verdicts = [robots.verdict(f"{site}/{path}") for path in ("a?x=1", "b", "a")]
        assert verdicts == [Verdict.DISALLOWED, Verdict.ALLOWED, Verdict.DISALLOWED]
        assert len(httpserver.log) == 1
        httpserver.clear()
        now += 25 * 3600
        assert robots.verdict(f"{site}/a") is Verdict.UNKNOWN  # the server has no handler now: 500
        httpserver.expect_request("/robots.txt").respond_with_data(status=404)
        now += 61
        assert robots.verdict(f"{site}/a") is Verdict.ALLOWED


@pytest.mark.parametrize(
    "location", ["http://xn--a.com/", "javascript:alert(1)", "http://[::1", "http:///x", "/" + "a" * 70_000]
)
def test_get_malformed_redirect(location: str) -> None:
    """A hostile Location ends the one request, not the worker."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with raw_server(head.encode()) as base, client(base) as http:
        assert http.get(f"{base}/a").problem is not None
