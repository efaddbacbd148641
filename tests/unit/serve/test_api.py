"""What the endpoints answer when all is well, over services in memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray.serve._private.http_util import RequestIdMiddleware

from rapray.domain import Analysis, Lyric, TrackFilter
from rapray.errors import DatabaseUnavailable, Overloaded
from rapray.serve.api import create_app, cursor
from rapray.serve.api.errors import Refused
from rapray.serve.backend import DependencyHealth, Health, TrackDetail
from rapray.serve.memory import MemoryServices
from tests.support.request_limits import request_limits

MakeTrack = Callable[..., TrackDetail]


async def test_analyze_text_full_answer(client: httpx.AsyncClient) -> None:
    """The answer holds what the text is and what the analyzer made of it; no vector unless asked for."""
    body = {"lyrics": "[Verse 1: Ada]\nOne line\nTwo lines", "analyzers": ["algorithmic"]}
    answer = (await client.post("/analyze", json=body)).json()
    assert answer["sections"][0]["lines"] == ["One line", "Two lines"]
    assert answer["results"]["algorithmic"]["data"] == {"counts": {"lines": 2}}
    assert answer["results"]["algorithmic"]["content_hash"] == answer["content_hash"]
    assert answer["results"]["algorithmic"]["embedding"] is None
    assert answer["problems"] == {}
    answer = (await client.post("/analyze", json={**body, "include_embedding": True})).json()
    assert answer["results"]["algorithmic"]["embedding"] == [0.5] * 4


async def test_analyze_partial_failure(client: httpx.AsyncClient) -> None:
    """Partial results come with a problem object for what failed."""
    answer = await client.post("/analyze", json={"lyrics": "One line"})
    assert answer.status_code == 200
    assert set(answer.json()["results"]) == {"algorithmic"}
    assert answer.json()["problems"]["failing"]["code"] == "analysis_failed"


async def test_analyze_stored_track(client: httpx.AsyncClient, services: MemoryServices) -> None:
    """A track id stands for its lyrics."""
    answer = (await client.post("/analyze", json={"track_id": 3, "analyzers": ["algorithmic"]})).json()
    assert answer["content_hash"] == services.tracks[3].summary.content_hash


@pytest.mark.parametrize(
    "lyrics",
    [
        "la " * 33_000 + "end",
        "שלום עולם\nמה שלומך היום",
        "one\0two three\0",
        "a" * 100_000,
        "x \ud83d\ude00 y",
        "a\r\nb\rc",
    ],
    ids=[
        "one long line",
        "right to left",
        "NUL inside",
        "one long word",
        "surrogate pair",
        "carriage returns",
    ],
)
async def test_analyze_accepts_odd_text(client: httpx.AsyncClient, lyrics: str) -> None:
    """Unusual is not wrong."""
    body = json.dumps({"lyrics": lyrics, "analyzers": ["algorithmic"]}).encode()
    answer = await client.post("/analyze", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text


async def test_analyze_megabyte_stays_responsive(client: httpx.AsyncClient) -> None:
    """While a long text is prepared, the ingress answers others."""
    body = json.dumps(
        {"lyrics": ("we ride the night and light it right\n" * 26_000), "analyzers": ["algorithmic"]}
    )
    long = asyncio.create_task(
        client.post(
            "/analyze", content=body.encode(), headers={"content-type": "application/json"}, timeout=120
        )
    )
    longest, before = 0.0, time.process_time()
    while not long.done():
        started = time.thread_time()
        assert (await client.get("/livez")).status_code == 200
        await asyncio.sleep(0)  # without a socket nothing above waits, and the other task would never run
        longest = max(longest, time.thread_time() - started)
    assert (await long).status_code == 200
    # Work, not time: what the loop's own thread did between two answers is a small part of all that was done.
    assert longest < (time.process_time() - before) / 4, "the loop stood still"


def _services(analyze: Callable[[Lyric], Analysis], deadline_s: float = 5) -> MemoryServices:
    limits = request_limits(deadline_s)
    return MemoryServices((), {"only": analyze}, limits=limits)


async def _post(services: MemoryServices, path: str, body: dict[str, object]) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://rapray.test") as client:
        return await client.post(path, json=body)


async def test_analyze_deadline_returns_504() -> None:
    """A slow analyzer does not hold the caller."""

    class Slow(MemoryServices):
        async def analyze(self, name: str, lyric: Lyric) -> Analysis:
            await asyncio.Event().wait()
            raise AssertionError

    limits = request_limits(0.05)
    answer = await _post(Slow((), {"only": lambda _: None}, limits=limits), "/analyze", {"lyrics": "a b"})  # type: ignore[arg-type,return-value]
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")


async def test_analyze_overload_returns_503() -> None:
    """A full queue tells the client when to come back."""

    def full(_: Lyric) -> Analysis:
        raise Overloaded(what="The analyzer only", retry_after_s=7)

    answer = await _post(_services(full), "/analyze", {"lyrics": "a b"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_analyze_contains_analyzer_defect() -> None:
    """An exception nobody expected stays inside its analyzer's answer and says nothing of itself."""

    def broken(_: Lyric) -> Analysis:
        message = "hunter2"
        raise ZeroDivisionError(message)

    answer = await _post(_services(broken), "/analyze", {"lyrics": "a b"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text


async def test_search_nearest_first(client: httpx.AsyncClient) -> None:
    """The passage that matched comes with its section."""
    answer = (await client.post("/search", json={"query": "keep the river running", "limit": 3})).json()
    assert len(answer["results"]) == 3
    first = answer["results"][0]
    assert first["passage"]["index"] == 2
    assert first["passage"]["kind"] == "chorus"
    assert "river" in first["passage"]["text"]
    assert answer["model"]["name"] == "bag-of-words"
    scores = [hit["score"] for hit in answer["results"]]
    assert scores == sorted(scores, reverse=True)


async def test_search_filters_narrow_results(client: httpx.AsyncClient) -> None:
    """Artist, years and language are conditions, not wishes."""
    body = {"query": "river", "artist": "büşra", "year_from": 2000, "year_to": 2001, "language": "en"}
    hits = (await client.post("/search", json=body)).json()["results"]
    assert {h["track"]["id"] for h in hits} == {10, 11}
    assert (await client.post("/search", json={**body, "language": "de"})).json()["results"] == []


async def test_tracks_cursor_visits_all(client: httpx.AsyncClient) -> None:
    """Following next_cursor visits every track once and ends with null."""
    seen: list[int] = []
    cursor_: str | None = None
    while True:
        parameters = {"limit": "5"} | ({"cursor": cursor_} if cursor_ else {})
        page = (await client.get("/tracks", params=parameters)).json()
        seen += [track["id"] for track in page["tracks"]]
        cursor_ = page["next_cursor"]
        if cursor_ is None:
            break
    assert seen == list(range(1, 13))


async def test_tracks_cursor_other_filters(client: httpx.AsyncClient) -> None:
    """A cursor belongs to the list it came from."""
    following = (await client.get("/tracks", params={"limit": "5"})).json()["next_cursor"]
    answer = await client.get("/tracks", params={"cursor": following, "artist": "Ada"})
    assert answer.json()["code"] == "cursor_invalid"


@given(
    st.integers(0, 2**63 - 1),
    st.builds(TrackFilter, st.none() | st.text(), st.none() | st.integers(1900, 2100)),
)
def test_cursor_round_trips(after_id: int, filters: TrackFilter) -> None:
    """Every id and every filter survives; a changed filter does not."""
    text = cursor.encode(after_id, filters)
    assert len(text) <= cursor.LONGEST
    assert cursor.decode(text, filters) == after_id
    with pytest.raises(Refused):
        cursor.decode(text, TrackFilter(language="xx"))


@given(st.text(max_size=cursor.LONGEST))
def test_cursor_rejects_other_text(text: str) -> None:
    """Nothing a client invents gets further than the problem."""
    with pytest.raises(Refused):
        cursor.decode(text, TrackFilter())


async def test_track_rhyme_positions(client: httpx.AsyncClient, services: MemoryServices) -> None:
    """A member's characters are those of the words that rhyme."""
    track = (await client.get("/track/1")).json()
    member = track["analyses"]["algorithmic"]["data"]["rhyme"]["chains"][0]["members"][0]
    line = track["sections"][member["section"]]["lines"][member["line"]]
    assert line[member["start"] : member["end"]] == "night"
    assert track["content_hash"] == services.tracks[1].summary.content_hash


async def test_artists_lists_and_finds(client: httpx.AsyncClient) -> None:
    """With a name the alike, without all."""
    assert [a["name"] for a in (await client.get("/artists")).json()["artists"]] == ["Ada", "Büşra"]
    assert (await client.get("/artists", params={"name": "büş"})).json()["artists"][0]["tracks"] == 4


async def test_artist_vocabulary_size(client: httpx.AsyncClient) -> None:
    """What the collection says of the artist, beside what the list shows."""
    ada = (await client.get("/artists", params={"name": "Ada"})).json()["artists"][0]
    answer = await client.get(f"/artists/{ada['id']}")
    assert answer.json() == {**ada, "words_read": 112, "distinct_words": 11, "daniels": None}
    other = (await client.get("/artists", params={"name": "büş"})).json()["artists"][0]
    assert (await client.get(f"/artists/{other['id']}")).json()["name"] == "Büşra"


@pytest.mark.parametrize(
    ("artist_id", "status", "code"), [("99", 404, "artist_not_found"), ("0", 422, "validation_failed")]
)
async def test_artist_unknown_is_problem(
    client: httpx.AsyncClient, artist_id: str, status: int, code: str
) -> None:
    """It names the id that was asked for."""
    answer = await client.get(f"/artists/{artist_id}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert status != 404 or answer.json()["detail"].startswith("The collection has no artist 99: ")


async def test_request_id_is_validated(client: httpx.AsyncClient) -> None:
    """An id that could break a log or a header is not taken over."""
    assert (await client.get("/livez", headers={"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"
    for bad in ("a b", "x" * 200, '"><script>'):
        assert (await client.get("/livez", headers={"x-request-id": bad})).headers["x-request-id"] != bad


@pytest.mark.parametrize("given", [{}, {"x-request-id": "abc-1"}])
async def test_request_id_behind_proxy(services: MemoryServices, given: dict[str, str]) -> None:
    """Serve's proxy puts an id into the request and the answer; ours is the same and stays at home."""
    app = RequestIdMiddleware(create_app(services, proxy_sends_id=True))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://rapray.test") as client:
        answer = await client.get("/nowhere", headers=given)
    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]
    assert answer.json()["request_id"] == given.get("x-request-id", answer.json()["request_id"])


def _health(*states: tuple[str, str, bool]) -> MemoryServices:
    found = tuple(DependencyHealth(name, state, is_required) for name, state, is_required in states)  # type: ignore[arg-type]
    return MemoryServices(health=Health(found))


@pytest.mark.parametrize(
    ("redis", "database", "status", "word"),
    [("up", "up", 200, "ready"), ("down", "up", 200, "degraded"), ("up", "down", 503, None)],
)
async def test_readyz_needs_only_database(redis: str, database: str, status: int, word: str | None) -> None:
    """Redis may vanish; the database may not."""
    services = _health(("redis", redis, False), ("database", database, True))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(services)), base_url="http://t"
    ) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == status
        assert word is None or answer.json() == {"status": word}
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/livez")).status_code == 200


async def test_lost_database_returns_503(
    client: httpx.AsyncClient, services: MemoryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns that it is not their fault, and no more."""

    async def lost(_: int) -> TrackDetail:
        raise DatabaseUnavailable(address="db.internal:5432", reason="refused")

    monkeypatch.setattr(services, "get_track", lost)
    answer = await client.get("/track/1")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.headers["retry-after"]
    assert "db.internal" not in answer.text


async def test_metrics_group_by_route(client: httpx.AsyncClient) -> None:
    """Ten addresses of one route are one series."""
    for track_id in range(1, 11):
        await client.get(f"/track/{track_id}")
    await client.get("/no/such/thing")
    text = (await client.get("/metrics")).text
    assert 'route="/track/{track_id}"' in text
    assert 'route="unmatched"' in text
    assert "/no/such/thing" not in text


async def test_info_publishes_the_limits(client: httpx.AsyncClient, services: MemoryServices) -> None:
    """A client can know before it asks."""
    info = (await client.get("/info")).json()
    assert info["limits"]["max_lyrics_chars"] == services.limits.max_lyrics_chars
    assert info["analyzers"] == services.analyzers
    assert info["deadlines_s"] == {name: services.deadline_s(name) for name in services.analyzers}


async def test_info_limits_are_enforced(client: httpx.AsyncClient) -> None:
    """One more than what is published is refused, for each limit that no setting moves."""
    limits = (await client.get("/info")).json()["limits"]
    texts = [{"lyrics": "one line"}] * (limits["batch_texts"] + 1)
    refused = [
        await client.post("/analyze/batch", json={"items": texts}),
        await client.post("/search", json={"query": "a" * (limits["max_query_chars"] + 1)}),
        await client.post("/search", json={"query": "a", "limit": limits["search_limit"] + 1}),
        await client.get("/tracks", params={"limit": limits["page_limit"] + 1}),
    ]
    assert [answer.status_code for answer in refused] == [422] * len(refused)
    fits = await client.post("/search", json={"query": "a" * limits["max_query_chars"]})
    assert fits.status_code == 200
