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
from rapray.domain import Analysis, Failure, Lyric
from rapray.embeddings import Embedder
from rapray.serve.api import create_app
from rapray.serve.live import LiveServices


class Local:
    """Inference in this process."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._analyzer = embedder, AlgorithmicAnalyzer()

    async def embed_query(self, text: str) -> Sequence[float]:
        """A vector by the real model."""
        vectors = await asyncio.to_thread(self._embedder.encode, [text])
        return list(vectors[0])

    async def analyze(self, name: str, lyric: Lyric) -> Analysis | Failure:
        """An analysis by the real analyzer."""
        assert name == "algorithmic"
        return (await asyncio.to_thread(self._analyzer.analyze, [lyric]))[0]


@asynccontextmanager
async def running(settings: Settings, embedder: Embedder) -> AsyncIterator[httpx.AsyncClient]:
    """The app with its pool open."""
    services = LiveServices(settings, Local(embedder), embedder.model, {"algorithmic": "1.0.0"})
    app = create_app(services)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client,
    ):
        yield client


async def test_search_finds_a_track_by_its_own_words(collection: Any) -> None:
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


async def test_search_filters_reach_the_database(collection: Any) -> None:
    """Year and artist narrow; an artist that is not there leaves nothing."""
    async with running(collection.settings, collection.embedder) as client:
        hits = (await client.post("/search", json={"query": "city", "year_from": 2100})).json()["results"]
        assert hits == []
        tracks = (await client.get("/tracks")).json()["tracks"]
        body = {"query": "city", "artist": tracks[0]["artist"].upper(), "limit": 50}
        hits = (await client.post("/search", json=body)).json()["results"]
        assert {h["track"]["artist"] for h in hits} == {tracks[0]["artist"]}


async def test_track_and_pages_show_stored_analyses(collection: Any) -> None:
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


async def test_analyze_stores_nothing(collection: Any) -> None:
    """Asking is not collecting."""
    async with running(collection.settings, collection.embedder) as client:
        before = (await client.get("/tracks?limit=200")).json()
        answer = await client.post(
            "/analyze", json={"lyrics": "[Verse]\nI light the night\nand hold it tight"}
        )
        assert answer.json()["results"]["algorithmic"]["data"]["rhyme"]["chains"]
        assert (await client.get("/tracks?limit=200")).json() == before


async def test_health_names_versions_and_no_address(collection: Any) -> None:
    """Everything is up, with versions; nothing tells where it is."""
    async with running(collection.settings, collection.embedder) as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        answer = await client.get("/health")
        health = answer.json()
        assert health["status"] == "up", health
        assert {"database", "redis", "embedder", "analyzer algorithmic"} == set(health["dependencies"])
        assert health["dependencies"]["database"]["version"].startswith("PostgreSQL ")
        assert "127.0.0.1" not in answer.text


async def test_redis_gone_is_degraded_and_still_ready(collection: Any) -> None:
    """Redis may vanish."""
    settings = collection.settings.model_copy(
        update={"redis": RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"), timeout_s=0.5)}
    )
    async with running(settings, collection.embedder) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "degraded"})
        assert (await client.post("/search", json={"query": "city"})).status_code == 200


async def test_database_unreachable_is_not_ready_and_requests_are_503(collection: Any) -> None:
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


async def test_database_without_schema_is_not_ready(collection: Any, empty_database_url: str) -> None:
    """An older database is refused with a code that the operator can look up."""
    settings = collection.settings.model_copy(
        update={"database": DatabaseSettings(url=SecretStr(empty_database_url), connect_timeout_s=2)}
    )
    async with running(settings, collection.embedder) as client:
        assert (await client.get("/readyz")).status_code == 503


async def test_database_that_comes_back_is_used_again(collection: Any) -> None:
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
async def test_search_odd_queries_are_answered(collection: Any, text: str) -> None:
    """A query longer than the model's window is pooled, not refused and not cut."""
    async with running(collection.settings, collection.embedder) as client:
        answer = await client.post("/search", json={"query": text})
        assert answer.status_code == 200, answer.text
