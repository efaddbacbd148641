"""What is still to do, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from psycopg import Connection

from rapray.domain import Analysis, Failure, FetchResult, LyricVectors, Provenance
from rapray.store import analyses, due, failures, provenances, tracks, vectors
from rapray.store.due import DueAnalyses, DueEmbeddings, DueQuery

PROVENANCE = Provenance("algorithmic", "1.0.0")
ANALYSES = DueAnalyses(PROVENANCE)


def _due_keys(conn: Connection, query: DueQuery, rows: int = 10) -> list[str]:
    ranges = due.due_ranges(conn, query, rows)
    return [lyric.key for part in ranges for few in due.read_range(conn, query, part, 3) for lyric in few]


def test_due_ranges_cover_tracks(
    conn: Connection, model_id: int, store_tracks: Callable[..., dict[str, int]]
) -> None:
    """Ranges cover every due track exactly once; a limit takes the first."""
    ids = store_tracks(25)
    query = DueEmbeddings(model_id, "embed/x")
    assert _due_keys(conn, query) == [str(track_id) for track_id in sorted(ids.values())]
    assert [part.rows for part in due.due_ranges(conn, query, 10)] == [10, 10, 5]
    assert [part.rows for part in due.due_ranges(conn, query, 10, limit=12)] == [10, 2]
    assert due.count(conn, query) == 25


def test_due_lyric_round_trips(conn: Connection, run_id: UUID, fetched: Callable[..., FetchResult]) -> None:
    """Text, sections, title and language reach the worker."""
    result = fetched("1", lyrics="one\ntwo", language="en")
    tracks.write_fetched(conn, run_id, [result], max_attempts=1, retry_delay_s=0)
    [part] = due.due_ranges(conn, ANALYSES, 10)
    [[lyric]] = due.read_range(conn, ANALYSES, part)
    assert result.track is not None
    assert (lyric.lyrics, lyric.sections, lyric.title) == ("one\ntwo", result.track.sections, "Song 1")
    assert (lyric.language, lyric.content_hash) == ("en", result.track.content_hash)


def test_due_embedding_changed_text(
    conn: Connection,
    run_id: UUID,
    model_id: int,
    store_tracks: Callable[..., dict[str, int]],
    fetched: Callable[..., FetchResult],
    lyric_vectors: Callable[..., LyricVectors],
    hash_of: Callable[[int], str],
) -> None:
    """Vectors of an old text count as none."""
    ids = store_tracks(3)
    done = [lyric_vectors(track_id, hash_of(track_id)) for track_id in ids.values()]
    vectors.write_embeddings(conn, run_id, model_id, 8, done, stage="embed/x")
    query = DueEmbeddings(model_id, "embed/x")
    assert _due_keys(conn, query) == []
    tracks.write_fetched(conn, run_id, [fetched("00001", lyrics="new")], max_attempts=1, retry_delay_s=0)
    assert _due_keys(conn, query) == [str(ids["00001"])]
    assert due.standing(conn, query) == due.Standing(done=2, failed=0, due=1)


FIELDS = ["version", "model", "model_revision", "prompt_version", "parameters"]


@pytest.mark.parametrize("field", FIELDS)
def test_due_analysis_changed_provenance(
    conn: Connection,
    run_id: UUID,
    store_tracks: Callable[..., dict[str, int]],
    hash_of: Callable[[int], str],
    field: str,
) -> None:
    """Changing version, model, revision, prompt or parameters makes exactly the stale rows due."""
    [track_id] = store_tracks(1).values()
    provenance = Provenance("algorithmic", "1.0.0", "m", "r", "p", "0c")
    analyses.write_analyses(conn, run_id, [Analysis(str(track_id), provenance, hash_of(track_id), {})])

    def due_count(**changes: str | None) -> int:
        return due.count(conn, DueAnalyses(replace(provenance, **changes)))  # type: ignore[arg-type]

    assert due_count() == 0
    assert due_count(**{field: "other"}) == 1
    assert due_count(model=None) == due_count(parameters=None) == 1


def test_due_dead_letter_revived(
    conn: Connection,
    run_id: UUID,
    store_tracks: Callable[..., dict[str, int]],
    fetched: Callable[..., FetchResult],
    hash_of: Callable[[int], str],
) -> None:
    """A failure is due again until its last attempt, and a new text starts over."""
    [track_id] = store_tracks(1).values()
    failure = Failure(ANALYSES.stage, str(track_id), "analysis_failed", "no", hash_of(track_id))
    assert failures.record(conn, [failure], max_attempts=2) == 0
    assert due.count(conn, ANALYSES) == 1
    assert failures.record(conn, [failure], max_attempts=2) == 1
    assert due.standing(conn, ANALYSES) == due.Standing(done=0, failed=1, due=0)
    failures.retry(conn, keys=[str(track_id)])
    assert due.count(conn, ANALYSES) == 1
    failures.record(conn, [failure], max_attempts=1)
    assert due.count(conn, ANALYSES) == 0
    tracks.write_fetched(conn, run_id, [fetched("00000", lyrics="new")], max_attempts=1, retry_delay_s=0)
    assert due.count(conn, ANALYSES) == 1
    assert failures.record(conn, [replace(failure, content_hash="other")], max_attempts=2) == 0


@pytest.mark.parametrize("field", FIELDS)
def test_due_dead_letter_provenance(
    conn: Connection, store_tracks: Callable[..., dict[str, int]], hash_of: Callable[[int], str], field: str
) -> None:
    """Who fails under one prompt or model may succeed under the next; under the same it stays dead."""
    [track_id] = store_tracks(1).values()
    provenance = replace(PROVENANCE, model="org/m", model_revision="r", prompt_version="p1")
    query = DueAnalyses(provenance)
    letter = Failure(query.stage, str(track_id), "answer_invalid", "no", hash_of(track_id))
    failures.record(conn, [letter], max_attempts=1)
    assert due.standing(conn, query) == due.Standing(done=0, failed=1, due=0)
    other = DueAnalyses(replace(provenance, **{field: "other"}))
    assert due.standing(conn, other) == due.Standing(done=0, failed=0, due=1)
    assert _due_keys(conn, other) == [letter.key]
    failures.record(conn, [replace(letter, stage=other.stage)], max_attempts=1)
    assert due.count(conn, other) == due.count(conn, query) == 0


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("kind", ["embeddings", "analyses"])
def test_due_reads_use_indexes(
    conn: Connection, model_id: int, store_tracks: Callable[..., dict[str, int]], kind: str, is_done: bool
) -> None:
    """Neither planning ranges nor reading one walks through the lyrics of all tracks."""
    [first] = store_tracks(1, lyrics="some words " * 200).values()
    conn.execute(
        """INSERT INTO tracks (source, source_id, artist_id, title, lyrics, sections, url, content_hash)
           SELECT source, 'n' || n, artist_id, title, lyrics || n, sections, url, md5(n::text)
           FROM tracks, generate_series(1, 5000) n WHERE id = %s""",
        (first,),
    )
    if is_done:
        conn.execute(
            "INSERT INTO lyric_embeddings SELECT %s, id, p, content_hash, '[1,0,0,0,0,0,0,0]' FROM tracks, generate_series(0, 5) p WHERE id %% 100 > 0",
            (model_id,),
        )
        [provenance_id] = provenances.ids_of(conn, [PROVENANCE]).values()
        conn.execute(
            "INSERT INTO analysis_results (track_id, provenance_id, content_hash, data) SELECT id, %s, content_hash, '{}' FROM tracks WHERE id %% 100 > 0",
            (provenance_id,),
        )
    conn.execute("ANALYZE")
    query = DueEmbeddings(model_id, "embed/x") if kind == "embeddings" else ANALYSES
    part = due.due_ranges(conn, query, 500)[0]
    for plan in (due.explain(conn, query), due.explain(conn, query, part)):
        assert "Seq Scan on tracks" not in plan, plan
        assert "Seq Scan on lyric_embeddings" not in plan, plan
        assert "Seq Scan on analysis_results" not in plan, plan
        assert "Index" in plan
