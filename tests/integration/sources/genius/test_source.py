"""The Genius source against a server that answers as facts.md says the API and the pages do."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from rapray.config import GeniusSettings, Settings
from rapray.domain import Artist, Outcome, SongRef
from rapray.errors import SourceArtistNotFound, SourceAuthError, SourceError, SourceUnavailable, UsageError
from rapray.sources import create_source
from rapray.sources.genius import GeniusSource
from rapray.text.fingerprint import content_hash
from tests.support.limiter import RecordingLimiter

TOKEN = "client-token"
ADA = Artist("genius", "7", "Ada", None)


@pytest.fixture
def base(httpserver: HTTPServer) -> str:
    """The server's address, with a robots.txt that forbids one page."""
    httpserver.expect_request("/robots.txt").respond_with_data("User-agent: *\nDisallow: /private")
    return httpserver.url_for("/").rstrip("/")


def source(base: str, **settings: Any) -> GeniusSource:
    """A source over the server that never really waits."""
    values = {
        "token": SecretStr(TOKEN),
        "api_url": f"{base}/api",
        "web_url": base,
        "max_retries": 1,
    } | settings
    return GeniusSource(GeniusSettings(**values), RecordingLimiter(), sleep=lambda _: None)


def envelope(**response: Any) -> dict[str, Any]:
    """The API's envelope."""
    return {"meta": {"status": 200}, "response": response}


def song(song_id: int, base: str, artist: tuple[int, str] = (7, "Ada"), **more: Any) -> dict[str, Any]:
    """A song as the API lists it."""
    path = f"/song-{song_id}-lyrics"
    primary = {"id": artist[0], "name": artist[1]}
    return {
        "id": song_id,
        "title": f"Song {song_id}",
        "url": base + path,
        "path": path,
        "primary_artist": primary,
    } | more


def expect_api(httpserver: HTTPServer, path: str, *, query: dict[str, str] | None = None) -> Any:
    """An API call that carries the token."""
    return httpserver.expect_request(
        f"/api{path}", query_string=query, headers={"Authorization": f"Bearer {TOKEN}"}
    )


def ref(base: str, path: str = "/song-1-lyrics") -> SongRef:
    """A song that discovery found."""
    return SongRef("genius", "1", base + path, "Song 1", ADA)


def test_find_artist_by_id(httpserver: HTTPServer, base: str) -> None:
    """Digits are an id, and an unknown one is nobody."""
    expect_api(httpserver, "/artists/7").respond_with_json(
        envelope(artist={"id": 7, "name": "Ada", "url": "u"})
    )
    expect_api(httpserver, "/artists/8").respond_with_json(
        {"meta": {"status": 404, "message": "no"}}, status=404
    )
    assert source(base).find_artist(" 7 ") == Artist("genius", "7", "Ada", "u")
    with pytest.raises(SourceArtistNotFound, match="no artist '8'"):
        source(base).find_artist("8")


def test_find_artist_by_name(httpserver: HTTPServer, base: str) -> None:
    """Case, accents and punctuation apart, and also where he is only featured."""
    hits = [
        song(1, base, (1, "Jay-Zed")),
        song(2, base, (2, "Someone"), featured_artists=[{"id": 3, "name": "JAŸ Z"}]),
        "noise",
        {"id": None},
    ]
    expect_api(httpserver, "/search").respond_with_json(
        envelope(hits=[{"type": "song", "result": h} for h in hits])
    )
    assert source(base).find_artist("jay-z").source_id == "3"


def test_find_artist_suggests_nearest(httpserver: HTTPServer, base: str) -> None:
    """The caller sees what he may have meant; the error survives pickling."""

    def search(request: Request) -> Response:
        import json

        hits = [{"result": song(1, base, (5, "Adah"))}] if request.args["page"] == "1" else []
        return Response(json.dumps(envelope(hits=hits)), content_type="application/json")

    expect_api(httpserver, "/search").respond_with_handler(search)
    with pytest.raises(SourceArtistNotFound, match=r"Adah \(5\)") as raised:
        source(base).find_artist("Ada")
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_discover_pages_and_features(httpserver: HTTPServer, base: str) -> None:
    """Every song once, whatever page repeats it; songs of others are features; unusable entries are passed over."""
    pages = {
        "1": envelope(songs=[song(1, base), song(2, base, (9, "Bo"))], next_page=2),
        "2": envelope(songs=[song(2, base, (9, "Bo")), {"id": "x"}, None, song(3, base)], next_page=None),
    }
    for number, content in pages.items():
        query = {"sort": "title", "per_page": "50", "page": number}
        expect_api(httpserver, "/artists/7/songs", query=query).respond_with_json(content)
    found = list(source(base).discover(ADA))
    assert [(d.ref.source_id, d.is_feature) for d in found] == [("1", False), ("2", True), ("3", False)]
    assert found[1].ref.artist == Artist("genius", "9", "Bo", None)
    assert found[0].ref == SongRef(
        "genius", "1", f"{base}/song-1-lyrics", "Song 1", Artist("genius", "7", "Ada", None)
    )


def test_discover_stays_on_site(httpserver: HTTPServer, base: str) -> None:
    """An address elsewhere is replaced by the song's path on the site, or the entry is passed over."""
    evil = "http://169.254.169.254/latest"
    songs = [
        song(1, base, url=evil),
        song(2, base, url=evil, path="@evil.example/"),
        song(3, base, url=evil, path=None),
    ]
    expect_api(httpserver, "/artists/7/songs").respond_with_json(envelope(songs=songs, next_page=None))
    assert [d.ref.url for d in source(base).discover(ADA)] == [f"{base}/song-1-lyrics"]


@pytest.mark.parametrize("following", [1, 0, -3, "x", 10**9])
def test_discover_looping_list_fails(httpserver: HTTPServer, base: str, following: Any) -> None:
    """Neither endless work nor a list that silently ends early."""
    expect_api(httpserver, "/artists/7/songs").respond_with_json(
        envelope(songs=[song(1, base)], next_page=following)
    )
    with pytest.raises(SourceError, match="followed by page"):
        list(source(base).discover(ADA))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, '{"error": "invalid_token"}', SourceAuthError),
        (403, "", SourceAuthError),
        (200, '{"meta": {"status": 401}}', SourceAuthError),
        (500, "", SourceUnavailable),
        (429, "", SourceUnavailable),
        (200, "<html>", SourceError),
        (200, '{"meta": {"status": 200}, "response": []}', SourceError),
        (200, "[" * 100_000, SourceError),
        (404, '{"meta": {"status": 404}}', SourceError),
        (400, "{}", SourceError),
    ],
)
def test_discover_api_failure_raises(
    httpserver: HTTPServer, base: str, status: int, body: str, expected: type[SourceError]
) -> None:
    """Without the list a job cannot know what is left, so it must not look finished. The token is never told."""
    expect_api(httpserver, "/artists/7/songs").respond_with_data(body, status=status)
    with pytest.raises(SourceError) as raised:
        list(source(base).discover(ADA))
    assert type(raised.value) is expected
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("token", [None, SecretStr("bad\r\ntoken"), SecretStr("")])
def test_api_rejects_bad_token(base: str, token: SecretStr | None) -> None:
    """Before anything is sent, and without printing it."""
    with pytest.raises(SourceAuthError, match="RAPRAY_GENIUS__TOKEN") as raised:
        source(base, token=token).find_artist("7")
    assert "bad" not in str(raised.value)


def test_fetch_page_whole_track(httpserver: HTTPServer, base: str) -> None:
    """Text, sections, hash, language by detection; the entity tag is handed on; the token stays with the API."""
    text = "<br>".join(["[Verse 1]", *["I wrote the morning down before the city woke"] * 4])
    html = f'<html><body><div data-lyrics-container="true">{text}</div></body></html>'
    httpserver.expect_request("/song-1-lyrics").respond_with_data(html, headers={"ETag": '"v1"'})
    result = source(base).fetch(ref(base))
    assert (result.outcome, result.http_status, result.etag) == (Outcome.LYRICS, 200, '"v1"')
    assert result.track is not None
    assert (result.track.title, result.track.artist, result.track.language) == ("Song 1", ADA, "en")
    assert result.track.content_hash == content_hash(result.track.lyrics)
    assert len(result.track.sections[0].lines) == 4
    assert all("Authorization" not in request.headers for request, _ in httpserver.log)
    assert pickle.loads(pickle.dumps(result)) == result


def test_fetch_moved_page_id(httpserver: HTTPServer, base: str) -> None:
    """301: followed; the address is the new one, the key the old."""
    httpserver.expect_request("/song-1-lyrics").respond_with_data(
        status=301, headers={"Location": "/new-lyrics"}
    )
    httpserver.expect_request("/new-lyrics").respond_with_data('<div data-lyrics-container="true">one</div>')
    result = source(base).fetch(ref(base))
    assert result.track is not None
    assert (result.track.source_id, result.track.url, result.final_url) == (
        "1",
        f"{base}/new-lyrics",
        f"{base}/new-lyrics",
    )


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (404, "", {}, Outcome.NOT_FOUND),
        (410, "", {}, Outcome.NOT_FOUND),
        (404, "<title>captcha</title>", {}, Outcome.NOT_FOUND),
        (401, "", {}, Outcome.BLOCKED),
        (403, "", {}, Outcome.BLOCKED),
        (503, "<title>Just a moment...</title>", {}, Outcome.BLOCKED),
        (200, "<title>Just a moment...</title>", {}, Outcome.BLOCKED),
        (302, "", {"Location": "/captcha?back=1"}, Outcome.BLOCKED),
        (302, "", {"Location": "http://captcha.example/x"}, Outcome.BLOCKED),
        (302, "", {"Location": "/song-1-lyrics"}, Outcome.SERVER_ERROR),
        (429, "", {}, Outcome.THROTTLED),
        (429, "", {"Retry-After": "900"}, Outcome.THROTTLED),
        (500, "", {}, Outcome.SERVER_ERROR),
        (503, "", {"Retry-After": "900"}, Outcome.SERVER_ERROR),
        (400, "", {}, Outcome.SERVER_ERROR),
        (204, "", {}, Outcome.SERVER_ERROR),
        (200, "", {}, Outcome.UNPARSABLE),
        (200, "x" * 20_000, {}, Outcome.TOO_LONG),
        (200, '<div data-lyrics-container="true"></div>', {}, Outcome.UNPARSABLE),
    ],
)
def test_fetch_failures_have_outcomes(
    httpserver: HTTPServer, base: str, status: int, body: str, headers: dict[str, str], expected: Outcome
) -> None:
    """None of them is "no lyrics", and each says why."""
    httpserver.expect_request("/song-1-lyrics").respond_with_data(body, status=status, headers=headers)
    httpserver.expect_request("/captcha").respond_with_data("<p>prove it</p>")
    result = source(base, max_body_bytes=10_000).fetch(ref(base))
    assert (result.outcome, result.track) == (expected, None)
    assert result.detail
    assert result.retry_after_s == (900 if "Retry-After" in headers else None)


def test_fetch_obeys_robots(httpserver: HTTPServer, base: str) -> None:
    """Unless the operator has said otherwise."""
    httpserver.expect_request("/private-lyrics").respond_with_data('<div class="lyrics">one</div>')
    assert source(base).fetch(ref(base, "/private-lyrics")).outcome is Outcome.DISALLOWED
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt"]
    assert source(base, respect_robots=False).fetch(ref(base, "/private-lyrics")).outcome is Outcome.LYRICS


@pytest.mark.parametrize(
    ("target", "expected"), [("/private-lyrics", Outcome.DISALLOWED), ("/captcha?back=1", Outcome.BLOCKED)]
)
def test_fetch_redirect_obeys_robots(httpserver: HTTPServer, target: str, expected: Outcome) -> None:
    """The rules are asked of every address on the way; a captcha that they close is a block, and the song due again."""
    rules = "User-agent: *\nDisallow: /private\nDisallow: /captcha"
    httpserver.expect_request("/robots.txt").respond_with_data(rules)
    httpserver.expect_request("/song-1-lyrics").respond_with_data(status=301, headers={"Location": target})
    result = source(base := httpserver.url_for("/").rstrip("/")).fetch(ref(base))
    assert (result.outcome, result.final_url) == (expected, base + target)
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt", "/song-1-lyrics"]


def test_fetch_unreadable_robots_retried(httpserver: HTTPServer) -> None:
    """Nothing is fetched, and the outcome can be retried."""
    httpserver.expect_request("/robots.txt").respond_with_data(status=500)
    base = httpserver.url_for("/").rstrip("/")
    result = source(base).fetch(ref(base))
    assert result.outcome is Outcome.UNREACHABLE
    assert result.outcome.is_retryable


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/x", "file:///etc/passwd", "http://localhost@evil.example/", ""]
)
def test_fetch_rejects_foreign_address(httpserver: HTTPServer, base: str, url: str) -> None:
    """The frontier may have been written by somebody else."""
    result = source(base).fetch(SongRef("genius", "1", url, "t", ADA))
    assert (result.outcome, httpserver.log) == (Outcome.DISALLOWED, [])


def test_create_source_by_name(base: str) -> None:
    """An unknown name lists the known ones."""
    settings = Settings(genius=GeniusSettings(api_url=base, web_url=base))
    assert create_source("genius", settings, RecordingLimiter()).name == "genius"
    with pytest.raises(UsageError, match="known are: genius"):
        create_source("nowhere", settings, RecordingLimiter())
