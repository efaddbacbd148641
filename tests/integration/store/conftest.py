"""Records for the store's tests, and a connection to a database of each test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from hashlib import blake2b
from uuid import UUID

import numpy as np
import pytest
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from rapray.config.settings import DatabaseSettings
from rapray.domain import Artist, FetchResult, LyricVectors, ModelInfo, Outcome, Section, SongRef, Track
from rapray.store import models, runs
from rapray.store.pool import async_pool, connect

MODEL = ModelInfo("embedding", "test-model", "r1", 8)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    """A connection as jobs open it."""
    with connect(database_url, application_name="test") as connection:
        yield connection


@pytest.fixture
def run_id(conn: Connection) -> UUID:
    """A run to write under."""
    return runs.start(conn, "test", {})


@pytest.fixture
def model_id(conn: Connection) -> int:
    """A registered model of 8 dimensions."""
    return models.register_model(conn, MODEL)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[AsyncConnectionPool[AsyncConnection]]:
    """An open pool as serving opens it."""
    async with async_pool(database_url, DatabaseSettings(pool_size=4)) as opened:
        yield opened


@pytest.fixture
def fetched() -> Callable[..., FetchResult]:
    """Makes the result of fetching one song; lyrics unless another outcome is named."""

    def make(source_id: str, outcome: Outcome = Outcome.LYRICS, **changes: object) -> FetchResult:
        artist = Artist("genius", str(changes.pop("artist_id", "a1")), str(changes.pop("artist", "Ada Flow")))
        text = str(changes.pop("lyrics", f"words of song {source_id}"))
        extra = {
            name: changes.pop(name)
            for name in ("retry_after_s", "detail", "http_status", "etag")
            if name in changes
        }
        ref = SongRef("genius", source_id, f"https://example.test/{source_id}", f"Song {source_id}", artist)
        track = Track(
            source="genius",
            source_id=source_id,
            title=str(changes.pop("title", f"Song {source_id}")),
            artist=artist,
            lyrics=text,
            sections=(Section("verse", 1, "[Verse 1]", ("Ada Flow",), tuple(text.splitlines())),),
            content_hash=blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest(),
            url=ref.url,
            **changes,  # type: ignore[arg-type]
        )
        return FetchResult(ref, outcome, track if outcome is Outcome.LYRICS else None, **extra)  # type: ignore[arg-type]

    return make


@pytest.fixture
def store_tracks(
    conn: Connection, run_id: UUID, fetched: Callable[..., FetchResult]
) -> Callable[..., dict[str, int]]:
    """Stores `count` tracks and returns their ids by source id."""
    from rapray.store import tracks

    def store(count: int, **changes: object) -> dict[str, int]:
        results = [fetched(f"{number:05}", **changes) for number in range(count)]
        tracks.write_fetched(conn, run_id, results, max_attempts=3, retry_delay_s=60)
        return dict(conn.execute("SELECT source_id, id FROM tracks").fetchall())

    return store


@pytest.fixture
def lyric_vectors() -> Callable[..., LyricVectors]:
    """Makes unit vectors for a track, the same for the same seed."""

    def make(
        track_id: int, content_hash: str, passages: int = 2, seed: int | None = None, dimension: int = 8
    ) -> LyricVectors:
        found = np.random.default_rng(track_id if seed is None else seed).normal(size=(passages, dimension))
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return LyricVectors(str(track_id), content_hash, tuple(range(passages)), found.astype(np.float32))

    return make


@pytest.fixture
def hash_of(conn: Connection) -> Callable[[int], str]:
    """Looks up the content hash of a stored track."""

    def look_up(track_id: int) -> str:
        row = conn.execute("SELECT content_hash FROM tracks WHERE id = %s", (track_id,)).fetchone()
        assert row is not None
        return row[0]

    return look_up
