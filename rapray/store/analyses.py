"""Writes what analyzers found, and reads a track's results.

Does not know what an analyzer measures: `data` is plain JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from pgvector import HalfVector
from psycopg import AsyncConnection, Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from rapray.domain import Analysis, Failure, Provenance
from rapray.errors import AnalysisFailed
from rapray.store import failures, queries
from rapray.store.bounds import fitted
from rapray.store.ledger import batch_id, stage, write_once
from rapray.store.pool import acquired, know_vectors
from rapray.store.records import StoredAnalysis
from rapray.store.values import storable_or_none

_SQL = queries.load("analyses")
_COLUMNS = {
    "track_id": "int8",
    "analyzer": "text",
    "version": "text",
    "content_hash": "text",
    "sentiment": "float4",
    "confidence": "float4",
    "data": "jsonb",
    "analysis_embedding": "halfvec",
    "model": "text",
    "model_revision": "text",
    "prompt_version": "text",
    "parameters": "text",
    "seconds": "float4",
    "input_tokens": "int4",
    "output_tokens": "int4",
    "cost_usd": "float8",
}


def write_analyses(
    conn: Connection,
    run_id: UUID,
    results: Sequence[Analysis],
    *,
    failed: Sequence[Failure] = (),
    max_attempts: int = 3,
) -> Counter[str]:
    """Stores the results of one task in one transaction, and its failures; a replay of it changes nothing.

    Results whose track is gone are left out. A result that cannot be stored (a figure out of its bounds, NaN)
    becomes a failure of its analyzer's stage.

    Returns:
        Counts of results: `new`, `changed`, `unchanged`, `vanished`, `failed`, `dead` (of the failed, those
        that will not be tried again).
    """
    fit, unfit = _sorted_out(results)
    all_failed = [*failed, *unfit]
    if not fit and not all_failed:
        return Counter()
    keys = ["analyze", *map(_batch_key, fit)]
    keys += [
        f"{failure.stage}\x1f{failure.key}\x1f{failure.content_hash}\x1f{failure.code}"
        for failure in all_failed
    ]

    def write(inside: Connection) -> Counter[str]:
        counts = _write(inside, fit) if fit else Counter[str]()
        counts["dead"] = failures.record(inside, all_failed, max_attempts)
        counts["failed"] = len(all_failed)
        for provenance in sorted({result.provenance for result in fit}, key=lambda made_by: made_by.stage):
            done = [(result.key, result.content_hash) for result in fit if result.provenance == provenance]
            failures.clear(inside, provenance.stage, done)
        return counts

    return write_once(conn, run_id, batch_id(keys), write)


def _sorted_out(results: Sequence[Analysis]) -> tuple[list[Analysis], list[Failure]]:
    """What can be stored, and a failure of each of the others."""
    fit: list[Analysis] = []
    unfit: list[Failure] = []
    for result in results:
        try:
            fit.append(fitted(result))
        except AnalysisFailed as error:
            stage_ = result.provenance.stage
            unfit.append(Failure(stage_, result.key, error.code, str(error), result.content_hash))
    return fit, unfit


def _batch_key(result: Analysis) -> str:
    return "\x1f".join((result.key, result.content_hash, result.provenance.digest))


def _write(conn: Connection, results: Sequence[Analysis]) -> Counter[str]:
    know_vectors(conn)
    latest = {
        (int(result.key), result.provenance.analyzer, result.provenance.version): result for result in results
    }
    stage(conn, "staged_analyses", _COLUMNS, (_row(latest[key]) for key in sorted(latest)))
    row = conn.execute(_SQL["upsert"]).fetchone()
    assert row is not None
    new, changed, present = row
    counts = Counter({"new": new, "changed": changed, "unchanged": present - new - changed})
    counts["vanished"] = len(latest) - present
    return counts


def _row(result: Analysis) -> tuple[Any, ...]:
    made_by = result.provenance
    return (
        int(result.key),
        made_by.analyzer,
        made_by.version,
        result.content_hash,
        result.sentiment,
        result.confidence,
        Jsonb(result.data),
        None if result.embedding is None else HalfVector(list(result.embedding)),
        storable_or_none(made_by.model),
        storable_or_none(made_by.model_revision),
        storable_or_none(made_by.prompt_version),
        storable_or_none(made_by.parameters),
        result.seconds,
        result.input_tokens,
        result.output_tokens,
        result.cost_usd,
    )


async def get_analyses(pool: AsyncConnectionPool[AsyncConnection], track_id: int) -> list[StoredAnalysis]:
    """A track's results, by analyzer, the newest version first; empty where there is no such track."""
    async with acquired(pool) as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["of_track"], {"track_id": track_id})
        return [_stored(str(track_id), row) for row in await cursor.fetchall()]


def _stored(key: str, row: dict[str, Any]) -> StoredAnalysis:
    provenance = Provenance(**{field.name: row.pop(field.name) for field in fields(Provenance)})
    created_at, is_current = row.pop("created_at"), row.pop("is_current")
    return StoredAnalysis(Analysis(key, provenance, **row), created_at, is_current)
