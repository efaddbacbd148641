"""Search by meaning."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import numpy as np
import pytest
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from rapray.domain import FetchResult, LyricVectors, ModelInfo, TrackFilter
from rapray.errors import DatabaseUnsuitable
from rapray.store import models, tracks, vector_index, vectors
from rapray.store.search import search

Pool = AsyncConnectionPool[AsyncConnection]
Make = Callable[..., FetchResult]
DIMENSION = 32


@pytest.fixture
def wide_model(conn: Connection) -> int:
    """A model of 32 dimensions."""
    return models.register_model(conn, ModelInfo("embedding", "wide", "1", DIMENSION))


def _unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def _store(conn: Connection, run_id: UUID, results: list[FetchResult]) -> dict[str, tuple[int, str]]:
    tracks.write_fetched(conn, run_id, results, max_attempts=1, retry_delay_s=0)
    tracks.group_duplicates(conn)
    rows = conn.execute("SELECT source_id, id, content_hash FROM tracks").fetchall()
    return {source_id: (track_id, content_hash) for source_id, track_id, content_hash in rows}


@pytest.fixture
def corpus(conn: Connection, run_id: UUID, wide_model: int, fetched: Make) -> dict[int, np.ndarray]:
    """1,500 tracks of ten artists with three clustered passages each; their vectors by track id."""
    random = np.random.default_rng(7)
    results = [
        fetched(
            str(n),
            artist_id=str(n % 10),
            artist=f"Artist {n % 10}",
            release_year=1990 + n % 30,
            language="en" if n % 3 else "de",
        )
        for n in range(1500)
    ]
    ids = _store(conn, run_id, results)
    centres = random.normal(size=(40, DIMENSION))
    made: dict[int, np.ndarray] = {}
    batch = []
    for track_id, content_hash in ids.values():
        made[track_id] = _unit(centres[random.integers(40)] + 0.7 * random.normal(size=(3, DIMENSION)))
        batch.append(LyricVectors(str(track_id), content_hash, (0, 1, 2), made[track_id]))
    vectors.write_embeddings(conn, run_id, wide_model, DIMENSION, batch, stage="embed/x")
    return made


def _exact(corpus: dict[int, np.ndarray], query: np.ndarray, allowed: set[int] | None = None) -> list[int]:
    scores = {
        track_id: float((found.astype(np.float16).astype(np.float32) @ query).max())
        for track_id, found in corpus.items()
        if allowed is None or track_id in allowed
    }
    return sorted(scores, key=lambda track_id: (-scores[track_id], track_id))


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_search_recall_against_exact(
    conn: Connection, pool: Pool, wide_model: int, corpus: dict[int, np.ndarray], is_indexed: bool
) -> None:
    """With the graph nearly all of the true ten nearest tracks are found, without it all of them."""
    if is_indexed:
        vector_index.build_index(conn, wide_model)
    queries = _unit(np.random.default_rng(1).normal(size=(30, DIMENSION)))
    found = 0
    for query in queries:
        hits = await search(pool, wide_model, query, limit=10)
        assert len(hits) == 10
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        found += len({hit.track.id for hit in hits} & set(_exact(corpus, query)[:10]))
    assert found / (10 * len(queries)) >= (0.95 if is_indexed else 0.995)  # halves may swap equal neighbours


async def test_search_uses_vector_index(
    conn: Connection, wide_model: int, corpus: dict[int, np.ndarray]
) -> None:
    """The statement that search runs is answered by the HNSW index, joins and all."""
    from psycopg import sql

    from rapray.store import queries as sql_files
    from rapray.store.pool import know_vectors

    vector_index.build_index(conn, wide_model)
    conn.execute("ANALYZE")
    know_vectors(conn)
    statement = sql_files.load("search")["nearest"].format(
        partition=models.partition_of(wide_model), type=models.vector_type(DIMENSION), where=sql.SQL("true")
    )
    literal = str(next(iter(corpus.values()))[0].tolist())
    plan = conn.execute(sql.SQL("EXPLAIN ") + statement, {"vector": literal, "passages": 100}).fetchall()
    assert any("_hnsw" in row[0] for row in plan), plan


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_search_filters_keep_nearest(
    conn: Connection, pool: Pool, wide_model: int, corpus: dict[int, np.ndarray], is_indexed: bool
) -> None:
    """Every hit fits the filter, and none that fits better is missed, however few fit."""
    if is_indexed:
        vector_index.build_index(conn, wide_model)
    query = _unit(np.random.default_rng(3).normal(size=DIMENSION))
    hits = await search(pool, wide_model, query, TrackFilter("artist 3", 1993, 2003, "de"), limit=5)
    fitting = conn.execute(
        """SELECT t.id FROM tracks t JOIN artists a ON a.id = t.artist_id
           WHERE a.name = 'Artist 3' AND release_year BETWEEN 1993 AND 2003 AND language = 'de'"""
    ).fetchall()
    assert [hit.track.id for hit in hits] == _exact(corpus, query, {row[0] for row in fitting})[:5]
    assert {hit.track.artist for hit in hits} == {"Artist 3"}
    misspelt = await search(pool, wide_model, query, TrackFilter("Artst 3"), limit=500)
    assert len(misspelt) == 150
    assert await search(pool, wide_model, query, TrackFilter("Nobody at all"), limit=5) == []
    assert await search(pool, wide_model, query, TrackFilter(year_from=2500), limit=5) == []


async def test_search_folds_duplicates(
    conn: Connection, pool: Pool, run_id: UUID, wide_model: int, fetched: Make
) -> None:
    """Tracks with one text are one answer."""
    ids = _store(conn, run_id, [fetched("1", lyrics="same"), fetched("2", lyrics="same"), fetched("3")])
    query = _unit(np.ones(DIMENSION))
    batch = [LyricVectors(str(track_id), text, (0,), query[None, :]) for track_id, text in ids.values()]
    vectors.write_embeddings(conn, run_id, wide_model, DIMENSION, batch, stage="embed/x")
    hits = await search(pool, wide_model, query, limit=10)
    assert [hit.track.id for hit in hits] == [ids["1"][0], ids["3"][0]]
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert hits[0].section is None


async def test_search_shows_best_section(
    conn: Connection, pool: Pool, run_id: UUID, wide_model: int, fetched: Make
) -> None:
    """What matched is named, and what to show of it is a section."""
    [(track_id, text)] = _store(conn, run_id, [fetched("1", lyrics="a\nb")]).values()
    query = _unit(np.eye(DIMENSION)[0])
    near = _unit(np.eye(DIMENSION)[0] + 0.5 * np.eye(DIMENSION)[1])
    batch = [LyricVectors(str(track_id), text, (0, 1), np.stack([query, near]))]
    vectors.write_embeddings(conn, run_id, wide_model, DIMENSION, batch, stage="embed/x")
    [hit] = await search(pool, wide_model, query, limit=10)
    assert (hit.passage, hit.section_passage) == (0, 1)
    assert hit.section is not None
    assert hit.section.lines == ("a", "b")
    assert hit.section_score == pytest.approx(0.894, abs=0.01)


async def test_search_skips_stale_vectors(
    conn: Connection, pool: Pool, run_id: UUID, wide_model: int, fetched: Make
) -> None:
    """A track whose text has changed is not found by its old words."""
    [(track_id, text)] = _store(conn, run_id, [fetched("1")]).values()
    query = _unit(np.ones(DIMENSION))
    batch = [LyricVectors(str(track_id), text, (0,), query[None, :])]
    vectors.write_embeddings(conn, run_id, wide_model, DIMENSION, batch, stage="embed/x")
    _store(conn, run_id, [fetched("1", lyrics="another text")])
    assert await search(pool, wide_model, query, limit=10) == []


async def test_search_rejects_unknown_model(pool: Pool, wide_model: int) -> None:
    """A caller with another model's vector gets the reason, not a wrong answer."""
    with pytest.raises(DatabaseUnsuitable, match="model 99"):
        await search(pool, 99, [1.0] * DIMENSION, limit=5)
