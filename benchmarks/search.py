"""How fast is a search by meaning, and how much of the true ten nearest does it find?

Synthetic vectors in clusters (songs of one kind lie near each other), searched through `rapray.store.search`, the
call that the ingress makes, with and without the HNSW index in one run. Recall@10 is against every vector compared.

    python -m benchmarks.search [--tracks 57718] [--passages 1] [--queries 300] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncConnection, Connection
from psycopg_pool import AsyncConnectionPool

from benchmarks.database import fresh_database
from benchmarks.timing import spread_of
from rapray.config.settings import DatabaseSettings
from rapray.domain import LyricVectors, ModelInfo, TrackFilter
from rapray.store import models, runs, vector_index, vectors
from rapray.store.pool import async_pool, connect
from rapray.store.search import search

DIMENSION = 384
CLUSTERS = 500
SPREAD = 1.0  # noise to signal of one cluster: neighbours at a cosine of about 0.5, as whole songs have
BATCH = 2000
EXACT_QUERIES = 20
Floats = NDArray[np.float32]


def clustered(count: int, passages: int) -> Floats:
    """Unit vectors (count, passages, 384) around common centres."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(CLUSTERS, DIMENSION)).astype(np.float32)
    kinds = random.integers(CLUSTERS, size=count)
    noise = random.normal(size=(count, passages, DIMENSION)).astype(np.float32)
    found = centres[kinds][:, None] + SPREAD * noise
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def fill(conn: Connection, values: Floats) -> tuple[int, list[int]]:
    """Store tracks with these vectors; the model's id and the tracks' in order."""
    conn.execute(
        """INSERT INTO artists (source, source_id, name, name_normalized)
           SELECT 'b', n, 'A' || n, 'a' || n FROM generate_series(0, 999) n"""
    )
    conn.execute(
        """INSERT INTO tracks (source, source_id, artist_id, title, lyrics, sections, url, content_hash, release_year)
           SELECT 'b', n, a.id, 't' || n, 'x', '[]', 'u', md5(n::text), 1985 + n %% 40
           FROM generate_series(1, %s) n JOIN artists a ON a.source_id = (n %% 1000)::text""",
        (len(values),),
    )
    ids = conn.execute("SELECT id, content_hash FROM tracks ORDER BY id").fetchall()
    model_id = models.register_model(conn, ModelInfo("embedding", "benchmark", "1", DIMENSION))
    run_id = runs.start(conn, "benchmark", {})
    passages = tuple(range(values.shape[1]))
    made = [LyricVectors(str(track_id), text, passages, values[n]) for n, (track_id, text) in enumerate(ids)]
    for start in range(0, len(made), BATCH):
        vectors.write_embeddings(
            conn, run_id, model_id, DIMENSION, made[start : start + BATCH], stage="embed/b"
        )
    conn.execute("VACUUM ANALYZE")
    return model_id, [track_id for track_id, _ in ids]


def true_nearest(values: Floats, query: Floats) -> NDArray[np.int64]:
    """The ten nearest tracks by their best passage, in 16-bit values as they are stored."""
    scores = (values.reshape(-1, DIMENSION) @ query).reshape(values.shape[:2]).max(axis=1)
    return np.argpartition(-scores, 10)[:10]


async def timed(
    pool: AsyncConnectionPool[AsyncConnection],
    model_id: int,
    queries: Floats,
    filters: TrackFilter = TrackFilter(),
) -> tuple[list[float], list[set[int]]]:
    """Seconds and found track ids of each query, one after the other."""
    took: list[float] = []
    found: list[set[int]] = []
    for query in queries:
        start = time.perf_counter()
        hits = await search(pool, model_id, query, filters, limit=10)
        took.append(time.perf_counter() - start)
        found.append({hit.track.id for hit in hits})
    return took, found


async def measure(url: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Fill, search without the index, build it, search with it."""
    values = clustered(arguments.tracks, arguments.passages)
    random = np.random.default_rng(1)
    near = values[random.integers(len(values), size=arguments.queries), 0]
    queries = near + random.normal(size=near.shape).astype(np.float32) * (0.5 / DIMENSION**0.5)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    with connect(url, application_name="benchmark") as conn:
        model_id, ids = fill(conn, values)
        async with async_pool(url, DatabaseSettings(pool_size=2)) as pool:
            exact, _ = await timed(pool, model_id, queries[:EXACT_QUERIES])
            start = time.perf_counter()
            index = vector_index.build_index(conn, model_id)
            build_s = time.perf_counter() - start
            await timed(pool, model_id, queries[:50])
            took, found = await timed(pool, model_id, queries)
            filtered, _ = await timed(pool, model_id, queries, TrackFilter(year_from=1990, year_to=1999))
            by_artist, _ = await timed(pool, model_id, queries, TrackFilter("A7"))
    halves = values.astype(np.float16).astype(np.float32)
    hits = sum(
        len({ids[n] for n in true_nearest(halves, query)} & got)
        for query, got in zip(queries, found, strict=True)
    )
    return {
        "tracks": arguments.tracks,
        "vectors": index.rows,
        "index_build_s": round(build_s, 1),
        "index_mb": round(index.bytes / 1e6),
        "hnsw": spread_of(took),
        "hnsw_years": spread_of(filtered),
        "artist": spread_of(by_artist),
        "exact": spread_of(exact),
        "exact_to_hnsw": round(float(np.median(exact) / np.median(took)), 1),
        "recall_at_10": round(hits / (10 * len(queries)), 4),
    }


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=int, default=57_718)
    parser.add_argument("--passages", type=int, default=1)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with fresh_database() as url:
        found = asyncio.run(measure(url, arguments))
    if arguments.json:
        json.dump(found, sys.stdout)
        return
    for name, value in found.items():
        print(f"{name:14} {value}")


if __name__ == "__main__":
    main()
