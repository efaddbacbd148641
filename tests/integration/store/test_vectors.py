"""Writing vectors and building their index."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from psycopg import Connection

from rapray.domain import Failure, LyricVectors, ModelInfo
from rapray.errors import DatabaseUnsuitable
from rapray.store import failures, models, runs, vector_index, vectors
from rapray.store.pool import connect, know_vectors

Vectors = Callable[..., LyricVectors]
Ids = dict[str, int]
STAGE = "embed/x"


def test_register_model_concurrently(database_url: str) -> None:
    """Workers that start together agree on the id and one partition."""
    model = ModelInfo("embedding", "m", "r", 16)

    def register(_: int) -> int:
        with connect(database_url, application_name="test") as own:
            return models.register_model(own, model)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(register, range(4)))) == 1


def test_register_model_other_dimension(conn: Connection, model_id: int) -> None:
    """Two vector spaces never share a table."""
    assert models.find_model(conn, ModelInfo("embedding", "test-model", "r1", 8)) == model_id
    with pytest.raises(DatabaseUnsuitable, match="8 dimensions, not 9"):
        models.register_model(conn, ModelInfo("embedding", "test-model", "r1", 9))
    assert models.register_model(conn, ModelInfo("embedding", "test-model", "r2", 9)) != model_id
    assert models.register_model(conn, ModelInfo("llm", "test-model", "r1")) != model_id


def test_partition_checks_vector_length(
    conn: Connection, model_id: int, store_tracks: Callable[[int], Ids]
) -> None:
    """The table itself checks it, whoever writes."""
    [track_id] = store_tracks(1).values()
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("INSERT INTO lyric_embeddings VALUES (%s, %s, 0, 'h', '[1,2]')", (model_id, track_id))


def test_write_embeddings_half_precision(
    conn: Connection, run_id: UUID, model_id: int, store_tracks: Callable[[int], Ids], lyric_vectors: Vectors
) -> None:
    """The binary rows made here are what PostgreSQL reads: every passage in its place, every value to 16 bits."""
    made = [lyric_vectors(track_id, "h", passages=3) for track_id in store_tracks(20).values()]
    counts = vectors.write_embeddings(conn, run_id, model_id, 8, made, stage=STAGE)
    assert counts == {"new": 20, "vanished": 0, "failed": 0, "dead": 0}
    know_vectors(conn)
    for lyric in made:
        rows = conn.execute(
            "SELECT passage, embedding FROM lyric_embeddings WHERE track_id = %s ORDER BY passage",
            (int(lyric.key),),
        ).fetchall()
        assert [row[0] for row in rows] == [0, 1, 2]
        found = [row[1] for row in rows]
        assert all(isinstance(value, HalfVector) for value in found)
        np.testing.assert_array_equal([value.to_numpy() for value in found], lyric.vectors.astype(np.float16))


def test_write_embeddings_replaces_passages(
    conn: Connection, run_id: UUID, model_id: int, store_tracks: Callable[[int], Ids], lyric_vectors: Vectors
) -> None:
    """A text with fewer sections leaves no old passage; the same vectors are unchanged; a deleted track is skipped."""
    one, two, gone = store_tracks(3).values()
    write = vectors.write_embeddings
    write(conn, run_id, model_id, 8, [lyric_vectors(one, "a", 4), lyric_vectors(two, "a", 2)], stage=STAGE)
    conn.execute("DELETE FROM tracks WHERE id = %s", (gone,))
    later = runs.start(conn, "test", {})
    again = [lyric_vectors(one, "b", 2), lyric_vectors(two, "a", 2), lyric_vectors(gone, "a", 2)]
    assert write(conn, later, model_id, 8, again, stage=STAGE) == {
        "changed": 1,
        "unchanged": 1,
        "vanished": 1,
        "failed": 0,
        "dead": 0,
    }
    assert conn.execute("SELECT count(*) FROM lyric_embeddings WHERE track_id = %s", (one,)).fetchone() == (
        2,
    )


def test_write_embeddings_bad_vectors(
    conn: Connection, run_id: UUID, model_id: int, store_tracks: Callable[[int], Ids], lyric_vectors: Vectors
) -> None:
    """One bad result does not cost the batch, and a later good one clears its failure."""
    good, nan, short = store_tracks(3).values()
    bad = lyric_vectors(nan, "h")
    bad.vectors[0, 0] = np.nan
    batch = [lyric_vectors(good, "h"), bad, lyric_vectors(short, "h", dimension=7)]
    failed = [Failure(STAGE, str(good + 999), "analysis_failed", "x", "h")]
    counts = vectors.write_embeddings(
        conn, run_id, model_id, 8, batch, stage=STAGE, failed=failed, max_attempts=1
    )
    assert (counts["new"], counts["failed"], counts["dead"]) == (1, 3, 3)
    assert (
        vectors.write_embeddings(conn, run_id, model_id, 8, batch, stage=STAGE, failed=failed, max_attempts=1)
        == counts
    )
    assert {letter.attempts for letter in failures.list_(conn)} == {1}
    vectors.write_embeddings(conn, run_id, model_id, 8, [lyric_vectors(nan, "h")], stage=STAGE)
    assert str(nan) not in {letter.key for letter in failures.list_(conn, dead_only=False)}


def test_build_index_is_idempotent(
    conn: Connection, run_id: UUID, model_id: int, store_tracks: Callable[[int], Ids], lyric_vectors: Vectors
) -> None:
    """The first call builds, the second finds it; a broken-off build is replaced."""
    made = [lyric_vectors(track_id, "h") for track_id in store_tracks(300).values()]
    vectors.write_embeddings(conn, run_id, model_id, 8, made, stage=STAGE)
    assert vector_index.index_state(conn, model_id).is_usable is False
    seen: list[tuple[str, float]] = []
    built = vector_index.build_index(conn, model_id, lambda phase, part: seen.append((phase, part)))
    assert built.is_usable
    assert built.rows == 600
    assert built.bytes > 0
    assert all(0 <= part <= 1 for _, part in seen)
    assert vector_index.build_index(conn, model_id) == built
    conn.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", (built.name,))
    assert replace(vector_index.index_state(conn, model_id), is_usable=True) == built
    assert vector_index.build_index(conn, model_id).is_usable


def test_build_index_unknown_model(conn: Connection) -> None:
    """The reason names the model."""
    with pytest.raises(DatabaseUnsuitable, match="99"):
        vector_index.build_index(conn, 99)
