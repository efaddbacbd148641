"""Writes the vectors of lyrics.

Does not know how a vector is made, how it is searched (`search.py`), nor how the index is built (`vector_index.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from rapray.domain import Failure, LyricVectors
from rapray.errors import EmbeddingFailed
from rapray.store import failures, queries
from rapray.store.ledger import batch_id, copy_statement, create_stage, stage, write_once
from rapray.store.models import partition_of
from rapray.store.pool import know_vectors

_SQL = queries.load("vectors")
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # signature, no flags, no extension
_COPY_TRAILER = b"\xff\xff"
_LARGEST_HALF = 65_504.0
_LYRIC_COLUMNS = {"track_id": "int8", "content_hash": "text"}
_VECTOR_COLUMNS = {"track_id": "int8", "passage": "int4", "embedding": "halfvec"}


def write_embeddings(
    conn: Connection,
    run_id: UUID,
    model_id: int,
    dimension: int,
    vectors: Sequence[LyricVectors],
    *,
    stage: str,
    failed: Sequence[Failure] = (),
    max_attempts: int = 3,
) -> Counter[str]:
    """Stores the vectors of one task in one transaction, and its failures; a replay of it changes nothing.

    A lyric's passages replace those that it had. Lyrics whose track is gone are left out. Vectors that cannot
    be stored (another length, not finite) become failures of `stage`.

    Returns:
        Counts of lyrics: `new`, `changed`, `unchanged` (the same vectors were there), `vanished`, `failed`,
        `dead` (of the failed, those that will not be tried again).
    """
    fit = [lyric for lyric in vectors if _problem(lyric, dimension) is None]
    unfit = [
        Failure(stage, lyric.key, EmbeddingFailed.code, problem, lyric.content_hash)
        for lyric in vectors
        if (problem := _problem(lyric, dimension)) is not None
    ]
    all_failed = [*failed, *unfit]
    if not fit and not all_failed:
        return Counter()
    keys = [f"embed {model_id}"]
    keys += [f"{lyric.key}\x1f{lyric.content_hash}" for lyric in fit]
    keys += [f"{failure.key}\x1f{failure.content_hash}\x1f{failure.code}" for failure in all_failed]

    def write(inside: Connection) -> Counter[str]:
        counts = _write(inside, model_id, dimension, fit) if fit else Counter[str]()
        counts["dead"] = failures.record(inside, all_failed, max_attempts)
        counts["failed"] = len(all_failed)
        failures.clear(inside, stage, [(lyric.key, lyric.content_hash) for lyric in fit])
        return counts

    return write_once(conn, run_id, batch_id(keys), write)


def _problem(lyric: LyricVectors, dimension: int) -> str | None:
    shape = lyric.vectors.shape
    if shape != (len(lyric.passages), dimension) or not lyric.passages:
        return f"{len(lyric.passages)} passages of {dimension} dimensions came as an array of {shape}"
    if not np.isfinite(lyric.vectors).all() or np.abs(lyric.vectors).max() > _LARGEST_HALF:
        return "a vector has values that are not finite or too large"
    return None


def _write(conn: Connection, model_id: int, dimension: int, lyrics: Sequence[LyricVectors]) -> Counter[str]:
    know_vectors(conn)
    latest = {int(lyric.key): lyric for lyric in lyrics}
    ordered = [latest[track_id] for track_id in sorted(latest)]
    stage(conn, "staged_lyrics", _LYRIC_COLUMNS, ((int(lyric.key), lyric.content_hash) for lyric in ordered))
    create_stage(conn, "staged_vectors", _VECTOR_COLUMNS)
    with conn.cursor() as cursor, cursor.copy(copy_statement("staged_vectors", _VECTOR_COLUMNS)) as copy:
        copy.write(_COPY_HEADER + copy_rows(ordered, dimension).tobytes() + _COPY_TRAILER)
    names = {"partition": partition_of(model_id)}
    parameters = {"model_id": model_id, "track_ids": sorted(latest)}
    conn.execute(_SQL["keep_present"])
    conn.execute(_SQL["delete_surplus"].format(**names), parameters)
    rows = conn.execute(_SQL["upsert"].format(**names), parameters).fetchall()
    counts = Counter({str(kind): int(tracks) for kind, tracks in rows})
    counts["vanished"] = len(ordered) - sum(counts.values())
    return counts


def copy_rows(lyrics: Sequence[LyricVectors], dimension: int) -> NDArray[np.void]:
    """The rows (track id, passage, vector) in the binary form of COPY, one array element a row.

    An array is written as it lies in memory: 57,718 vectors of 384 values take a quarter of a second. Row
    form: https://www.postgresql.org/docs/current/sql-copy.html; halfvec: dimension, 0, halves; big-endian.
    """
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("track_bytes", ">i4"),
            ("track", ">i8"),
            ("passage_bytes", ">i4"),
            ("passage", ">i4"),
            ("vector_bytes", ">i4"),
            ("dimension", ">i2"),
            ("unused", ">i2"),
            ("vector", ">f2", (dimension,)),
        ]
    )
    sizes = [len(lyric.passages) for lyric in lyrics]
    rows = np.zeros(sum(sizes), dtype=row)
    rows["fields"], rows["track_bytes"], rows["passage_bytes"] = 3, 8, 4
    rows["vector_bytes"], rows["dimension"] = 4 + 2 * dimension, dimension
    rows["track"] = np.repeat([int(lyric.key) for lyric in lyrics], sizes)
    rows["passage"] = np.concatenate([lyric.passages for lyric in lyrics])
    rows["vector"] = np.concatenate([lyric.vectors for lyric in lyrics])
    return rows
