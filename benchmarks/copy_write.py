"""What does writing exactly once cost, against a plain `executemany` upsert and a raw COPY of the same bytes?

Two tables, three ways each, into the same empty table with its indexes, in turn in one run:

* rapray: batches of one task (ledger row, COPY into a temporary table, upsert from it), one transaction a batch;
* executemany: `INSERT … ON CONFLICT DO UPDATE` row by row in psycopg's pipeline, the same batches and transactions;
* copy: one binary COPY of all rows, no ledger, no conflict handled: what the table can take at best.

A lyric has nine vectors, itself and eight sections. A track's row comes with its row in the crawl frontier.

    python -m benchmarks.copy_write [--lyrics 2500] [--tracks 3000] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from pgvector import HalfVector
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from benchmarks.database import fresh_database
from benchmarks.lyrics import synthetic_lyrics
from benchmarks.timing import seconds
from rapray.domain import Artist, FetchResult, LyricVectors, ModelInfo, Outcome, SongRef, Track
from rapray.store import models, runs, tracks, vectors
from rapray.store.ledger import copy_statement
from rapray.store.pool import connect, know_vectors
from rapray.store.values import marks_of
from rapray.text.fingerprint import content_hash
from rapray.text.sections import split_sections

DIMENSION = 384
PASSAGES = 9
VECTOR_BATCH = 512
TRACK_BATCH = 32
Row = TypeVar("Row")


def batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Cut into batches."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def compare(
    ways: dict[str, Callable[[], None]], clear: Callable[[], None], rounds: int, count: int
) -> dict[str, Any]:
    """Median seconds of each way, taken in turn; a first round warms up."""
    timed: dict[str, list[float]] = {name: [] for name in ways}
    for round_number in range(rounds + 1):
        for name, run in ways.items():
            clear()
            found = seconds(run)
            if round_number:
                timed[name].append(found)
    medians = {name: statistics.median(found) for name, found in timed.items()}
    return {
        "rows": count,
        "rows_per_second": {name: round(count / found) for name, found in medians.items()},
        "executemany_to_rapray": round(medians["executemany"] / medians["rapray"], 2),
        "rapray_to_copy": round(medians["rapray"] / medians["copy"], 2),
    }


def compare_vectors(conn: Connection, count: int, rounds: int) -> dict[str, Any]:
    """Nine vectors of 384 values a lyric."""
    fill_tracks(conn, count)
    ids = [(row[0], row[1]) for row in conn.execute("SELECT id, content_hash FROM tracks ORDER BY id")]
    model_id = models.register_model(conn, ModelInfo("embedding", "benchmark", "1", DIMENSION))
    know_vectors(conn)
    values = np.random.default_rng(0).normal(size=(count, PASSAGES, DIMENSION)).astype(np.float32)
    passages = tuple(range(PASSAGES))
    made = [
        LyricVectors(str(track_id), text, passages, values[number])
        for number, (track_id, text) in enumerate(ids)
    ]
    partition = models.partition_of(model_id)
    upsert = sql.SQL(
        """INSERT INTO {} AS e (model_id, track_id, passage, content_hash, embedding) VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (model_id, track_id, passage) DO UPDATE
           SET content_hash = excluded.content_hash, embedding = excluded.embedding
           WHERE e.content_hash IS DISTINCT FROM excluded.content_hash"""
    ).format(partition)

    def rows_of(lyric: LyricVectors) -> Iterator[tuple[Any, ...]]:
        for passage in lyric.passages:
            vector = HalfVector(lyric.vectors[passage])
            yield model_id, int(lyric.key), passage, lyric.content_hash, vector

    def rapray() -> None:
        run_id = runs.start(conn, "benchmark", {})
        for batch in batches(made, VECTOR_BATCH):
            vectors.write_embeddings(conn, run_id, model_id, DIMENSION, batch, stage="embed/benchmark")

    def executemany() -> None:
        for batch in batches(made, VECTOR_BATCH):
            rows = [row for lyric in batch for row in rows_of(lyric)]
            with conn.transaction(), conn.cursor() as cursor:
                cursor.executemany(upsert, rows)

    columns = ("model_id", "track_id", "passage", "content_hash", "embedding")

    def copy() -> None:
        with (
            conn.cursor() as cursor,
            cursor.copy(copy_statement(partition.as_string(None).strip('"'), columns)) as target,
        ):
            target.set_types(["int4", "int8", "int4", "text", "halfvec"])
            for lyric in made:
                for row in rows_of(lyric):
                    target.write_row(row)

    def clear() -> None:
        conn.execute(sql.SQL("TRUNCATE {}").format(partition))

    return compare(
        {"rapray": rapray, "executemany": executemany, "copy": copy}, clear, rounds, count * PASSAGES
    )


def fill_tracks(conn: Connection, count: int) -> None:
    """Tracks to hang vectors on; their texts do not matter here."""
    conn.execute("TRUNCATE artists, tracks, crawl CASCADE")
    conn.execute("INSERT INTO artists (source, source_id, name, name_normalized) VALUES ('b', '1', 'B', 'b')")
    conn.execute(
        """INSERT INTO tracks (source, source_id, artist_id, title, lyrics, sections, url, content_hash)
           SELECT 'b', n, a.id, 't', 'x', '[]', 'u', md5(n::text) FROM artists a, generate_series(1, %s) n""",
        (count,),
    )


def compare_tracks(conn: Connection, count: int, rounds: int) -> dict[str, Any]:
    """Whole lyrics with their full-text index."""
    artist = Artist("benchmark", "1", "Benchmark")
    results: list[FetchResult] = []
    for number, text in enumerate(synthetic_lyrics(count)):
        ref = SongRef("benchmark", str(number), f"https://example.test/{number}", f"Song {number}", artist)
        sections = tuple(split_sections(text))
        track = Track(
            ref.source, ref.source_id, ref.title, artist, text, sections, content_hash(text), ref.url
        )
        results.append(FetchResult(ref, Outcome.LYRICS, track))
    columns = ("source", "source_id", "artist_id", "title", "lyrics", "sections", "url", "content_hash")
    upsert = """INSERT INTO tracks (source, source_id, artist_id, title, lyrics, sections, url, content_hash)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (source, source_id) DO UPDATE
                SET title = excluded.title, lyrics = excluded.lyrics, sections = excluded.sections,
                    content_hash = excluded.content_hash"""

    crawl_columns = (
        "source",
        "kind",
        "source_id",
        "url",
        "title",
        "artist_source_id",
        "artist_name",
        "state",
        "outcome",
    )
    upsert_crawl = """INSERT INTO crawl
                      (source, kind, source_id, url, title, artist_source_id, artist_name, state, outcome)
                      VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
                      ON CONFLICT (source, kind, source_id) DO UPDATE
                      SET state = excluded.state, outcome = excluded.outcome"""

    def row(result: FetchResult, artist_id: int, sections: Jsonb) -> tuple[Any, ...]:
        track = result.track
        assert track is not None
        head = (track.source, track.source_id, artist_id, track.title)
        return (*head, track.lyrics, sections, track.url, track.content_hash)

    def crawl_row(result: FetchResult) -> tuple[Any, ...]:
        ref = result.ref
        return (ref.source, "song", ref.source_id, ref.url, ref.title, "1", "Benchmark", "done", "lyrics")

    def rows_of(some: Sequence[FetchResult]) -> list[tuple[Any, ...]]:
        [(artist_id,)] = conn.execute("SELECT id FROM artists").fetchall()
        return [
            row(result, artist_id, Jsonb(marks_of(result.track.lyrics, result.track.sections)))
            for result in some
            if result.track
        ]

    def rapray() -> None:
        run_id = runs.start(conn, "benchmark", {})
        for batch in batches(results, TRACK_BATCH):
            tracks.write_fetched(conn, run_id, batch, max_attempts=1, retry_delay_s=0)

    def executemany() -> None:
        for batch in batches(results, TRACK_BATCH):
            with conn.transaction(), conn.cursor() as cursor:
                cursor.executemany(upsert, rows_of(batch))
                cursor.executemany(upsert_crawl, list(map(crawl_row, batch)))

    def copy() -> None:
        with conn.cursor() as cursor, cursor.copy(copy_statement("tracks", columns)) as target:
            target.set_types(["text", "text", "int8", "text", "text", "jsonb", "text", "text"])
            for values in copied:
                target.write_row(values)
        with conn.cursor() as cursor, cursor.copy(copy_statement("crawl", crawl_columns)) as target:
            target.set_types(["text"] * len(crawl_columns))
            for result in results:
                target.write_row(crawl_row(result))

    def clear() -> None:
        conn.execute("TRUNCATE tracks, crawl CASCADE")

    conn.execute("TRUNCATE artists, tracks, crawl CASCADE")
    conn.execute(
        """INSERT INTO artists (source, source_id, name, name_normalized)
           VALUES ('benchmark', '1', 'Benchmark', 'benchmark')"""
    )
    copied = rows_of(results)
    return compare({"rapray": rapray, "executemany": executemany, "copy": copy}, clear, rounds, count)


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lyrics", type=int, default=2500)
    parser.add_argument("--tracks", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with fresh_database() as url, connect(url, application_name="benchmark") as conn:
        found = {
            "vectors": compare_vectors(conn, arguments.lyrics, arguments.rounds),
            "tracks": compare_tracks(conn, arguments.tracks, arguments.rounds),
        }
    if arguments.json:
        json.dump(found, sys.stdout)
        return
    for name, result in found.items():
        speeds = "   ".join(f"{way} {speed:,} rows/s" for way, speed in result["rows_per_second"].items())
        print(f"{name:8} {result['rows']:6} rows   {speeds}")
        print(
            f"{'':8} rapray is {result['executemany_to_rapray']} times as fast as executemany"
            f" and takes {result['rapray_to_copy']} times as long as a raw COPY"
        )


if __name__ == "__main__":
    main()
