"""The checksum that compares two databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from psycopg import Connection

from rapray.domain import Analysis, Failure, FetchResult, LyricVectors, Outcome
from rapray.store import analyses, failures, runs, tracks, vectors
from rapray.store.checksum import checksum


def _fill(
    conn: Connection,
    model_id: int,
    results: Sequence[FetchResult],
    lyric_vectors: Callable[..., LyricVectors],
    batch: int,
) -> None:
    run = runs.start(conn, "test", {})
    for start in range(0, len(results), batch):
        tracks.write_fetched(conn, run, results[start : start + batch], max_attempts=1, retry_delay_s=0)
    tracks.group_duplicates(conn)
    for source_id, track_id, text in conn.execute(
        "SELECT source_id, id, content_hash FROM tracks ORDER BY id"
    ).fetchall():
        seeded = lyric_vectors(track_id, text, seed=int(source_id))
        vectors.write_embeddings(conn, run, model_id, 8, [seeded], stage="embed/x")
        analyses.write_analyses(
            conn, run, [Analysis(str(track_id), "a", "1", text, {"n": source_id}, seconds=float(track_id))]
        )
        if source_id == "3":
            failures.record(conn, [Failure("embed/x", str(track_id), "e", "d", text)], 1)


def test_checksum_other_order_other_ids_is_equal_and_other_content_is_not(
    conn: Connection,
    model_id: int,
    fetched: Callable[..., FetchResult],
    lyric_vectors: Callable[..., LyricVectors],
    run_id: UUID,
) -> None:
    """Filled backwards in other batches, with other ids and times, the sums are the same; one word more and they are not."""
    results = [fetched(str(n), artist_id=str(n % 4), lyrics=f"text {n % 15}") for n in range(20)]
    results.append(fetched("77", Outcome.BLOCKED, detail="at 12:00"))
    _fill(conn, model_id, results, lyric_vectors, 7)
    first = checksum(conn, vectors=True)
    conn.execute("TRUNCATE artists, tracks, crawl, dead_letters, runs CASCADE")
    assert checksum(conn) != first
    _fill(conn, model_id, results[::-1], lyric_vectors, 3)
    assert checksum(conn, vectors=True) == first
    conn.execute("UPDATE tracks SET album = 'x' WHERE source_id = '5'")
    changed = checksum(conn, vectors=True)
    assert {table for table in first if first[table] != changed[table]} == {"tracks"}
