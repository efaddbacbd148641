"""The app over a real database, Redis, model and analyzer, without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from rapray.analyzers.algorithmic import AlgorithmicAnalyzer
from rapray.config import DatabaseSettings, RedisSettings, Settings
from rapray.domain import Analysis, Failure, Lyric, Provenance
from rapray.embeddings import Embedder
from rapray.errors import Overloaded
from rapray.serve.api import create_app
from rapray.serve.live import LiveServices, RunningAnalyzer
from rapray.serve.roster import roster
from rapray.store import analyses, runs
from rapray.store.pool import connect
from tests.support.broken_server import Behaviour, answers, broken_server, closes, hangs
from tests.support.waiting import wait_for_task


class Local:
    """Inference in this process."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._analyzer = embedder, AlgorithmicAnalyzer()
        self.asked = 0

    async def embed_query(self, text: str) -> Sequence[float]:
        """A vector by the real model."""
        vectors = await asyncio.to_thread(self._embedder.encode, [text])
        return list(vectors[0])

    async def analyze(self, name: str, lyric: Lyric) -> Analysis | Failure:
        """An analysis by the real analyzer."""
        assert name == "algorithmic"
        self.asked += 1
        return (await asyncio.to_thread(self._analyzer.analyze, [lyric]))[0]

    async def describe(self, name: str) -> RunningAnalyzer:
        """What answers."""
        assert name == "algorithmic"
        return RunningAnalyzer(self._analyzer.provenance)


@asynccontextmanager
async def running(
    settings: Settings, embedder: Embedder, local: Local | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """The app with its pool open."""
    inference = local or Local(embedder)
    services = LiveServices(settings, inference, embedder.model, roster(settings, ["algorithmic"]))
    app = create_app(services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client,
    ):
        yield client


async def test_search_finds_own_words(collection: Any) -> None:
    """A section's text as the query leads to its track, and the passage is that section."""
    async with running(collection.settings, collection.embedder) as client:
        track = (await client.get(f"/track/{next(iter(collection.ids.values()))}")).json()
        index, section = max(enumerate(track["sections"], start=1), key=lambda pair: len(pair[1]["lines"]))
        query = " ".join(section["lines"])[:1000]
        answer = (await client.post("/search", json={"query": query, "limit": 3})).json()
        assert answer["results"][0]["track"]["id"] == track["id"]
        assert answer["results"][0]["passage"]["index"] == index
        assert answer["results"][0]["score"] > 0.6
        assert answer["model"]["dimension"] == 384


async def test_search_filters_in_database(collection: Any) -> None:
    """Year and artist narrow; an artist that is not there leaves nothing."""
    async with running(collection.settings, collection.embedder) as client:
        hits = (await client.post("/search", json={"query": "city", "year_from": 2100})).json()["results"]
        assert hits == []
        tracks = (await client.get("/tracks")).json()["tracks"]
        body = {"query": "city", "artist": tracks[0]["artist"].upper(), "limit": 50}
        hits = (await client.post("/search", json=body)).json()["results"]
        assert {h["track"]["artist"] for h in hits} == {tracks[0]["artist"]}


async def test_track_shows_stored_analyses(collection: Any) -> None:
    """JSON and page come from the same rows."""
    async with running(collection.settings, collection.embedder) as client:
        track_id = next(iter(collection.ids.values()))
        track = (await client.get(f"/track/{track_id}")).json()
        chains = track["analyses"]["algorithmic"]["data"]["rhyme"]["chains"]
        assert chains
        page = (await client.get(f"/tracks/{track_id}")).text
        assert page.count("<mark") > 5
        first = (await client.get("/")).text
        assert f">{len(collection.ids)}<" in first
        assert (await client.get("/?q=city+lights")).status_code == 200
        assert len((await client.get("/artists")).json()["artists"]) >= 1


async def test_track_prefers_current_analysis(collection: Any) -> None:
    """A newer result of another version does not take its place; an analyzer that is not set up shows what is stored."""
    track_id = next(iter(collection.ids.values()))
    with connect(collection.settings.database.url.get_secret_value(), application_name="test") as conn:
        [(digest,)] = conn.execute("SELECT content_hash FROM tracks WHERE id = %s", [track_id]).fetchall()
        for provenance in (
            Provenance("algorithmic", "9"),
            Provenance("strange", "1"),
            Provenance("strange", "2"),
        ):
            result = Analysis(str(track_id), provenance, digest, {})
            analyses.write_analyses(conn, runs.start(conn, "test", {}), [result])
    async with running(collection.settings, collection.embedder) as client:
        shown = (await client.get(f"/track/{track_id}")).json()["analyses"]
    versions = {name: analysis["version"] for name, analysis in shown.items()}
    assert versions == {"algorithmic": AlgorithmicAnalyzer.provenance.version, "strange": "2"}


async def test_artist_counts_stored_lyrics(collection: Any) -> None:
    """The list, the artist and the tracks agree; an id that nobody has is a problem."""
    async with running(collection.settings, collection.embedder) as client:
        listed = (await client.get("/artists")).json()["artists"]
        for artist in listed:
            found = (await client.get(f"/artists/{artist['id']}")).json()
            assert {name: found[name] for name in artist} == artist
            assert 0 < found["distinct_words"] < found["words_read"] < 35_000
            assert found["daniels"] is None
        answer = await client.get(f"/artists/{listed[-1]['id'] + 1}")
        assert (answer.status_code, answer.json()["code"]) == (404, "artist_not_found")


async def test_analyze_stores_nothing(collection: Any) -> None:
    """Asking is not collecting."""
    async with running(collection.settings, collection.embedder) as client:
        before = (await client.get("/tracks?limit=200")).json()
        answer = await client.post(
            "/analyze", json={"lyrics": "[Verse]\nI light the night\nand hold it tight"}
        )
        assert answer.json()["results"]["algorithmic"]["data"]["rhyme"]["chains"]
        assert (await client.get("/tracks?limit=200")).json() == before


TEXT = "[Verse]\nI light the night\nand hold it tight"


async def test_analyze_repeat_from_redis(collection: Any) -> None:
    """The second answer is the first to the byte, made by nobody; another replica finds it too."""
    local = Local(collection.embedder)
    async with running(collection.settings, collection.embedder, local) as client:
        first = await client.post("/analyze", json={"lyrics": TEXT, "include_embedding": True})
        again = await client.post("/analyze", json={"lyrics": TEXT, "include_embedding": True})
    assert (first.headers["x-cache"], again.headers["x-cache"], local.asked) == ("miss", "hit", 1)
    assert first.content == again.content
    async with running(collection.settings, collection.embedder, local) as client:
        assert (await client.post("/analyze", json={"lyrics": TEXT})).headers["x-cache"] == "hit"


async def test_analyze_line_breaks_matter(collection: Any) -> None:
    """One content hash, other positions: the text itself is part of what a result is kept under."""
    local = Local(collection.embedder)
    async with running(collection.settings, collection.embedder, local) as client:
        one = (await client.post("/analyze", json={"lyrics": TEXT})).json()
        other = await client.post("/analyze", json={"lyrics": TEXT.replace("\nand", " and")})
    assert one["content_hash"] == other.json()["content_hash"]
    assert (other.headers["x-cache"], local.asked) == ("miss", 2)


async def test_analyze_times_matter(collection: Any) -> None:
    """Through the real cache: stamps and a duration have answers of their own, the plain text keeps its own."""
    local = Local(collection.embedder)
    synced = "[00:01]I light the night\n[00:03]and hold it tight"
    plain = {"lyrics": "I light the night\nand hold it tight"}
    bodies = [{"lyrics": synced}, plain, {**plain, "duration_seconds": 4}]
    async with running(collection.settings, collection.embedder, local) as client:
        for state in ("miss", "hit"):
            answers = [await client.post("/analyze", json=body) for body in bodies]
            assert [answer.headers["x-cache"] for answer in answers] == [state] * 3
            flows = [answer.json()["results"]["algorithmic"]["data"]["flow"] for answer in answers]
            assert [flow["syllables_per_second"] for flow in flows] == [2.0, None, 2.0]
    assert local.asked == 3


async def test_analyze_without_redis(collection: Any) -> None:
    """Nothing is lost without Redis but time."""
    settings = collection.settings.model_copy(
        update={"redis": RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"), timeout_s=0.5)}
    )
    async with running(settings, collection.embedder) as client:
        for _ in range(3):
            answer = await client.post("/analyze", json={"lyrics": TEXT})
            assert (answer.status_code, answer.headers["x-cache"]) == (200, "miss")


@pytest.mark.parametrize(
    "kind", [answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"), answers(b":7\r\n"), hangs, closes]
)
async def test_analyze_with_broken_redis(collection: Any, kind: Behaviour) -> None:
    """If something other than Redis answers at its address, /analyze returns a result and readiness is degraded."""
    with broken_server(kind) as url:
        redis = RedisSettings(url=SecretStr(url), timeout_s=0.5)
        settings = collection.settings.model_copy(update={"redis": redis})
        async with running(settings, collection.embedder) as client:
            answer = await client.post("/analyze", json={"lyrics": "I light the night"})
            ready = await client.get("/readyz")
    assert (answer.status_code, answer.json()["problems"], answer.headers["x-cache"]) == (200, {}, "miss")
    assert (ready.status_code, ready.json()) == (200, {"status": "degraded"})


async def test_analyze_store_own_run(collection: Any) -> None:
    """What was missing is in the collection afterwards, and the run says how many."""
    url = collection.settings.database.url.get_secret_value()
    track_id = next(iter(collection.ids.values()))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DELETE FROM analysis_results")
        body = {"track_id": track_id, "analyzers": ["algorithmic"], "store": True}
        async with running(collection.settings, collection.embedder) as client:
            assert (await client.post("/analyze", json=body)).json()["stored"] == ["algorithmic"]
            assert (await client.post("/analyze", json=body)).json()["stored"] == ["algorithmic"]
        rows = conn.execute(
            "SELECT track_id, analyzer FROM analysis_results JOIN provenances p ON p.id = provenance_id"
        ).fetchall()
        ended = conn.execute(
            "SELECT state, counts->>'new', counts->>'unchanged' FROM runs WHERE job = 'analyze over HTTP' "
            "ORDER BY started_at"
        ).fetchall()
    assert rows == [(track_id, "algorithmic")]
    assert ended == [("succeeded", "1", "0"), ("succeeded", "0", "1")]


async def test_analyze_store_records_failure(collection: Any) -> None:
    """A failed answer is a failure row, never a result; a queue that is full is neither."""

    class Failing(Local):
        async def analyze(self, name: str, lyric: Lyric) -> Analysis | Failure:
            if self.asked:
                raise Overloaded(what="The analyzer", retry_after_s=1)
            self.asked += 1
            return Failure(
                self._analyzer.provenance.stage, lyric.key, "analysis_failed", "no luck", lyric.content_hash
            )

    url = collection.settings.database.url.get_secret_value()
    track_id = next(iter(collection.ids.values()))
    body = {"track_id": track_id, "analyzers": ["algorithmic"], "store": True}
    async with running(collection.settings, collection.embedder, Failing(collection.embedder)) as client:
        assert (await client.post("/analyze", json=body)).json()["code"] == "analysis_failed"
        assert (await client.post("/analyze", json=body)).json()["code"] == "overloaded"
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT key, code, attempts FROM dead_letters").fetchall()
        states = conn.execute("SELECT state FROM runs WHERE job = 'analyze over HTTP'").fetchall()
    assert rows == [(str(track_id), "analysis_failed", 1)]
    assert states == [("partial",)]


async def test_analyze_batch_isolates_poison(collection: Any) -> None:
    """Control characters, one token a hundred thousand times, nothing to read: each has its own end."""
    texts = ["one line", "\x00\x01\x02", "la " * 100_000, "\x07bell\x1b[31m and \u202e override", "🔥"]
    async with running(collection.settings, collection.embedder) as client:
        body = {"items": [{"lyrics": text} for text in texts]}
        answer = await client.post("/analyze/batch", json=body)
    found = answer.json()["items"]
    assert [one["problem"] and one["problem"]["code"] for one in found] == [
        None,
        "lyrics_empty",
        None,
        None,
        "lyrics_empty",
    ]
    assert all(one["answer"]["results"] for one in found if one["answer"])


async def test_health_versions_without_addresses(collection: Any) -> None:
    """Everything is up, with versions; nothing tells where it is."""
    async with running(collection.settings, collection.embedder) as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        answer = await client.get("/health")
        health = answer.json()
        assert health["status"] == "up", health
        assert {"database", "redis", "embedder", "analyzer algorithmic"} == set(health["dependencies"])
        assert health["dependencies"]["database"]["version"].startswith("PostgreSQL ")
        assert "127.0.0.1" not in answer.text


async def test_health_degraded_without_redis(collection: Any) -> None:
    """Redis may vanish."""
    settings = collection.settings.model_copy(
        update={"redis": RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"), timeout_s=0.5)}
    )
    async with running(settings, collection.embedder) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "degraded"})
        assert (await client.post("/search", json={"query": "city"})).status_code == 200


async def test_unreachable_database_returns_503(collection: Any) -> None:
    """The ingress starts, says what is wrong, and names no address."""
    database = DatabaseSettings(
        url=SecretStr("postgresql://user:hunter2@127.0.0.1:1/none"), connect_timeout_s=1
    )
    settings = collection.settings.model_copy(update={"database": database})
    async with running(settings, collection.embedder) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).json()["code"] == "not_ready"
        answer = await client.get("/track/1")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert "hunter2" not in answer.text
        assert (await client.get("/health")).json()["status"] == "down"


async def test_exhausted_pool_is_ready(collection: Any) -> None:
    """The readiness probe has its own connection, so it succeeds while waiting requests hold the whole pool."""
    url = collection.settings.database.url.get_secret_value()
    busy = collection.settings.model_copy(
        update={"database": DatabaseSettings(url=SecretStr(url), pool_size=1)}
    )
    track_id = next(iter(collection.ids.values()))
    async with running(busy, collection.embedder) as client:
        with psycopg.connect(url) as lock, psycopg.connect(url, autocommit=True) as look:
            lock.execute("LOCK TABLE tracks IN ACCESS EXCLUSIVE MODE")
            waiting = [asyncio.create_task(client.get(f"/track/{track_id}")) for _ in range(3)]
            await wait_for_task(lambda: look.execute(_WAITING).fetchone(), "a request waits for the lock")
            ready = await client.get("/readyz")
            lock.rollback()
        assert [(await task).status_code for task in waiting] == [200] * 3
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


_WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def test_unmigrated_database_not_ready(collection: Any, empty_database_url: str) -> None:
    """An older database is refused with a code that the operator can look up."""
    settings = collection.settings.model_copy(
        update={"database": DatabaseSettings(url=SecretStr(empty_database_url), connect_timeout_s=2)}
    )
    async with running(settings, collection.embedder) as client:
        assert (await client.get("/readyz")).status_code == 503


async def test_restarted_database_reconnects(collection: Any) -> None:
    """Connections that the server closed are replaced; nobody restarts the ingress."""
    async with running(collection.settings, collection.embedder) as client:
        assert (await client.get("/tracks")).status_code == 200
        url = collection.settings.database.url.get_secret_value()
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'rapray serve' AND datname = current_database()"
            )
        assert (await client.get("/tracks")).status_code == 200


@pytest.mark.parametrize(
    "text", ["לילה טוב", "🌃 city", "x" * 2000, "a " * 1000], ids=["rtl", "emoji", "word", "long"]
)
async def test_search_accepts_odd_queries(collection: Any, text: str) -> None:
    """A query longer than the model's window is pooled, not refused and not cut."""
    async with running(collection.settings, collection.embedder) as client:
        answer = await client.post("/search", json={"query": text})
        assert answer.status_code == 200, answer.text
