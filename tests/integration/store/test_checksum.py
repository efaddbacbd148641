"""The checksum that compares two databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from psycopg import Connection

from rapray.domain import Analysis, Failure, FetchResult, LyricVectors, Outcome, Provenance
from rapray.store import analyses, failures, runs, tracks, vectors
from rapray.store.checksum import checksum

_OF_MODEL = "WHERE provenance_id IN (SELECT id FROM provenances WHERE model = 'm')"


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
        rules = Analysis(str(track_id), Provenance("a", "1"), text, {"n": source_id}, seconds=float(track_id))
        computed = replace(rules, provenance=Provenance("b", "1", "m", "r1"), confidence=0.5)
        analyses.write_analyses(conn, run, [rules, computed])
        if source_id == "3":
            failures.record(conn, [Failure("embed/x", str(track_id), "e", "d", text)], 1)


def test_checksum_other_order(
    conn: Connection,
    model_id: int,
    fetched: Callable[..., FetchResult],
    lyric_vectors: Callable[..., LyricVectors],
    run_id: UUID,
) -> None:
    """Filled backwards in other batches, with other ids and times, the sums are the same."""
    results = [fetched(str(n), artist_id=str(n % 4), lyrics=f"text {n % 15}") for n in range(20)]
    results.append(fetched("77", Outcome.BLOCKED, detail="at 12:00"))
    _fill(conn, model_id, results, lyric_vectors, 7)
    first = checksum(conn)
    conn.execute("TRUNCATE artists, tracks, crawl, dead_letters, runs CASCADE")
    assert checksum(conn) != first
    _fill(conn, model_id, results[::-1], lyric_vectors, 3)
    assert checksum(conn) == first


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("UPDATE tracks SET album = 'x' WHERE source_id = '5'", {"tracks"}),
        ("UPDATE lyric_embeddings SET content_hash = 'x' WHERE track_id = {track}", {"lyric_embeddings"}),
        ("DELETE FROM lyric_embeddings WHERE track_id = {track}", {"lyric_embeddings"}),
        ("UPDATE lyric_embeddings SET embedding = '[1,0,0,0,0,0,0,0]'", set()),
        ("UPDATE analysis_results SET data = '{{}}' WHERE track_id = {track}", {"analysis_results"}),
        ("UPDATE analysis_results SET sentiment = 0.1 WHERE track_id = {track}", {"analysis_results"}),
        (f"UPDATE analysis_results SET data = '{{{{}}}}', confidence = 0.1 {_OF_MODEL}", set()),
        (
            "UPDATE provenances SET model_revision = 'r2', digest = 'd' WHERE model = 'm'",
            {"analysis_results"},
        ),
        (f"UPDATE analysis_results SET content_hash = 'x' {_OF_MODEL}", {"analysis_results"}),
        (f"DELETE FROM analysis_results {_OF_MODEL}", {"analysis_results"}),
    ],
    ids=[
        "track",
        "hash of vectors",
        "missing vectors",
        "values of vectors",
        "data of rules",
        "figure of rules",
        "figures of a model",
        "revision of a model",
        "hash of a model's result",
        "missing result of a model",
    ],
)
def test_checksum_other_content(
    conn: Connection,
    model_id: int,
    fetched: Callable[..., FetchResult],
    lyric_vectors: Callable[..., LyricVectors],
    run_id: UUID,
    statement: str,
    tables: set[str],
) -> None:
    """Another key, hash, model or figure of rules is another sum; only figures that a model computed are left out."""
    _fill(conn, model_id, [fetched(str(n), lyrics=f"text {n}") for n in range(8)], lyric_vectors, 7)
    row = conn.execute("SELECT min(id) FROM tracks").fetchone()
    assert row is not None
    before = checksum(conn)
    conn.execute(statement.format(track=row[0]))  # pyright: ignore
    after = checksum(conn)
    assert {table for table in before if before[table] != after[table]} == tables
